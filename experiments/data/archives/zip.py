"""Zip archives: each file is unpacked in memory when it is read.

What the directory of an archive claims is not believed: its own size has a limit, files
must lie within the archive and apart from one another, and a file must have the size
and the checksum it is said to have. Encrypted files are refused, and those compressed
in another way than deflate.
"""

import io
import itertools
import stat
import struct
import zipfile
import zlib
from pathlib import Path

from .contents import Archive, Contents, File, refusal, too_many_names

# zipfile takes up to a kilobyte of memory for a name, which has 46 bytes or more.
_MAX_DIRECTORY = 2**25
_HEADER = struct.Struct("<4s22xHH")  # before a file: magic, lengths of two texts
_ENCRYPTED = 1


class _Directory(io.BufferedReader):
    """An archive from which zipfile can read a small directory only."""

    def read(self, size: int | None = -1, /) -> bytes:
        start = self.tell()
        rest = self.seek(0, io.SEEK_END) - start
        self.seek(start)
        size = rest if size is None or size < 0 else min(size, rest)
        if size > _MAX_DIRECTORY:
            raise too_many_names(Path(str(self.name)))
        return super().read(size)


def _refused(member: zipfile.ZipInfo) -> str | None:
    """Returns why a member is refused, or None."""
    kind = stat.S_IFMT(member.external_attr >> 16)  # 0 if it was not made on Unix
    if kind == stat.S_IFLNK:
        return "it is a link"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "it is a device or another special file"
    if member.flag_bits & _ENCRYPTED:
        return "it is encrypted"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "it is compressed in another way than deflate"
    return None


def _contents(directory: _Directory, path: Path) -> Contents:
    """Returns the folders and files of an archive."""
    size = directory.seek(0, io.SEEK_END)
    with zipfile.ZipFile(directory) as archive:
        members = archive.infolist()
    contents = Contents(path)
    for member in members:
        reason = _refused(member)
        if reason is not None:
            raise refusal(path, member.filename, reason)
        file = File(
            member.header_offset,
            member.file_size,
            member.compress_size,
            member.compress_type == zipfile.ZIP_DEFLATED,
            member.CRC,
        )
        contents.add(member.filename, None if member.is_dir() else file)
    # The same bytes as many files would be a bomb.
    starts = sorted((member.header_offset, member.compress_size) for member in members)
    for (start, packed), (end, _) in itertools.pairwise([*starts, (size, 0)]):
        if start + _HEADER.size + packed > end:
            raise EOFError("files lie in one another or beyond its end")
    return contents


def read_zip(path: Path) -> Archive:
    """Returns the files of a zip archive.

    Raises:
      Exception: Whatever zipfile raises if it is damaged.
    """

    def content(file: File) -> bytes:
        with path.open("rb") as archive:
            archive.seek(file.offset)
            magic, *lengths = _HEADER.unpack(archive.read(_HEADER.size))
            archive.seek(sum(lengths), io.SEEK_CUR)
            unpacked = archive.read(file.packed_size)
        if file.deflated:
            unpacked = zlib.decompressobj(-15).decompress(unpacked, file.size + 1)
        if (magic, len(unpacked)) != (b"PK\3\4", file.size):
            raise EOFError(f"expected {file.size:,} bytes")
        if zlib.crc32(unpacked) != file.checksum:
            raise EOFError("its checksum is another")
        return unpacked

    with _Directory(io.FileIO(path)) as directory:
        return Archive(path, content, _contents(directory, path).top)
