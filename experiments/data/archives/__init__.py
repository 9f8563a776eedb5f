"""Archives, read where they are: nothing is ever unpacked to disk.

contents.py   the files of an archive by name, and which names are refused
tar.py        tar archives, plain or compressed
zip.py        zip archives, those of NumPy (.npz) among them
"""

from collections.abc import Callable
from pathlib import Path

from ...terminal.errors import DataError
from ..trees import readable
from .contents import Archive, whole
from .tar import OPENERS, read_tar
from .zip import read_zip

__all__ = ["Archive", "open_archive"]

_READERS: dict[str, Callable[[Path], Archive]] = {
    **dict.fromkeys(OPENERS, read_tar),
    ".zip": read_zip,
    ".npz": read_zip,
}


def open_archive(path: Path) -> Archive:
    """Returns the files of an archive; the ending of its name says which kind it is.

    Raises:
      DataError: If it cannot be read, is damaged, or is refused.
    """
    name = path.name.lower()
    reader = next((each for end, each in _READERS.items() if name.endswith(end)), None)
    if reader is None:
        raise DataError(
            f"{path} is a file: expected a directory, or an archive whose name ends in "
            f"{', '.join(_READERS)}."
        )
    with readable(path), whole(str(path)):
        return reader(path)
