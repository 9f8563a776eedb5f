"""Tar archives, read where they are: nothing is ever unpacked to disk.

A compressed archive is held in memory, up to a limit; of a plain one only the table of
contents is, and its files are read where they stand. Archives that a data set has no
need of are refused as a whole: absolute names, names with "..", links, devices, sparse
files, the same name twice, too many members, or an end that is missing.

Sizes that an archive claims are not believed: it is read from the front to the back, no
further than it goes, and no header has more than a few bytes.
"""

import gzip
import io
import lzma
import math
import tarfile
from collections.abc import Callable, Iterator, Mapping
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
from typing import IO, Any, NamedTuple, Self

from ..terminal.errors import DataError
from .trees import MAX_UNPACKED, check_size, readable

MAX_MEMBERS = 2_000_000
MAX_NAMES = 2**29
"""Characters of all names, and of the folders that each of them is in."""
MAX_HEADER = 2**16
"""Bytes of all that tar says of a member."""
_OPENERS: dict[str, Callable[..., Any]] = {
    ".tar": open,
    ".tar.gz": gzip.open,
    ".tar.xz": lzma.open,
}
ENDINGS = tuple(_OPENERS)


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


class _Extent(NamedTuple):
    """Where the content of a member stands in a plain archive."""

    offset: int
    size: int


class _Member(TarInfo):
    """A member that is not taken for the end because its header is damaged."""

    @classmethod
    def fromtarfile(cls, tarfile: TarFile) -> Self:
        """Returns the next member."""
        try:
            return super().fromtarfile(tarfile)
        except EOFHeaderError:
            raise  # the block of zeros that ends an archive
        except HeaderError as error:
            # Any other would end the archive, too, and nobody would be told.
            raise ReadError(f"{error} before the end of the archive") from error


class _Input(io.RawIOBase):
    """What tarfile reads from: no further than `limit`, and no second time at the end.

    tarfile skips what a header claims by reading it, and takes an extended header into
    memory, whatever size they are.
    """

    def __init__(self, stream: IO[bytes], path: Path, packed: bool):
        self._stream = stream
        self._path = path
        self._packed = packed
        self._ended = False
        self._position = 0
        self.limit: float = MAX_HEADER

    def check(self, position: int) -> None:
        """Raises a DataError if an archive goes on to a place that is too far."""
        if self._packed and position > MAX_UNPACKED:
            raise DataError(
                f"{self._path} is too large to be read compressed: expected at most "
                f"{MAX_UNPACKED:,} bytes unpacked. Unpack it, or compress it not at "
                "all (.tar), and name that with --data-dir."
            )

    def read(self, size: int = -1, /) -> bytes:
        content = self._stream.read(size)
        self._position += len(content)
        self.check(self._position)
        if self._position > self.limit:
            raise ReadError(f"a header of more than {MAX_HEADER:,} bytes")
        if not content and self._ended:
            raise EOFError(f"it ends after {self._position:,} bytes")
        self._ended = not content
        return content


@dataclass(frozen=True, eq=False)
class Archive:
    """The files of a tar archive, or of one folder in it."""

    file: Path
    contents: Mapping[str, bytes | _Extent]
    tops: Mapping[str, tuple[list[str], list[str]]]
    """Folders and files directly in each folder."""
    prefix: str = ""

    def path(self, name: str = "") -> str:
        """Returns where a file is, for messages."""
        inside = f"{self.prefix}{name}".rstrip("/")
        return f"{self.file}:{inside}" if inside else str(self.file)

    def is_file(self, name: str) -> bool:
        """Whether there is a file of this name."""
        return self.prefix + name in self.contents

    def read(self, name: str, limit: int = MAX_UNPACKED) -> bytes:
        """Returns what a file holds."""
        content = self.contents[self.prefix + name]
        if isinstance(content, bytes):
            check_size(self.path(name), len(content), limit)
            return content
        check_size(self.path(name), content.size, limit)
        with readable(self.file), self.file.open("rb") as file:
            file.seek(content.offset)
            return file.read(content.size)

    def children(self) -> tuple[list[str], list[str]]:
        """Returns the names of the folders and of the files at the top, sorted."""
        return self.tops.get(self.prefix, ([], []))

    def below(self, folder: str) -> "Archive":
        """Returns the tree of a folder, which need not be there."""
        return replace(
            self, prefix=f"{self.prefix}{folder}/" if folder else self.prefix
        )


