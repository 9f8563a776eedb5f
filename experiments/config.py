"""What a run is made of: frozen, typed, checked when made, and all of it recorded.

The command line is generated from these classes; a field's docstring is its help.
"""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from .data.source import DatasetName as DatasetName
from .data.source import Source
from .errors import UserError

NormName = Literal["none", "lrn", "batch_norm", "whole_map"]
_Directory = Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")]


def _check(condition: bool, name: str, expected: str, value: object) -> None:
    if not condition:
        raise UserError(f"`{name}` must be {expected}, but got {value}.")


def _finite_and_not_negative(value: float) -> bool:
    return math.isfinite(value) and value >= 0


@dataclass(frozen=True)
class LRNHyperparameters:
    """The LRN arm; the defaults are the AlexNet paper's, as printed."""

    depth_radius: int = 2
    """Half-width of the window, in channels, not counting the centre."""
    bias: float = 2.0
    """Additive constant (k in the paper)."""
    alpha: float = 1e-4
    """Weight of the plain sum of squares (PyTorch's alpha divided by its size)."""
    beta: float = 0.75
    """Exponent."""

    def __post_init__(self):
        """Checks the values."""
        _check(self.depth_radius >= 0, "lrn.depth-radius", ">= 0", self.depth_radius)
        for name in ("bias", "alpha"):
            value = getattr(self, name)
            _check(_finite_and_not_negative(value), f"lrn.{name}", ">= 0", value)
        _check(math.isfinite(self.beta), "lrn.beta", "a finite number", self.beta)


@dataclass(frozen=True)
class WholeMapHyperparameters:
    """The arm of the article: x / sqrt(a + b * sum over height and width of x^2)."""

    a: float = 4.0
    """Additive constant."""
    b: float = 5.0
    """Weight of the sum of squares over height and width."""

    def __post_init__(self):
        """Checks the values."""
        for name in ("a", "b"):
            value = getattr(self, name)
            _check(_finite_and_not_negative(value), f"whole-map.{name}", ">= 0", value)


@dataclass(frozen=True)
class Recipe(Source):
    """Everything the arms have in common, beginning with the data."""

    epochs: int = 40
    """Passes over the training images."""
    batch_size: int = 64
    """Images per step. The rest of an epoch that fills no batch is left out of it."""
    learning_rate: float = 1e-3
    """Step size of Adam."""
    dropout_rate: float = 0.5
    """Share of the hidden units dropped while training."""
    lrn: LRNHyperparameters = field(default_factory=LRNHyperparameters)
    whole_map: WholeMapHyperparameters = field(default_factory=WholeMapHyperparameters)

    def __post_init__(self):
        """Checks the values."""
        super().__post_init__()
        _check(self.epochs >= 1, "epochs", "at least 1", self.epochs)
        _check(self.batch_size >= 1, "batch-size", "at least 1", self.batch_size)
        rate = self.learning_rate
        _check(
            math.isfinite(rate) and rate > 0, "learning-rate", "greater than 0", rate
        )
        _check(
            0 <= self.dropout_rate < 1,
            "dropout-rate",
            "at least 0 and less than 1",
            self.dropout_rate,
        )


@dataclass(frozen=True)
class Config:
    """One run: the recipe, the norm that makes the arm, and the seed."""

    recipe: Recipe
    norm: NormName
    seed: int


@dataclass(frozen=True)
class Ablation:
    """Trains the same network with each norm and several seeds, and compares them.

    Runs with the same seed start from the same weights and see the same images in the
    same order, whatever their norm. Ends with a table and a report (Markdown and HTML);
    Ctrl-C ends it early with a report of what there is.
    """

    recipe: Annotated[Recipe, tyro.conf.arg(name="")] = field(default_factory=Recipe)
    norms: tuple[NormName, ...] = ("none", "lrn", "batch_norm", "whole_map")
    """Arms to compare. The first one is the baseline of the differences."""
    seeds: int = 5
    """Number of seeds: each arm is trained with seed 0, 1, 2, ..."""
    output: _Directory = None
    """New directory for metrics and report (default: runs/DATASET-DATE-TIME)."""

    def __post_init__(self):
        """Checks the values."""
        _check(self.seeds >= 1, "seeds", "at least 1", self.seeds)
        _check(len(self.norms) >= 1, "norms", "at least one norm", "none at all")
        _check(
            len(set(self.norms)) == len(self.norms),
            "norms",
            "different from one another",
            " ".join(self.norms),
        )

    def configs(self) -> list[Config]:
        """Returns the runs, arm by arm within a seed.

        In this order a drift of the machine's speed meets all arms alike.
        """
        return [
            Config(self.recipe, norm, seed)
            for seed in range(self.seeds)
            for norm in self.norms
        ]
