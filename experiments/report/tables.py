"""The tables of a report, and how its numbers are written."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import rich.box
import rich.table
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

from ..config.arms import title
from ..metrics import Run
from ..terminal.text import markdown, plain
from .activations import Activations
from .statistics import MOST_SEEDS, Arm, Difference, Interval, Sample

_NOTHING = "\N{EN DASH}"
_MINUS = "\N{MINUS SIGN}"
SIZES = (0.005, 0.01)
"""Differences worth knowing the number of seeds for: half a point, and one."""


def percent(value: float) -> str:
    """Returns a share in percent."""
    return f"{100 * value:.2f}%"


def points(value: float, *, sign: str = "") -> str:
    """Returns a share, or a difference of two, in hundredths; `sign` "+" shows all."""
    return f"{100 * value:{sign}z.2f}".replace("-", _MINUS)


def _interval(interval: Interval | None) -> str:
    if interval is None:
        return _NOTHING
    return f"{points(interval.low, sign='+')} to {points(interval.high, sign='+')}"


def _mean(sample: Sample | None) -> str:
    """Returns a mean and what to add and subtract for its interval."""
    if sample is None:
        return _NOTHING
    if sample.interval is None:
        return points(sample.mean)
    half_width = sample.interval.high - sample.mean
    return f"{points(sample.mean)} \N{PLUS-MINUS SIGN} {points(half_width)}"


def _deviation(summed_up: Sample | Difference | None) -> str:
    if summed_up is None or summed_up.deviation is None:
        return _NOTHING
    return points(summed_up.deviation)


def p_value(value: float) -> str:
    """Returns a p-value with three digits that say something."""
    return f"{value:.3g}" if value >= 0.001 else "< 0.001"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return _NOTHING
    return f"{1000 * seconds:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _memory(size: float | None) -> str:
    return _NOTHING if size is None else f"{size / 2**20:,.0f} MiB"


def size_in_points(size: float) -> str:
    """Returns a round difference in words."""
    return "1 point" if size == 0.01 else f"{100 * size:g} points"


def number_of_seeds(number: int | None) -> str:
    """Returns a number that `statistics.seeds_needed` gave."""
    return f"over {MOST_SEEDS:,}" if number is None else f"{number:,}"


@dataclass(frozen=True)
class Table:
    """Rows of text: what the terminal, the Markdown and the page show."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    prose: int = 0
    """How many of the last columns hold sentences; all but the first hold numbers."""
    note: str = ""
    """What to know of it, in a sentence."""

    def terminal(self, title: str = "") -> "_TerminalTable":
        """Returns the table for a terminal of any width."""
        return _TerminalTable(self, title)

    def markdown(self) -> str:
        """Returns the table in Markdown."""
        numbers = len(self.columns) - 1 - self.prose
        rule = ("---", *("---:",) * numbers, *("---",) * self.prose)
        escaped = [[markdown(cell) for cell in row] for row in self.rows]
        heading = [markdown(column) for column in self.columns]
        return "\n".join(
            f"| {' | '.join(cells)} |" for cells in (heading, rule, *escaped)
        )


@dataclass(frozen=True)
class _TerminalTable:
    """Prints itself as rows and columns, or row by row where they are too wide."""

    table: Table
    title: str

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        if self.title:
            yield Text(plain(self.title))
        wide = self._wide()
        unlimited = options.update(max_width=10**4)
        if Measurement.get(console, unlimited, wide).minimum <= options.max_width:
            yield wide
            return
        width = max(map(len, self.table.columns))
        for name, *cells in self.table.rows:
            yield Text(plain(name))
            for column, cell in zip(self.table.columns[1:], cells, strict=True):
                if cell != _NOTHING:
                    yield Text(f"  {plain(column):{width}} {plain(cell)}")

    def _wide(self) -> rich.table.Table:
        """Returns rows and columns; only names are broken into lines."""
        columns = rich.table.Table(
            box=rich.box.SIMPLE, show_edge=False, pad_edge=False, collapse_padding=True
        )
        for i, column in enumerate(self.table.columns):
            # Headers are broken as narrow as what is below; rich would not stop there.
            unbroken = [*column.split(), *(row[i] for row in self.table.rows)]
            lines = textwrap.wrap(column, max(map(len, unbroken)))
            heading = Text("\n".join(map(plain, lines)))
            if i == 0:
                columns.add_column(heading)
            else:
                columns.add_column(heading, justify="right", no_wrap=True)
        for row in self.table.rows:
            columns.add_row(*(Text(plain(cell)) for cell in row))
        return columns


