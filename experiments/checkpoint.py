"""States on disk, through orbax: each is there whole or not at all."""

import logging
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import jax
import orbax.checkpoint as ocp

from .errors import UserError
from .program import State

# What orbax and its event loops log: every step of every save, and errors that are
# raised as well.
for _name in ("absl", "asyncio"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


@contextmanager
def _explained(action: str, directory: Path) -> Iterator[None]:
    """Makes whatever orbax and its storage raise an error that says what to do."""
    try:
        yield
    except Exception as error:  # of many kinds: a full disk is a ValueError here
        raise UserError(
            f"A checkpoint in {directory} could not be {action}: {error} Make room, or "
            "remove the checkpoint if it is damaged, and go on with --resume."
        ) from error


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
            f"there are {free / 2**20:,.1f} MiB left. Make room, and go on with "
            "--resume; --checkpoint-seconds inf does without checkpoints."
        )


@contextmanager
def _without_traces() -> Iterator[None]:
    """Does not print what callbacks raise from a write that fails on.

    Tensorstore calls an event loop that orbax has closed then, once for each array, and
    not all of them at once.
    """
    hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
    yield
    sys.unraisablehook = hook  # not after a failure, which ends the program anyway


class Checkpoints:
    """The last state of one run.

    It is replaced when the next one is complete, so that there is always one.
    """

    def __init__(self, directory: Path, seconds: float):
        """Names the place; nothing is read or written yet.

        Args:
          directory: Of this run alone.
          seconds: How long after the last save the next one is due.
        """
        self._directory = directory.absolute()
        self._seconds = seconds
        self._last_save = time.monotonic()

    @cached_property
    def _manager(self) -> ocp.CheckpointManager:
        with _explained("opened", self._directory):
            return ocp.CheckpointManager(
                self._directory,
                options=ocp.CheckpointManagerOptions(
                    max_to_keep=1,
                    cleanup_tmp_directories=True,
                    # To wait is simpler, and an error comes where it belongs.
                    enable_async_checkpointing=False,
                ),
            )

    @property
    def latest(self) -> int:
        """The epoch after which the last state was saved; 0 without one."""
        if not self._directory.exists():
            return 0
        return self._manager.latest_step() or 0

    def save(self, epoch: int, state: State, *, now: bool = False) -> None:
        """Saves the state after an epoch if that is due, or if it must be `now`.

        Raises:
          UserError: If it cannot be written.
        """
        due = now or time.monotonic() - self._last_save >= self._seconds
        if not due or epoch == self.latest:
            return
        check_space(self._directory.parent, state, copies=1)
        with _explained("written", self._directory), _without_traces():
            self._manager.save(epoch, args=ocp.args.StandardSave(state._asdict()))
        self._last_save = time.monotonic()

    def restore(self, like: State) -> State:
        """Returns the last state, laid out over the devices as `like` is.

        Raises:
          UserError: If it cannot be read.
        """
        shapes = jax.tree.map(ocp.utils.to_shape_dtype_struct, like._asdict())
        with _explained("read", self._directory):
            restored = self._manager.restore(
                self.latest, args=ocp.args.StandardRestore(shapes)
            )
        return State(**restored)

    def remove(self) -> None:
        """Removes the state, and the directory."""
        if self._directory.exists():
            self._manager.close()
            shutil.rmtree(self._directory)
