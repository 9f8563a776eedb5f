"""A run: what it was, its epochs, its end."""

import math
from dataclasses import dataclass
from typing import Any, Literal

Status = Literal["completed", "diverged", "interrupted"]


@dataclass(frozen=True)
class Epoch:
    """What was measured in and after one pass over the training images."""

    epoch: int
    """Counted from 1."""
    train_loss: float
    """Mean over the steps, with dropout, while the weights changed."""
    validation_loss: float
    validation_accuracy: float
    train_seconds: float
    """The training steps alone; compilation and evaluation are not in it."""


@dataclass(frozen=True)
class Run:
    """A run as its file tells it."""

    norm: str
    """The name of the arm: its norm, and in a sweep the value after it."""
    seed: int
    status: Status
    """How it ended; a file without an end is one of a run that was interrupted."""
    start: dict[str, Any]
    """`schema.Start`, and whatever else the line holds."""
    epochs: tuple[Epoch, ...]
    end: dict[str, Any]
    """`schema.Completed` or `schema.Diverged`, unless it was interrupted."""
    changed: tuple[int, ...] = ()
    """Numbers of the lines that are not as they were written."""

    @property
    def flaw(self) -> str | None:
        """Why the results of a run that completed do not count, if so."""
        if self.status != "completed":
            return None
        expected = self.start["recipe"]["epochs"]
        if len(self.epochs) != expected:
            return f"{len(self.epochs)} of its {expected} epochs are recorded"
        for name in ("test_loss", "test_accuracy"):
            if not math.isfinite(self.end[name]):
                return f"its {name.replace('_', ' ')} is {self.end[name]}"
        for epoch in self.epochs:
            for name in ("train_loss", "validation_accuracy"):
                value = getattr(epoch, name)
                if not math.isfinite(value):
                    name = name.replace("_", " ")
                    return f"its {name} is {value} in epoch {epoch.epoch}"
        return None

    @property
    def completed(self) -> bool:
        """Whether the run trained to the end, was tested, and its results count."""
        return self.status == "completed" and self.flaw is None
