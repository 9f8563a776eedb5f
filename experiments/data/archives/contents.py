"""The files of an archive by name, and what no archive of images needs.

An archive is refused as a whole if it has absolute names, names with "..", links,
devices, the same name twice, or too many names.
"""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, TypeAlias

from ...terminal.errors import DataError
from ..trees import MAX_UNPACKED, check_size, is_left_alone, readable

MAX_CONTENTS = 2**29
"""Bytes of memory, roughly, for the names of all files and folders."""
_ENTRY_BYTES = 256  # of memory for a file or a folder, without its name


@contextmanager
def whole(path: str) -> Iterator[None]:
    """Turns whatever damaged content leads to into a DataError that names `path`."""
    try:
        yield
    except Exception as error:
        # Errors of decompression have no number, and wrong offsets that of EINVAL.
        damaged = not isinstance(error, OSError) or error.errno in (None, errno.EINVAL)
        if isinstance(error, DataError) or not damaged:
            raise
        raise DataError(
            f"{path} is damaged or cut short: expected a whole archive, but reading it "
            f"failed ({error}). Copy or download it again."
        ) from error


def refusal(path: Path, name: str, reason: str) -> DataError:
    """Returns the error for an archive with a member that images do not need."""
    return DataError(
        f"{path} is refused: expected files and folders with relative names, but of "
        f"its member {name!r:.200} {reason}. Nothing was unpacked. Pack the images "
        "anew, or ask where the archive comes from."
    )


def too_many_names(path: Path) -> DataError:
    """Returns the error for an archive whose names take too much memory."""
    return DataError(
        f"{path} is refused: expected names of files and folders that take at most "
        f"{MAX_CONTENTS:,} bytes of memory, but there are more. Unpack it, and name "
        "the directory with --data-dir."
    )


class File(NamedTuple):
    """The place of a file's content in an archive."""

    offset: int
    size: int
    packed_size: int
    deflated: bool = False
    checksum: int = 0
    """CRC-32 of the content in a zip archive; tar has none."""


Folder: TypeAlias = dict[str, "Folder | File"]


class Contents:
    """The folders and files of an archive, checked one by one as they are added."""

    def __init__(self, path: Path):
        self.path = path
        self.top: Folder = {}
        self._memory = 0

    def add(self, name: str, file: File | None) -> None:
        """Adds a file, or a folder if `file` is None.

        Raises:
          DataError: If the name is refused.
        """
        pure = PurePosixPath(name)
        if pure.is_absolute() or name.startswith("\\"):
            raise refusal(self.path, name, "its name is absolute")
        if ".." in pure.parts:
            raise refusal(self.path, name, 'its name has ".."')
        at: Any = self.top
        for depth, part in enumerate(pure.parts, 1):
            last = depth == len(pure.parts)
            new = file if last and file is not None else {}
            found = at.setdefault(part, new)
            if found is new:
                self._memory += _ENTRY_BYTES + len(part)
            elif File in (type(found), type(new)):
                raise DataError(
                    f"{self.path} is refused: expected every file once, but "
                    f"{name!r:.200} is in it twice. Pack it anew."
                )
            at = found
        if self._memory > MAX_CONTENTS:
            raise too_many_names(self.path)


@dataclass(frozen=True, eq=False)
class Archive:
    """The files of an archive, or of one folder in it."""

    file: Path
    content: Callable[[File], bytes]
    """Returns the content of a file."""
    top: Folder
    prefix: str = ""
    """Path of `top` in the archive, with a slash at the end."""

    def path(self, name: str = "") -> str:
        """Returns the path of a file, for messages."""
        inside = f"{self.prefix}{name}".rstrip("/")
        return f"{self.file}:{inside}" if inside else str(self.file)

    def _at(self, name: str) -> Folder | File | None:
        found = self.top
        for part in PurePosixPath(name).parts:
            found = found.get(part) if isinstance(found, dict) else None
        return found

    def is_file(self, name: str) -> bool:
        """Whether there is a file of this name."""
        return isinstance(self._at(name), File)

    def read(self, name: str, limit: int = MAX_UNPACKED) -> bytes:
        """Returns the contents of a file."""
        found = self._at(name)
        assert isinstance(found, File)
        check_size(self.path(name), max(found.size, found.packed_size), limit)
        with readable(self.file), whole(self.path(name)):
            return self.content(found)

    def children(self) -> tuple[list[str], list[str]]:
        """Returns the names of the folders and of the files at the top, sorted."""
        folders, files = [], []
        for name, found in sorted(self.top.items()):
            if not is_left_alone(name):
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
