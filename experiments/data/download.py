"""Downloads of published files: whole, checked, or not at all."""

import hashlib
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock

from ..terminal.errors import DataError

_TIMEOUT = 30  # seconds without a byte
_SLOWEST = 2**14  # bytes a second, on average over
_PATIENCE = 60  # seconds
_PIECE = 2**20
# More bytes than any of the files: a mirror that never stops does not fill the disk.
_LARGEST = 2**28


@dataclass(frozen=True)
class Published:
    """A file that can be downloaded."""

    path: str
    """Where it is kept, relative to the cache."""
    sha256: str
    """Checksum of the file as it is downloaded."""
    mirrors: tuple[str, ...]
    """Addresses that it is below, tried in this order."""

    @property
    def urls(self) -> list[str]:
        """The addresses of the file."""
        name = self.path.rpartition("/")[2]
        return [f"{mirror}/{name}" for mirror in self.mirrors]


class _TransferError(Exception):
    """A mirror did not give the file; the message says why."""


class _HttpsStays(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req, fp, code, msg, headers, newurl):
        """Returns the request to send instead."""
        if req.type == "https" and not newurl.startswith("https:"):
            raise urllib.error.URLError(f"redirected to {newurl}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Transfer(threading.Thread):
    """Copies a download into a file, until the file is closed.

    While Python waits for a whole line or chunk, a mirror can send byte by byte, each
    before the timeout. So a thread waits, and is abandoned if it takes too long.
    """

    def __init__(self, url: str, file: BinaryIO):
        super().__init__(daemon=True)
        self._url = url
        self._file = file
        self.size = 0
        self.failure: str | None = None

    def run(self) -> None:
        """Runs in the thread."""
        try:
            opener = urllib.request.build_opener(_HttpsStays)
            with opener.open(self._url, timeout=_TIMEOUT) as response:
                while piece := response.read1(_PIECE):
                    self._file.write(piece)
                    self.size += len(piece)
                    if self.size > _LARGEST:
                        raise _TransferError(f"sends more than {_LARGEST:,} bytes")
                announced = int(response.headers.get("Content-Length", self.size))
            if self.size < announced:
                raise _TransferError(
                    f"broke off after {self.size:,} of {announced:,} bytes"
                )
        except _TransferError as error:
            self.failure = str(error)
        except Exception as error:
            self.failure = f"failed: {error}"


def _transfer(url: str, partial: Path, sha256: str) -> None:
    """Writes the file at `url` to `partial`.

    Raises:
      _TransferError: If the mirror does not give it, or gives another file.
    """
    with partial.open("wb") as file:
        thread = _Transfer(url, file)
        thread.start()
        while thread.is_alive():
            before = thread.size
            thread.join(_PATIENCE)
            if thread.is_alive() and thread.size - before < _SLOWEST * _PATIENCE:
                raise _TransferError(f"sends fewer than {_SLOWEST:,} bytes a second")
    if thread.failure is not None:
        raise _TransferError(thread.failure)
    with partial.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise _TransferError(
            f"sent another file: expected the SHA-256 {sha256}, but got {found}"
        )


@contextmanager
def _locked(target: Path) -> Iterator[Path]:
    """Lets one process at a time download a file; yields the path to write it to.

    The system releases the lock when a process ends, however it ends. The next process
    overwrites the file that a killed one left.
    """
    lock, partial = (target.with_name(target.name + end) for end in (".lock", ".part"))
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock):
        try:
            yield partial
        finally:  # after Ctrl-C, too
            partial.unlink(missing_ok=True)
            # Before the lock is released: a process that waits sees that it is gone.
            with suppress(OSError):
                lock.unlink()


def fetch(published: Published, cache: Path) -> None:
    """Downloads a file to where it is kept, unless it is there already.

    Raises:
      DataError: If no mirror gives it. No part of the file is left behind then.
    """
    target = cache / published.path
    if target.is_file():
        return
    failures = []
    try:
        with _locked(target) as partial:
            urls = [] if target.is_file() else published.urls  # or another was first
            for url in urls:
                print(f"Downloading {url} to {target}", file=sys.stderr, flush=True)
                try:
                    _transfer(url, partial, published.sha256)
                except _TransferError as error:
                    failures.append(f"{url} {error}")
                else:
                    partial.replace(target)
                    break
    except OSError as error:
        failures.append(f"writing it failed: {error}")
    if not target.is_file():
        raise DataError(
            f"{target.name} could not be downloaded: {'; '.join(failures)}. Put the "
            "files into a directory by hand, and name it with --data-dir."
        )
