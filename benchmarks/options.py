"""The command line: what every run can be told, and which results to show."""

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from experiments.terminal.errors import UserError


def available_threads() -> int:
    """Returns the number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def check(condition: bool, name: str, expected: str, value: object) -> None:
    """Refuses the value of an option.

    Raises:
      UserError: Unless the condition holds.
    """
    if not condition:
        raise UserError(
            f"`{name.replace('_', '-')}` must be {expected}, but got {value}."
        )


def check_selection(
    name: str,
    values: Sequence[object],
    known: Iterable[object] | None = None,
    *,
    least: int = 1,
) -> None:
    """Refuses a selection of too few, or of something twice or unknown.

    Raises:
      UserError: If it is one.
    """
    got = " ".join(map(str, values))
    check(len(values) >= least, name, f"at least {least}", "none")
    check(len({*values}) == len(values), name, "different from one another", got)
    if known is not None:
        expected = f"some of {', '.join(map(str, known))}"
        check({*values} <= {*known}, name, expected, got)


@dataclass(frozen=True)
class Run:
    """How to measure, whatever it is."""

    rounds: int = 30
    """Turns of each contender, at most."""
    seconds: float = 20.0
    """Time for the turns of a table: no round but the first three begins later."""
    threads: Annotated[
        int | None,
        tyro.conf.arg(metavar="INT", help_behavior_hint="(default: all there are)"),
    ] = None
    """Threads of every contender, and cores of the process."""
    allocator: Literal["keep", "system"] = "keep"
    """Whether freed memory stays in the process, or malloc may give it back."""
    output: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")
    ] = None
    """New file for the measurements, JSON lines."""

    def __post_init__(self):
        """Checks the values."""
        check(self.rounds >= 1, "rounds", "at least 1", self.rounds)
        expected = "finite and greater than 0"
        check(0 < self.seconds < math.inf, "seconds", expected, self.seconds)
        most = available_threads()
        least = 1 if hasattr(os, "sched_setaffinity") else most
        expected = f"from {least} to {most}"
        check(least <= self.num_threads <= most, "threads", expected, self.threads)

    @property
    def num_threads(self) -> int:
        """The number of threads of every contender."""
        return available_threads() if self.threads is None else self.threads


@dataclass(frozen=True)
class Show:
    """Which results to show."""

    results: Annotated[
        tyro.conf.Positional[Path],
        tyro.conf.arg(metavar="FILE.jsonl", help_behavior_hint=""),
    ]
    """A file that a run wrote with --output."""
    only: Annotated[
        tuple[str, ...],
        tyro.conf.arg(metavar="[NAME=VALUE,... ...]", help_behavior_hint=""),
    ] = field(default=(), kw_only=True)
    """Of the measurements, those with such values: mode=forward radius=2,4."""


@dataclass(frozen=True)
class Table(Show):
    """Prints the tables of a run again."""


@dataclass(frozen=True)
class Summary(Show):
    """Prints the tables for a page, in Markdown."""


@dataclass(frozen=True)
class Plot(Show):
    """Draws what a run of layers measured."""

    plot: Annotated[
        tyro.conf.Positional[Path],
        tyro.conf.arg(metavar="FILE.svg", help_behavior_hint=""),
    ]
    """File to write."""