def summary(runs: Sequence[Run], arms: Sequence[Arm]) -> Table:
    """Returns accuracy and difference to the baseline of each arm."""

    def of_difference(difference: Difference | None) -> tuple[str, str, str]:
        if difference is None:
            return _NOTHING, _NOTHING, _NOTHING
        return (
            points(difference.mean, sign="+"),
            _interval(difference.interval),
            p_value(difference.corrected_p_value),
        )

    return Table(
        columns=(
            "norm",
            "test accuracy (%)",
            "sd",
            f"difference to {title(arms[0].norm)}",
            "its 95% interval",
            "p (Holm)",
            "runs",
        ),
        rows=tuple(
            (
                title(arm.norm),
                _mean(arm.accuracy),
                _deviation(arm.accuracy),
                *of_difference(arm.difference),
                f"{arm.num_runs} of {sum(run.norm == arm.norm for run in runs)}",
            )
            for arm in arms
        ),
    )


def tests(arms: Sequence[Arm]) -> Table:
    """Returns what the test of each arm says, and how many seeds it would take."""

    def row(arm: Arm, difference: Difference) -> tuple[str, ...]:
        needed = (
            (_NOTHING,) * (len(SIZES) + 1)
            if difference.deviation is None
            else tuple(
                number_of_seeds(difference.seeds_needed(size))
                for size in (*SIZES, difference.mean)
            )
        )
        return (
            title(arm.norm),
            str(len(difference.by_seed)),
            p_value(difference.p_value),
            p_value(difference.corrected_p_value),
            p_value(difference.smallest_p_value),
            _deviation(difference),
            *needed,
        )

    return Table(
        columns=(
            "norm",
            "seeds",
            "p",
            "p (Holm)",
            "lowest possible",
            "sd of differences",
            *(f"seeds for {size_in_points(size)}" for size in SIZES),
            "for the observed",
        ),
        rows=tuple(row(arm, arm.difference) for arm in arms if arm.difference),
    )


def _without_empty_columns(table: Table) -> Table:
    kept = [
        i
        for i in range(len(table.columns))
        if any(row[i] != _NOTHING for row in table.rows)
    ]
    return Table(
        tuple(table.columns[i] for i in kept),
        tuple(tuple(row[i] for i in kept) for row in table.rows),
    )


def costs(arms: Sequence[Arm]) -> Table:
    """Returns time, memory and size of each arm, as far as they were recorded."""
    baseline = arms[0].cost.epoch_seconds

    def relative(seconds: float | None) -> str:
        if seconds is None or not baseline:
            return _NOTHING
        return f"{seconds / baseline:.2f}"

    def row(arm: Arm) -> tuple[str, ...]:
        cost = arm.cost
        return (
            title(arm.norm),
            _duration(cost.epoch_seconds),
            relative(cost.epoch_seconds),
            _duration(cost.step_seconds),
            _memory(cost.memory_bytes),
            _duration(cost.compile_seconds),
            _NOTHING if cost.parameters is None else f"{cost.parameters:,}",
        )

    columns = (
        "norm",
        "time per epoch",
        f"{title(arms[0].norm)} = 1",
        "time per step",
        "memory",
        "to compile",
        "parameters",
    )
    return _without_empty_columns(Table(columns, tuple(row(arm) for arm in arms)))


def every_run(runs: Sequence[Run], arms: Sequence[Arm]) -> Table:
    """Returns the test accuracy of every run, or how else it ended."""
    by_name = {(run.norm, run.seed): run for run in runs}

    def cell(norm: str, seed: int) -> str:
        run = by_name.get((norm, seed))
        if run is None:
            return "not started"
        if run.flaw:
            return "left out"
        return points(run.end["test_accuracy"]) if run.completed else run.status

    return Table(
        columns=("seed", *(title(arm.norm) for arm in arms)),
        rows=tuple(
            (str(seed), *(cell(arm.norm, seed) for arm in arms))
            for seed in sorted({run.seed for run in runs})
        ),
    )


def published(reference: Sequence[Mapping[str, Any]], arms: Sequence[Arm]) -> Table:
    """Returns published accuracies, and what the same arms reach here."""
    here = {arm.norm: arm.accuracy for arm in arms}

    def row(entry: Mapping[str, Any]) -> tuple[str, ...]:
        sample, accuracy = here.get(entry["arm"]), entry["accuracy"]
        return (
            title(entry["arm"]),
            points(accuracy),
            _mean(sample),
            points(sample.mean - accuracy, sign="+") if sample else _NOTHING,
            str(entry.get("source") or _NOTHING),
            str(entry.get("note") or _NOTHING),
        )

    return Table(
        columns=(
            "norm",
            "published (%)",
            "here (%)",
            "difference",
            "source",
            "note",
        ),
        rows=tuple(row(entry) for entry in reference),
        prose=2,
    )


def gains(found: Mapping[str, Activations]) -> Table:
    """Returns what each norm did to the size of channels."""

    def row(norm: str, each: Activations) -> tuple[str, ...]:
        gain, suppressed = each.median_gain, each.suppressed
        return (
            title(norm),
            _NOTHING if gain is None else f"{gain:.3g}",
            _NOTHING if suppressed is None else f"{suppressed:.1%}",
            f"{each.silent:.1%}",
        )

    return Table(
        columns=("norm", "median gain", "channels suppressed", "channels silent"),
        rows=tuple(row(norm, each) for norm, each in found.items()),
    )
