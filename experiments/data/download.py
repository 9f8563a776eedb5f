"""Downloads of published files: whole, checked, or not at all."""

import hashlib
import http.client
import os
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..errors import DataError

_TIMEOUT = 30  # seconds without a byte
_PIECE = 2**20
# More than any of the files has: a mirror that never stops does not fill the disk.
_LARGEST = 2**29


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


def _copy(response: http.client.HTTPResponse, file: BinaryIO, sha256: str) -> None:
    """Copies what a mirror sends, and checks it."""
    digest, size = hashlib.sha256(), 0
    while piece := response.read(_PIECE):
        file.write(piece)
        digest.update(piece)
        size += len(piece)
        if size > _LARGEST:
            raise _TransferError(f"sends more than {_LARGEST:,} bytes")
    announced = response.headers.get("Content-Length")
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
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as response:
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_name(f"{target.name}.{os.getpid()}.part")
            try:
                with partial.open("wb") as file:
                    _copy(response, file, sha256)
                partial.replace(target)
            finally:  # after Ctrl-C, too
                partial.unlink(missing_ok=True)
    except (OSError, http.client.HTTPException, ValueError) as error:
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
