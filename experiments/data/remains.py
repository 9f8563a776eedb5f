"""What downloads leave behind that were killed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # on Windows; remains stay there
    fcntl = None


def _remove(target: Path, descriptor: int) -> None:
    if fcntl is None:
        return
    with suppress(OSError):  # another download has the lock, or the disk knows none
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for remains in target.parent.glob(f"{target.name}.*.part"):
            remains.unlink()


@contextmanager
def without_remains(target: Path) -> Iterator[None]:
    """Removes what killed downloads of a file left, before and after another one.

    A download has a shared lock on the directory, which the system drops however its
    process ends: where the exclusive lock can be had, no download is on its way.
    """
    if fcntl is None:
        yield
        return
    descriptor = os.open(target.parent, os.O_RDONLY)
    try:
        _remove(target, descriptor)
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
        _remove(target, descriptor)
    finally:
        os.close(descriptor)
