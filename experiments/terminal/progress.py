"""The progress of runs: what is done now, how fast, and how long it takes yet."""

import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from .text import plain

_FIRST_STEPS = 3.0  # seconds of training that tell how long the whole takes
_WIDE = 80  # columns: there is no bar in fewer
_LONGEST_STATE = len("12,345 images/s, 89 s left")


def in_words(seconds: float) -> str:
    """Returns a time as people say it: "40 s", "12 min", "3.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


class _SpeedColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:,.0f} images/s")


def _bar(console: Console, *columns: ProgressColumn) -> Progress:
    """Returns a bar that leaves nothing behind, and is not there without a terminal."""
    return Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    )


def decoding_bar(console: Console) -> Progress:
    """Returns a bar whose tasks count images."""
    columns = BarColumn(), MofNCompleteColumn(), _SpeedColumn(), TimeRemainingColumn()
    return _bar(console, TextColumn("decoding"), *columns)


class Planned(NamedTuple):
    """A run that is to be trained."""

    program: Hashable
    """What is compiled; runs that share it compile it once."""
    images: int
    epoch_images: int


class _StateColumn(ProgressColumn):
    def __init__(self, state: Callable[[], str]):
        # A narrow terminal has the beginning of the line, in one line.
        super().__init__(Column(no_wrap=True, overflow="ellipsis"))
        self._state = state

    def render(self, task: Task) -> Text:
        return Text(f"{self._state():{_LONGEST_STATE}} {task.description}")


class TrainingBar:
    """The bar of runs one after the other, with the time that is left for all.

    It learns that time from the runs it saw itself, so it holds after --resume, too.
    """

    def __init__(
        self, console: Console, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._console, self._clock = console, clock
        bars = [BarColumn(20)] if console.width >= _WIDE else []
        self._bar = _bar(console, *bars, _StateColumn(self.state))
        self._task = self._bar.add_task("")
        self._left: Sequence[Planned] = ()
        self._phase, self._since = "", clock()
        self._seconds = defaultdict[str, float](float)
        self._images = self._timed_images = self._run_images = 0
        self._compiled: set[Hashable] = set()
        self._told = False

    def __enter__(self) -> "TrainingBar":
        """Shows the bar."""
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Removes the bar."""
        self._bar.stop()

    def begin(self, name: str, left: Sequence[Planned]) -> None:
        """Shows that the first of the runs that are left has begun."""
        self._enter("compiling")
        self._left, self._run_images = left, 0
        total = self._images + sum(run.images for run in left)
        self._bar.update(
            self._task, description=plain(name), total=total, completed=self._images
        )

    def advance(self, images: int) -> None:
        """Shows that the run was trained on some more images."""
        run = self._left[0]
        if self._phase == "compiling":  # how long the first step took is not known
            self._compiled.add(run.program)
        else:
            self._timed_images += images
        self._images += images
        self._run_images += images
        self._bar.update(self._task, completed=self._images)
        epoch_ends = self._run_images % run.epoch_images == 0
        self._enter("measuring" if epoch_ends else "training")
        left = self._seconds_left()
        if not self._told and left and self._trained_seconds() >= _FIRST_STEPS:
            self._told = True
            runs = "1 run" if len(self._left) == 1 else f"{len(self._left)} runs"
            self._console.print(
                f"About {in_words(left)} for {runs}, at {self._speed()}."
            )

    def state(self) -> str:
        """Returns what is done now, how fast, and the time that is left."""
        if not self._phase:
            return ""
        left = self._seconds_left()
        if self._phase == "training" and left is not None:
            parts = [self._speed()]
        else:
            parts = [f"{self._phase} {in_words(self._clock() - self._since)}"]
        return ", ".join(
            [*parts, *([] if left is None else [f"{in_words(left)} left"])]
        )

    def _enter(self, phase: str) -> None:
        now = self._clock()
        self._seconds[self._phase] += now - self._since
        self._phase, self._since = phase, now

    def _trained_seconds(self) -> float:
        seconds = self._seconds["training"] + self._seconds["measuring"]
        now = 0 if self._phase == "compiling" else self._clock() - self._since
        return seconds + now

    def _speed(self) -> str:
        return f"{self._timed_images / self._trained_seconds():,.0f} images/s"

    def _seconds_left(self) -> float | None:
        """Returns the time that all runs take yet, once some steps were timed."""
        if not self._timed_images:
            return None
        images = sum(run.images for run in self._left) - self._run_images
        programs = len({run.program for run in self._left} - self._compiled)
        compiling = programs * self._seconds["compiling"] / len(self._compiled)
        if self._phase == "compiling":
            compiling = max(0.0, compiling - (self._clock() - self._since))
        return compiling + images * self._trained_seconds() / self._timed_images
