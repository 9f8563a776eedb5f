"""States on disk: each is there whole or not at all, and its checksum is checked."""

import hashlib
import shutil
import time
from pathlib import Path
from typing import Any

import jax
from flax import serialization, traverse_util

from ..metrics.files import explained, write_whole
from ..terminal.errors import UserError
from . import parallel
from .step import State

_DIGEST = hashlib.sha256
_DIGEST_SIZE = 32


def check_space(directory: Path, state: State, *, copies: int = 2) -> None:
    """Checks that there is room for checkpoints of a state.

    Args:
      directory: Where they go.
      state: It may consist of shapes.
      copies: How many: the old one is kept until the new one is complete.

    Raises:
      UserError: If there is no room.
    """
    size = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state))
    needed, free = copies * size, shutil.disk_usage(directory).free
    if free < needed:
        raise UserError(
            f"A checkpoint needs {needed / 2**20:,.1f} MiB of room in {directory}, but "
            f"there are {free / 2**20:,.1f} MiB left. Make room, or do without "
            "checkpoints: --checkpoint-seconds inf."
        )


def _shapes(state: Any) -> dict[str, str]:
    """Returns dtype and shape of every array in a state, by its path."""
    leaves = traverse_util.flatten_dict(
        serialization.to_state_dict(state), keep_empty_nodes=True, sep="/"
    )

    def shape(leaf: Any) -> str:
        return f"{leaf.dtype}{list(leaf.shape)}" if hasattr(leaf, "dtype") else "empty"

    return {path: shape(leaf) for path, leaf in leaves.items()}


class Checkpoints:
    """The last state of one run, which the next one replaces.

    Of several processes, which all have the same state, the main one writes.
    """

    def __init__(self, path: Path, seconds: float):
        """Names the file; nothing is read or written yet.

        Args:
          path: Of this run alone. The file is a SHA-256, and what it is of: epoch and
            state in MessagePack, as flax writes it.
          seconds: How long after the last save the next one is due.
        """
        self._path = path
        self._seconds = seconds
        self._last_save = time.monotonic()
        self._saved: int | None = None

    def _error(self, what: object) -> UserError:
        return UserError(
            f"The checkpoint {self._path} cannot be read: {what}. Remove it: this "
            "run then starts again."
        )

    @property
    def latest(self) -> int:
        """The epoch after which the last state was saved; 0 without one.

        Raises:
          UserError: If it cannot be read.
        """
        if self._saved is None:
            self._saved = int(self._read()["epoch"])
        return self._saved

    def _read(self) -> Any:
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return {"epoch": 0}
        except OSError as error:
            raise self._error(error.strerror) from error
        digest, content = content[:_DIGEST_SIZE], content[_DIGEST_SIZE:]
        if _DIGEST(content).digest() != digest:
            raise self._error("its checksum is that of other content")
        return serialization.msgpack_restore(content)

    def save(self, epoch: int, state: State, *, now: bool = False) -> None:
        """Saves the state after an epoch if that is due, or if it must be `now`.

        Raises:
          UserError: If it cannot be written.
        """
        due = now or time.monotonic() - self._last_save >= self._seconds
        if not due or not parallel.is_main_process() or epoch == self.latest:
            return
        check_space(self._path.parent, state, copies=1)
        arrays = serialization.to_state_dict(jax.device_get(state))
        content = serialization.msgpack_serialize({"epoch": epoch, "state": arrays})
        write_whole(self._path, _DIGEST(content).digest() + content)
        with explained(self._path):
            self._remove_parts()
        self._saved = epoch
        self._last_save = time.monotonic()

    def restore(self, like: State) -> State:
        """Returns the last state, laid out over the devices as `like` is.

        Raises:
          UserError: If it cannot be read, or is not of the structure of `like`.
        """
        saved = self._read()["state"]
        expected, found = _shapes(like), _shapes(saved)
        for path in sorted(expected.keys() | found.keys()):
            wanted, got = (each.get(path, "missing") for each in (expected, found))
            if got != wanted:
                raise self._error(f"{path} should be {wanted}, but is {got}")
        state = serialization.from_state_dict(like, saved)
        return jax.tree.map(
            lambda array, place: parallel.put(array, place.sharding), state, like
        )

    def remove(self) -> None:
        """Removes the state.

        Raises:
          UserError: If it is there and cannot be removed.
        """
        with explained(self._path):
            self._path.unlink(missing_ok=True)
            self._remove_parts()
        self._saved = 0

    def _remove_parts(self) -> None:
        """Removes what a process left that was killed while it saved."""
        for part in self._path.parent.glob(f"{self._path.name}.*.part"):
            part.unlink(missing_ok=True)
