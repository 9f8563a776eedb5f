"""A run: what it was, its epochs, its end."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from .evaluation import Evaluation, Gains

if TYPE_CHECKING:
    from ..config.config import Config

Status = Literal["completed", "validated", "diverged", "interrupted"]


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
    """`schema.Start`, and other fields of the line."""
    epochs: tuple[Epoch, ...]
    end: dict[str, Any]
    """By its status one of `schema.ENDS`; nothing else if it was interrupted."""
    changed: tuple[int, ...] = ()
    """Numbers of the lines that are not as they were written."""

    @property
    def flaw(self) -> str | None:
        """Why the results of a run that trained to the end do not count, if so."""
        if self.status not in ("completed", "validated"):
            return None
        expected = self.start["recipe"]["epochs"]
        if len(self.epochs) != expected:
            return f"{len(self.epochs)} of its {expected} epochs are recorded"
        for name in ("test_loss", "test_accuracy"):
            if not math.isfinite(self.end.get(name, 0)):
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

    @property
    def validation_loss(self) -> float | None:
        """After the last epoch, which tuning chooses by; None before that.

        It is infinite if the run diverged, or its results do not count.
        """
        if self.status == "interrupted":
            return None
        if self.status == "diverged" or self.flaw:
            return math.inf
        loss = self.epochs[-1].validation_loss
        return loss if math.isfinite(loss) else math.inf


@dataclass(frozen=True)
class Result:
    """A finished run."""

    config: "Config"
    parameters: int
    compile_seconds: float
    """For the training step, once for all seeds of the arm."""
    epochs: tuple[Epoch, ...]
    test: Evaluation | None
    """None of a draw of tuning, which is not tested."""
    gains: Mapping[str, Gains] = field(default_factory=dict)
    """Of the first layer of each norm, by place, for arms that multiply by a gain;
    measured on held-out images after the last epoch."""
    step_seconds: float | None = None
    """Median over the epochs of the mean time of a training step."""
    memory_bytes: int | None = None
    """What a device needs for a training step, where the platform tells."""


class NonFiniteLossError(FloatingPointError):
    """A loss, or the gradient of a training step, was infinite or not a number."""

    def __init__(
        self,
        step: int,
        loss: float,
        gradient_norm: float | None = None,
        images: str = "",
    ):
        """Says which of them it was: the gradient counts where the loss is finite.

        Args:
          step: Counted from 1.
          loss: Of this step, or of `images` after it.
          gradient_norm: Of this step.
          images: Which ones, where they were not trained on: "validation" or "test".
        """
        if images:
            message = f"the loss on the {images} images was {loss} after step {step}"
        elif math.isfinite(loss):
            message = f"the norm of the gradient was {gradient_norm} at step {step}"
        else:
            message = f"the loss was {loss} at step {step}"
        super().__init__(message)
        self.step = step
        self.loss = loss
        self.gradient_norm = gradient_norm
        self.images = images


# Where data are looked for is the machine's business. Where the data differ for it,
# their fingerprint does.
_PLACES = {"data_dir", "val_dir", "test_dir", "offline", "skip_damaged"}


def recipe_fields(recipe: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yields name and value of each field of a recipe; nested names have a dot.

    The place of the data is left out.
    """
    for name, value in recipe.items():
        if isinstance(value, Mapping):
            for inner, inner_value in recipe_fields(value):
                yield f"{name}.{inner}", inner_value
        elif name not in _PLACES:
            yield name, value
