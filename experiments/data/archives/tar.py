"""Tar archives: a compressed one is unpacked in memory, up to a limit.

The files of a plain one are read where they stand. Sizes in a header are not believed:
they are compared with the size of the archive, and the header itself must be small. An
archive without an end is damaged.
"""

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path
from tarfile import (
    EOFHeaderError,  # pyright: ignore[reportAttributeAccessIssue] - is there
    HeaderError,
    ReadError,
    TarFile,
    TarInfo,
)
from typing import IO, Any, Self

from ...terminal.errors import DataError
from ..trees import MAX_UNPACKED
from .contents import Archive, Contents, File, refusal

_MAX_HEADER = 2**16  # bytes of the headers of one member
OPENERS: dict[str, Callable[[Path], Any]] = {
    ".tar": io.FileIO,
    ".tar.gz": gzip.open,
    ".tgz": gzip.open,
    ".tar.bz2": bz2.open,
    ".tbz2": bz2.open,
    ".tar.xz": lzma.open,
    ".txz": lzma.open,
}
"""What opens an archive, by the ending of its name."""


class _Member(TarInfo):
    """A member whose damaged header is an error."""

    @classmethod
    def fromtarfile(cls, tarfile: TarFile) -> Self:
        """Returns the next member."""
        try:
            return super().fromtarfile(tarfile)
        except EOFHeaderError:
            raise  # the block of zeros that ends an archive
        except HeaderError as error:
            # To tarfile, a damaged header is the end of the archive, too.
            raise ReadError(f"{error} before the end of the archive") from error


class _Headers(io.BufferedReader):
    """An archive from which tarfile can read small headers only."""

    limit = _MAX_HEADER

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0 or self.tell() + size > self.limit:
            raise ReadError(f"a header of more than {_MAX_HEADER:,} bytes")
        return super().read(size)


def _contents(headers: _Headers, path: Path) -> Contents:
    """Returns the folders and files of an archive."""
    size = headers.seek(0, io.SEEK_END)
    headers.seek(0)
    contents = Contents(path)
    with tarfile.open(fileobj=headers, mode="r:", tarinfo=_Member) as tar:
        while (member := tar.next()) is not None:
            if member.size < 0 or tar.offset > size:  # where the next header is
                raise EOFError(f"it ends after {size:,} bytes")
            headers.limit = tar.offset + _MAX_HEADER
            # tarfile would keep a kilobyte of each member.
            tar.members.clear()  # pyright: ignore[reportAttributeAccessIssue] - is there
            if member.issym() or member.islnk():
                raise refusal(path, member.name, "it is a link")
            if not (member.isdir() or member.isfile()) or member.issparse():
                reason = "it is a device or another special file"
                raise refusal(path, member.name, reason)
            file = File(member.offset_data, member.size, member.size)
            contents.add(member.name, file if member.isfile() else None)
    return contents


def _unpack(file: IO[bytes], path: Path) -> bytes:
    """Returns the unpacked contents of a compressed file, its checksum compared."""
    unpacked = io.BytesIO()
    while piece := file.read(2**20):
        unpacked.write(piece)
        if unpacked.tell() > MAX_UNPACKED:
            raise DataError(
                f"{path} is too large to be read compressed: expected at most "
                f"{MAX_UNPACKED:,} bytes unpacked. Unpack it, or compress it not at "
                "all (.tar), and name that with --data-dir."
            )
    return unpacked.getvalue()


def read_tar(path: Path) -> Archive:
    """Returns the files of a tar archive.

    Raises:
      Exception: Whatever tarfile raises if it is damaged.
    """
    name = path.name.lower()
    opener = next(each for ending, each in OPENERS.items() if name.endswith(ending))
    if opener is io.FileIO:
        raw = io.FileIO(path)

        def content(file: File) -> bytes:
            with path.open("rb") as plain:
                plain.seek(file.offset)
                return plain.read(file.size)
    else:
        with opener(path) as packed:
            unpacked = _unpack(packed, path)
        raw = io.BytesIO(unpacked)

        def content(file: File) -> bytes:
            return unpacked[file.offset : file.offset + file.size]

    with _Headers(raw) as headers:  # pyright: ignore[reportArgumentType] - as before
        return Archive(path, content, _contents(headers, path).top)
