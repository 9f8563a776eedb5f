"""Downloads of published files: whole, checked, or not at all."""

import hashlib
import os
import queue
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPMessage
from pathlib import Path
from typing import Any, BinaryIO

from ..terminal.errors import DataError
from .remains import without_remains

_TIMEOUT = 30  # seconds without a byte
_PATIENCE = 60  # seconds without a piece, and until they come fast enough
_SLOWEST = 2**14  # bytes a second
_PIECE = 2**20
# More than any of the files has: a mirror that never stops does not fill the disk.
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


def _receive(url: str) -> Generator[Any]:
    """Yields the headers of what a mirror answers, and then the content in pieces.

    Where Python waits for a line or a chunk, its bytes may come one by one, each in
    time. So a thread waits, and it is left to itself when that takes too long.
    """
    items: queue.Queue[Any] = queue.Queue(maxsize=4)
    given_up = threading.Event()

    def receive() -> None:
        try:
            opener = urllib.request.build_opener(_HttpsStays)
            with opener.open(url, timeout=_TIMEOUT) as response:
                items.put(response.headers)
                while not given_up.is_set():
                    items.put(response.read1(_PIECE))  # empty at the end
        except Exception as error:
            items.put(error)

    threading.Thread(target=receive, daemon=True).start()
    try:
        while (item := items.get(timeout=_PATIENCE)) != b"":
            if isinstance(item, Exception):
                raise _TransferError(f"failed: {item}") from item
            yield item
    except queue.Empty:
        raise _TransferError(f"sent nothing for {_PATIENCE} seconds") from None
    finally:
        given_up.set()
        while not items.empty():  # where the thread may be waiting for room
            items.get_nowait()


def _copy(
    answer: Iterator[Any], headers: HTTPMessage, file: BinaryIO, sha256: str
) -> None:
    """Copies what a mirror sends after its headers, and checks it."""
    digest, size = hashlib.sha256(), 0
    start = time.monotonic()
    for piece in answer:
        file.write(piece)
        digest.update(piece)
        size += len(piece)
        if size > _LARGEST:
            raise _TransferError(f"sends more than {_LARGEST:,} bytes")
        seconds = time.monotonic() - start
        if seconds > _PATIENCE and size < _SLOWEST * seconds:
            raise _TransferError(f"sends fewer than {_SLOWEST:,} bytes a second")
    announced = headers.get("Content-Length")
    if announced is not None and size < int(announced):
        raise _TransferError(f"broke off after {size:,} of {int(announced):,} bytes")
    if digest.hexdigest() != sha256:
        raise _TransferError(
            f"sent another file: expected the SHA-256 {sha256}, but got "
            f"{digest.hexdigest()}"
        )


def _transfer(url: str, target: Path, sha256: str) -> None:
    """Puts the file at `url` to `target`, or raises and leaves nothing.

    Raises:
      _TransferError: If it cannot be had, or is not what it should be.
    """
    partial = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with closing(_receive(url)) as answer:
            headers = next(answer)
            target.parent.mkdir(parents=True, exist_ok=True)
            with without_remains(target):
                try:
                    with partial.open("wb") as file:
                        _copy(answer, headers, file, sha256)
                    partial.replace(target)
                finally:  # after Ctrl-C, too
                    partial.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        raise _TransferError(f"failed: {error}") from error


def fetch(published: Published, cache: Path) -> None:
    """Downloads a file to where it is kept, unless it is there already.

    Raises:
      DataError: If no mirror has it. Nothing of it is left behind then.
    """
    target = cache / published.path
    if target.is_file():
        return
    failures = []
    for url in published.urls:
        print(f"Downloading {url} to {target}", file=sys.stderr, flush=True)
        try:
            return _transfer(url, target, published.sha256)
        except _TransferError as error:
            failures.append(f"{url} {error}")
    raise DataError(
        f"{target.name} could not be downloaded: {'; '.join(failures)}. Put the files "
        "into a directory by hand, and name it with --data-dir."
    )
