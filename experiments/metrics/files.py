"""Files that are there whole or not at all, and that one process at a time writes."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ..terminal.errors import UserError


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Makes a failure to write an error that says what to do."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{path} cannot be written: {error.strerror}. What was written before is "
            "kept; make room, or allow writing."
        ) from error


def write_whole(path: Path, content: bytes | str) -> None:
    """Writes a file so that it is there whole or not at all, also after a power cut.

    What it replaces is kept until then.

    Raises:
      UserError: If it cannot be written.
    """
    if isinstance(content, str):
        content = content.encode("utf-8", errors="replace")
    # A name of its own: processes on several machines may write the same report.
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    with explained(path):
        try:
            with part.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        except BaseException:  # Ctrl-C, too
            with suppress(OSError):
                part.unlink()
            raise


@contextmanager
def held(path: Path) -> Iterator[bool]:
    """Holds a file that stands for something only one process may do at a time.

    The system lets go of it when the process ends, however it ends.

    Args:
      path: Of the file, which is there as long as it is held.

    Yields:
      Whether it is held: False if another process holds it.

    Raises:
      UserError: If it cannot be made.
    """
    lock = FileLock(path)
    with explained(path):
        try:
            lock.acquire(timeout=0)
        except Timeout:
            lock = None
    if lock is None:
        yield False
        return
    try:
        yield True
    finally:
        # Before it is let go: whoever opened it meanwhile sees that it is gone.
        with suppress(OSError):
            path.unlink()
        lock.release()
