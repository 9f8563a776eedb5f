"""Files below a directory or in a tar archive, read the same way from both."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..errors import DataError

# What a compressed file may unpack to. It is unpacked in memory.
MAX_UNPACKED = 2 * 2**30
_NOT_THERE = (FileNotFoundError, NotADirectoryError)


class Tree(Protocol):
    """Files by name; names are relative, with slashes."""

    def path(self, name: str = "") -> str:
        """Returns where a file is, for messages."""
        ...

    def is_file(self, name: str) -> bool:
        """Whether there is a file of this name."""
        ...

    def read(self, name: str) -> bytes:
        """Returns what a file holds."""
        ...

    def children(self) -> tuple[list[str], list[str]]:
        """Returns the names of the folders and of the files at the top, sorted.

        Hidden ones, whose names start with a dot, are left out.
        """
        ...

    def below(self, folder: str) -> "Tree":
        """Returns the tree of a folder, which need not be there."""
        ...


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turns errors of the operating system into a DataError that names `path`."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error


@dataclass(frozen=True)
class Directory:
    """A directory on disk; links in it are followed."""

    root: Path

    def path(self, name: str = "") -> str:
        """Returns where a file is, for messages."""
        return str(self.root / name)

    def is_file(self, name: str) -> bool:
        """Whether there is a file of this name."""
        with readable(self.root / name):
            try:
                return stat.S_ISREG((self.root / name).stat().st_mode)
            except _NOT_THERE:
                return False

    def read(self, name: str) -> bytes:
        """Returns what a file holds."""
        with readable(self.root / name):
            return (self.root / name).read_bytes()

    def children(self) -> tuple[list[str], list[str]]:
        """Returns the names of the folders and of the files at the top, sorted."""
        folders, files = [], []
        with readable(self.root):
            try:
                entries = list(os.scandir(self.root))
            except _NOT_THERE:
                return [], []
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir():
                    folders.append(entry.name)
                elif entry.is_file():
                    files.append(entry.name)
                else:
                    # A pipe would block whoever reads it.
                    raise DataError(
                        f"{entry.path} cannot be read: expected a file or a folder, "
                        "but it is a broken link, a device or a pipe. Remove it."
                    )
        return sorted(folders), sorted(files)

    def below(self, folder: str) -> "Directory":
        """Returns the tree of a folder, which need not be there."""
        return Directory(self.root / folder)
