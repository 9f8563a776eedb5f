"""What can be chosen of the layers to measure."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from ..options import Run, check, check_selection
from .cases import CASES, DEFAULT_CASES, LAYOUTS, MODES, Dtype, Layout, Mode, Variant
from .contenders import CONTENDERS


@dataclass(frozen=True)
class Layer(Run):
    """Measures the operation: this library, plain JAX, every peer, and a copy."""

    cases: Annotated[
        tuple[str, ...],
        tyro.conf.arg(metavar="NAME [NAME ...]", help=f"Any of {', '.join(CASES)}."),
    ] = DEFAULT_CASES
    layouts: tuple[Layout, ...] = LAYOUTS
    """Orders of the axes."""
    dtypes: tuple[Dtype, ...] = ("float32",)
    """What to compute with."""
    modes: tuple[Mode, ...] = MODES
    """What to compute."""
    variants: tuple[Variant, ...] = ("channels",)
    """Where windows lie; learned ones have arrays as hyperparameters."""
    radii: tuple[int, ...] = (2,)
    """Radii of the window."""
    beta: float = 0.75
    """Exponent."""
    batch_factor: Annotated[
        int | None,
        tyro.conf.arg(
            metavar="INT", help_behavior_hint="(default: 1 on CPU, 8 elsewhere)"
        ),
    ] = None
    """Makes batches larger, so that no array fits into a cache."""
    contenders: Annotated[
        tuple[str, ...],
        tyro.conf.arg(
            metavar="NAME [NAME ...]",
            help=f"Any of {', '.join(CONTENDERS)}.",
            help_behavior_hint="(default: all that are installed)",
        ),
    ] = ()
    tensorflow_python: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")
    ] = None
    """A Python that has TensorFlow, which takes part from a process of its own."""

    def __post_init__(self):
        """Checks the values."""
        super().__post_init__()
        check_selection("cases", self.cases, CASES)
        check_selection("contenders", self.contenders, CONTENDERS, least=0)
        for name in ("layouts", "dtypes", "modes", "variants", "radii"):
            check_selection(name, getattr(self, name))
        check(min(self.radii) >= 0, "radii", "at least 0", min(self.radii))
        check(math.isfinite(self.beta), "beta", "a finite number", self.beta)
        factor = self.batch_factor
        check(factor is None or factor >= 1, "batch_factor", "at least 1", factor)
