"""Compares normalization layers by training the same network with each."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from . import report
from .ablate import ablate, print_table
from .allocator import keep_freed_memory
from .config import Ablation
from .errors import UserError


@dataclass(frozen=True)
class Report:
    """Writes the report of an ablation anew, from the metrics in its directory.

    Several directories are reported as one ablation, whose runs were made apart.
    """

    directories: Annotated[
        tyro.conf.Positional[tuple[Path, ...]],
        tyro.conf.arg(metavar="DIR [DIR ...]", help_behavior_hint=""),
    ]
    """Directories of the ablation, with its .jsonl files."""
    output: Annotated[
        Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")
    ] = None
    """Directory for the report (default: that of the ablation, if it is one)."""


_Command = (
    Annotated[Ablation, tyro.conf.subcommand("ablate")]
    | Annotated[Report, tyro.conf.subcommand("report")]
)


def parse(arguments: list[str] | None = None) -> Ablation | Report:
    """Returns the command that the arguments, or those of the process, ask for."""
    return tyro.cli(
        _Command,  # pyright: ignore[reportArgumentType] - tyro takes unions
        prog="python -m experiments",
        description=__doc__,
        args=arguments,
    )


def main(arguments: list[str] | None = None) -> int:
    """Runs a command and returns its exit status."""
    console = Console()
    try:
        command = parse(arguments)
        if isinstance(command, Report):
            summary = report.write(command.directories, command.output)
            print_table(console, summary, command.output or command.directories[0])
            return 0
        return ablate(command, console)
    except UserError as error:
        Console(stderr=True).print(f"error: {error}", markup=False, soft_wrap=True)
        return 2


if __name__ == "__main__":
    keep_freed_memory()
    sys.exit(main())