def _name(member: TarInfo, path: Path) -> str:
    """Returns the name of a member without "./", or "" for the top itself."""
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
        return "" if str(name) == "." else str(name)
    raise DataError(
        f"{path} is refused: expected files and folders with relative names, but of "
        f"its member {member.name!r:.200} {reason}. Nothing was unpacked. Pack the "
        "images anew, or ask where the archive comes from."
    )


def _read(file: IO[bytes]) -> bytes:
    """Returns what a member holds, read in pieces, since tarfile copies each."""
    return b"".join(iter(lambda: file.read(2**20), b""))


def _members(
    tar: TarFile, stream: _Input, path: Path, keep: bool
) -> tuple[dict[str, bytes | _Extent], set[str]]:
    """Returns the files by name, their contents if `keep`, and the folders."""
    contents: dict[str, bytes | _Extent] = {}
    folders: set[str] = set()
    count = length = 0
    while (member := tar.next()) is not None:
        name = _name(member, path)
        count += 1
        length += len(name) * (1 + name.count("/"))
        if count > MAX_MEMBERS or length > MAX_NAMES:
            raise DataError(
                f"{path} is refused: expected at most {MAX_MEMBERS:,} members, whose "
                f"names have at most {MAX_NAMES:,} characters together, counted once "
                "for each folder they are in, but it has more. Unpack it, and name the "
                "directory with --data-dir."
            )
        stream.check(tar.offset)  # where the next header is
        stream.limit = tar.offset + MAX_HEADER
        if member.isdir():
            folders.add(name)
            continue
        if name in contents:
            raise DataError(
                f"{path} is refused: expected every file once, but {name!r:.200} is "
                "in it twice. Pack it anew."
            )
        file = tar.extractfile(member) if keep else None
        contents[name] = (
            _read(file) if file else _Extent(member.offset_data, member.size)
        )
    return contents, folders


def _tops(files: set[str], folders: set[str]) -> dict[str, tuple[list[str], list[str]]]:
    """Returns the names directly in each folder, hidden ones left out."""
    folders = folders | {
        str(parent)
        for name in files | folders
        for parent in PurePosixPath(name).parents
    }
    folders -= {"", "."}
    tops: dict[str, tuple[list[str], list[str]]] = {}
    for kind, names in enumerate((folders, files)):
        for name in sorted(names):
            folder, _, last = name.rpartition("/")
            if not last.startswith("."):
                key = f"{folder}/" if folder else ""
                tops.setdefault(key, ([], []))[kind].append(last)
    return tops


def open_archive(path: Path) -> Archive:
    """Returns the files of a tar archive.

    Raises:
      DataError: If it cannot be read, is damaged, or holds what it should not.
    """
    ending = next((each for each in ENDINGS if path.name.endswith(each)), None)
    if ending is None:
        raise DataError(
            f"{path} is a file: expected a directory, or an archive whose name ends in "
            f"{', '.join(ENDINGS)}."
        )
    plain = ending == ".tar"
    with (
        readable(path),
        _whole(path),
        _OPENERS[ending](path, "rb") as file,
    ):
        stream = _Input(file, path, packed=not plain)
        # Read from the front to the back, whatever the headers say.
        with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Member) as tar:
            contents, folders = _members(tar, stream, path, keep=not plain)
        stream.limit = math.inf
        while not plain and stream.read(2**20):
            pass  # to the checksum at the end
    return Archive(path, contents, _tops(set(contents), folders))
