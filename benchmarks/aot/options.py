"""What can be chosen of the programs to compile."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from lrn_jax import IMPLEMENTATIONS

from ..options import check_selection
from .targets import TARGETS

DEFAULT = "default"


@dataclass(frozen=True)
class Aot:
    """Compiles the operation for GPUs and TPUs that are not here."""

    targets: Annotated[
        tuple[str, ...],
        tyro.conf.arg(
            metavar="NAME [NAME ...]",
            help=f"Any of {', '.join(TARGETS)}.",
            help_behavior_hint="(default: all whose compiler is installed)",
        ),
    ] = ()
    only: Annotated[
        tuple[str, ...],
        tyro.conf.arg(metavar="[NAME=VALUE,... ...]", help_behavior_hint=""),
    ] = ()
    """Of the programs, those with such values: mode=forward radius=2."""
    implementation: Annotated[
        str,
        tyro.conf.arg(
            metavar="NAME", help=f"Any of {', '.join([DEFAULT, *IMPLEMENTATIONS])}."
        ),
    ] = DEFAULT
    output: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")
    ] = None
    """New file for what was found, JSON lines."""

    def __post_init__(self):
        """Checks the values."""
        check_selection("targets", self.targets, TARGETS, least=0)
        names = (DEFAULT, *IMPLEMENTATIONS)
        check_selection("implementation", (self.implementation,), names)
