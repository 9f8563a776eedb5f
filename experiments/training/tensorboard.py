"""Event files for TensorBoard, beside the metrics: one directory a run.

They say what the metrics say, and begin with them: a run that goes on has its file
written anew from the records of its earlier epochs, so that no epoch is in it twice.

tensorboardX is imported where it is needed, because it is optional. Of it, the encoding
is used and not its SummaryWriter, which writes from a thread of its own: an error, such
as that of a full disk, would end there and never be reported.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ..config.config import Config
from ..metrics import Epoch
from ..metrics.write import explained
from ..terminal.errors import UserError
from .optimizer import schedule


def check_installed() -> None:
    """Checks that event files can be written.

    Raises:
      UserError: If tensorboardX is not installed.
    """
    if find_spec("tensorboardX") is None:
        raise UserError(
            "`tensorboard` needs the package tensorboardX, but it is not installed. "
            "Install it with: pip install tensorboardX"
        )


def path_of(directory: Path, config: Config) -> Path:
    """Returns the directory with the events of a run."""
    return directory / "tensorboard" / f"{config.arm}-seed{config.seed}"


class Writer:
    """Writes the events of one run; each is on disk when its method returns."""

    def __init__(self, config: Config, steps: int, write: Callable[..., None]):
        self._config = config
        self._steps = steps
        self._write = write

    def _scalars(self, epoch: int, values: dict[str, float]) -> None:
        from tensorboardX.summary import scalar

        for name, value in values.items():
            self._write(step=epoch, summary=scalar(name, value))

    def start(self, content: dict[str, Any]) -> None:
        """Writes what the run is made of, as text."""
        from tensorboardX.summary import text

        lines = json.dumps(content, indent=2, default=str).splitlines()
        # TensorBoard takes it for Markdown, where this is code.
        code = "\n".join(f"    {line}" for line in lines)
        self._write(step=0, summary=text("config", code))

    def epoch(self, epoch: Epoch) -> None:
        """Writes the metrics of an epoch, and the learning rate of its last step."""
        recipe, steps = self._config.recipe, self._steps
        rate = schedule(recipe, recipe.epochs * steps)(epoch.epoch * steps - 1)
        self._scalars(
            epoch.epoch,
            {
                "loss/training": epoch.train_loss,
                "loss/validation": epoch.validation_loss,
                "accuracy/validation": epoch.validation_accuracy,
                "learning_rate": float(np.asarray(rate)),
            },
        )

    def completed(self, test_loss: float, test_accuracy: float) -> None:
        """Writes the test results, at the last epoch."""
        self._scalars(
            self._config.recipe.epochs,
            {"loss/test": test_loss, "accuracy/test": test_accuracy},
        )


@contextmanager
def writer(
    directory: Path,
    config: Config,
    steps: int,
    content: dict[str, Any],
    earlier: Sequence[Epoch],
) -> Iterator[Writer]:
    """Writes the events of a run so far, in place of those there are, and goes on.

    Args:
      directory: Of the ablation.
      config: The run.
      steps: Training steps of an epoch.
      content: What the run is made of, to be shown.
      earlier: Its epochs that are done already.

    Raises:
      UserError: If they cannot be written, also from the methods of the writer.
    """
    from tensorboardX.proto.event_pb2 import (
        Event,  # pyright: ignore[reportAttributeAccessIssue] - made at import
    )
    from tensorboardX.record_writer import RecordWriter

    path = path_of(directory, config)
    with explained(path):
        path.mkdir(parents=True, exist_ok=True)
        for old in path.glob("events.out.tfevents.*"):
            old.unlink()
        # A name of its own: a TensorBoard that watches would read on in the old file.
        file = RecordWriter(str(path / f"events.out.tfevents.{time.time_ns()}"))

    def write(**content: Any) -> None:
        event = Event(wall_time=time.time(), **content)
        with explained(path):
            file.write(event.SerializeToString())
            file.flush()

    try:
        write(file_version="brain.Event:2")
        events = Writer(config, steps, write)
        events.start(content)
        for epoch in earlier:
            events.epoch(epoch)
        yield events
    finally:
        # What is still to be written is what could not be.
        with suppress(OSError):
            file.close()
