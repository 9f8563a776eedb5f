"""Trees of files: below a directory, or in an archive (archives)."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..terminal.errors import DataError

MAX_UNPACKED = 2 * 2**30
"""Bytes of a file, unpacked, that is held in memory."""
# What systems put beside the files of people.
_SYSTEM = {"__macosx", "desktop.ini", "ehthumbs.db", "thumbs.db"}
_NOT_THERE = (FileNotFoundError, NotADirectoryError)


class Tree(Protocol):
    """Files by name; names are relative, with slashes."""

    def path(self, name: str = "") -> str:
        """Returns the path of a file, for messages."""
        ...

    def is_file(self, name: str) -> bool:
        """Whether there is a file of this name."""
        ...

    def read(self, name: str, limit: int = MAX_UNPACKED) -> bytes:
        """Returns the contents of a file.

        Raises:
          DataError: If it cannot be read, or has more than `limit` bytes.
        """
        ...

    def children(self) -> tuple[list[str], list[str]]:
        """Returns the names of the folders and of the files at the top, sorted.

        Hidden ones and the system's own are left out.
        """
        ...

    def below(self, folder: str) -> "Tree":
        """Returns the tree of a folder, an empty one if there is none."""
        ...


def is_left_alone(name: str) -> bool:
    """Whether a name is hidden (it starts with a dot), or one of the system's own."""
    return name.startswith(".") or name.casefold() in _SYSTEM


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turns errors of the operating system into a DataError that names `path`."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error


def check_size(path: str, size: int, limit: int) -> None:
    """Raises a DataError if a file is too large to be held in memory."""
    if size > limit:
        raise DataError(
            f"{path} is too large: expected at most {limit:,} bytes, but it has "
            f"{size:,}. Replace or remove it."
        )


@dataclass(frozen=True)
class Directory:
    """A directory on disk; links in it are followed."""

    root: Path

    def path(self, name: str = "") -> str:
        """Returns the path of a file, for messages."""
        return str(self.root / name)

    def is_file(self, name: str) -> bool:
        """Whether there is a file of this name."""
        with readable(self.root / name):
            try:
                return stat.S_ISREG((self.root / name).stat().st_mode)
            except _NOT_THERE:
                return False

    def read(self, name: str, limit: int = MAX_UNPACKED) -> bytes:
        """Returns the contents of a file."""
        path = self.root / name
        with readable(path), path.open("rb") as file:
            check_size(str(path), os.fstat(file.fileno()).st_size, limit)
            return file.read()

    def children(self) -> tuple[list[str], list[str]]:
        """Returns the names of the folders and of the files at the top, sorted."""
        folders, files = [], []
        with readable(self.root):
            try:
                entries = list(os.scandir(self.root))
            except _NOT_THERE:
                return [], []
            for entry in entries:
                if is_left_alone(entry.name):
                    continue
                with readable(Path(entry.path)):  # a link may lead to itself
                    is_folder, is_file = entry.is_dir(), entry.is_file()
                if is_folder:
                    folders.append(entry.name)
                elif is_file:
                    files.append(entry.name)
                else:
                    # To read a pipe would block.
                    raise DataError(
                        f"{entry.path} cannot be read: expected a file or a folder, "
                        "but it is a broken link, a device or a pipe. Remove it."
                    )
        return sorted(folders), sorted(files)

    def below(self, folder: str) -> "Directory":
        """Returns the tree of a folder, an empty one if there is none."""
        return Directory(self.root / folder)
