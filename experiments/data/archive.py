"""Tar archives, read where they are: nothing is ever unpacked to disk.

A compressed archive is unpacked in memory, up to a limit; the files of a plain one
are read where they stand. An archive is refused as a whole if it has anything that
images do not need: absolute names, names with "..", links, devices, sparse files, the
same name twice, too many names, or no end.

Sizes in a header are not believed: they are compared with the size of the archive, and
the header itself must be small.
"""

import gzip
import io
import lzma
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from tarfile import (
    EOFHeaderError,  # pyright: ignore[reportAttributeAccessIssue] - is there
    HeaderError,
    ReadError,
    TarFile,
    TarInfo,
)
from typing import IO, Any, NamedTuple, Self, TypeAlias

from ..terminal.errors import DataError
from .trees import MAX_UNPACKED, check_size, readable

MAX_CONTENTS = 2**29
"""Bytes of memory, roughly, for the names of all files and folders."""
_ENTRY_BYTES = 256  # of memory for a file or a folder, without its name
_MAX_HEADER = 2**16  # bytes of the headers of one member
_PLAIN = ".tar"
_OPENERS: dict[str, Callable[[Path], Any]] = {
    ".tar.gz": gzip.open,
    ".tar.xz": lzma.open,
}
_ENDINGS = (_PLAIN, *_OPENERS)


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # tarfile raises whatever a damaged header leads to
        expected = isinstance(error, DataError | OSError)
        if expected and not isinstance(error, gzip.BadGzipFile):
            raise
        raise DataError(
            f"{path} is damaged or cut short: expected a whole archive, but reading it "
            f"failed ({error}). Copy or download it again."
        ) from error


class _File(NamedTuple):
    """The place of a file's content in an archive."""

    offset: int
    size: int


_Folder: TypeAlias = dict[str, "_Folder | _File"]


@dataclass(frozen=True, eq=False)
class Archive:
    """The files of a tar archive, or of one folder in it."""

    file: Path
    unpacked: bytes | None
    """The archive unpacked, if it is compressed."""
    top: _Folder
    prefix: str = ""
    """Path of `top` in the archive, with a slash at the end."""

    def path(self, name: str = "") -> str:
        """Returns the path of a file, for messages."""
        inside = f"{self.prefix}{name}".rstrip("/")
        return f"{self.file}:{inside}" if inside else str(self.file)

    def _at(self, name: str) -> _Folder | _File | None:
        found = self.top
        for part in PurePosixPath(name).parts:
            found = found.get(part) if isinstance(found, dict) else None
        return found

    def is_file(self, name: str) -> bool:
        """Whether there is a file of this name."""
        return isinstance(self._at(name), _File)

    def read(self, name: str, limit: int = MAX_UNPACKED) -> bytes:
        """Returns the contents of a file."""
        found = self._at(name)
        assert isinstance(found, _File)
        check_size(self.path(name), found.size, limit)
        if self.unpacked is not None:
            return self.unpacked[found.offset : found.offset + found.size]
        with readable(self.file), self.file.open("rb") as file:
            file.seek(found.offset)
            return file.read(found.size)

    def children(self) -> tuple[list[str], list[str]]:
        """Returns the names of the folders and of the files at the top, sorted."""
        folders, files = [], []
        for name, found in sorted(self.top.items()):
            if not name.startswith("."):
                (folders if isinstance(found, dict) else files).append(name)
        return folders, files

    def below(self, folder: str) -> "Archive":
        """Returns the tree of a folder, an empty one if there is none."""
        found = self._at(folder)
        return replace(
            self,
            top=found if isinstance(found, dict) else {},
            prefix=f"{self.prefix}{folder}/" if folder else self.prefix,
        )


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


def _parts(member: TarInfo, path: Path) -> tuple[str, ...]:
    """Returns the names of the folders that a member is in, and its own."""
    name = PurePosixPath(member.name)
    if name.is_absolute() or member.name.startswith("\\"):
        reason = "its name is absolute"
    elif ".." in name.parts:
        reason = 'its name has ".."'
    elif member.issym() or member.islnk():
        reason = "it is a link"
    elif not (member.isdir() or member.isfile()) or member.issparse():
        reason = "it is a device or another special file"
    else:
        return name.parts
    raise DataError(
        f"{path} is refused: expected files and folders with relative names, but of "
        f"its member {member.name!r:.200} {reason}. Nothing was unpacked. Pack the "
        "images anew, or ask where the archive comes from."
    )


def _contents(headers: _Headers, path: Path) -> _Folder:
    """Returns the folders and files of an archive."""
    size = headers.seek(0, io.SEEK_END)
    headers.seek(0)
    top: _Folder = {}
    memory = 0
    with tarfile.open(fileobj=headers, mode="r:", tarinfo=_Member) as tar:
        while (member := tar.next()) is not None:
            if member.size < 0 or tar.offset > size:  # where the next header is
                raise EOFError(f"it ends after {size:,} bytes")
            headers.limit = tar.offset + _MAX_HEADER
            # tarfile would keep a kilobyte of each member.
            tar.members.clear()  # pyright: ignore[reportAttributeAccessIssue] - is there
            parts = _parts(member, path)
            at: Any = top
            for depth, name in enumerate(parts, 1):
                is_file = member.isfile() and depth == len(parts)
                new = _File(member.offset_data, member.size) if is_file else {}
                found = at.setdefault(name, new)
                if found is new:
                    memory += _ENTRY_BYTES + len(name)
                elif _File in (type(found), type(new)):
                    raise DataError(
                        f"{path} is refused: expected every file once, but "
                        f"{'/'.join(parts)!r:.200} is in it twice. Pack it anew."
                    )
                at = found
            if memory > MAX_CONTENTS:
                raise DataError(
                    f"{path} is refused: expected names of files and folders that take "
                    f"at most {MAX_CONTENTS:,} bytes of memory, but there are more. "
                    "Unpack it, and name the directory with --data-dir."
                )
    return top


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


def open_archive(path: Path) -> Archive:
    """Returns the files of a tar archive.

    Raises:
      DataError: If it cannot be read, is damaged, or is refused.
    """
    ending = next((each for each in _ENDINGS if path.name.endswith(each)), None)
    if ending is None:
        raise DataError(
            f"{path} is a file: expected a directory, or an archive whose name ends in "
            f"{', '.join(_ENDINGS)}."
        )
    with readable(path), _whole(path):
        if ending == _PLAIN:
            unpacked, raw = None, io.FileIO(path)
        else:
            with _OPENERS[ending](path) as file:
                unpacked = _unpack(file, path)
            raw = io.BytesIO(unpacked)
        with _Headers(raw) as headers:
            return Archive(path, unpacked, _contents(headers, path))
