"""Tables of what was measured, for the terminal and in Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass

import rich.table
from rich.console import Console

from experiments.terminal.text import markdown

from .records import Record

NOTHING = "\N{EN DASH}"


def make_console() -> Console:
    """Returns a console without a width: what is too long is the terminal's to wrap."""
    return Console(width=10**4, markup=False, emoji=False, highlight=False)


@dataclass(frozen=True)
class Table:
    """Rows of text."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: int = 1
    """Columns of words, the first ones; the others hold numbers."""
    best: int | None = None
    """The row to stand out."""
    notes: Sequence[str] = ()

    def print(self, console: Console) -> None:
        """Prints title, rows and notes, in color where there are colors."""
        table = rich.table.Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
        for i, column in enumerate(self.columns):
            justify = "left" if i < self.words else "right"
            table.add_column(
                str(column), justify=justify, no_wrap=True, header_style="dim"
            )
        for i, row in enumerate(self.rows):
            table.add_row(
                *map(str, row), style="bold green" if i == self.best else None
            )
        console.print()
        console.print(self.title)
        if self.rows:
            console.print(table)
        for note in self.notes:
            console.print(note)

    def markdown(self) -> str:
        """Returns the rows in Markdown."""
        numbers = len(self.columns) - self.words
        rule = ("---",) * self.words + ("---:",) * numbers
        escaped = ([markdown(cell) for cell in row] for row in self.rows)
        heading = [markdown(column) for column in self.columns]
        return "\n".join(f"| {' | '.join(row)} |" for row in (heading, rule, *escaped))


def run_title(run: Record) -> str:
    """Returns where, with what and how a run was made, in a few lines."""
    environment = run["environment"]
    changed = " with local changes" if environment["local_changes"] else ""
    versions = ", ".join(f"{k} {v}" for k, v in environment["versions"].items())
    missing = run["left_out"]
    lines = [
        f"{versions}, Python {environment['python']}, commit "
        f"{environment['commit']}{changed}",
        *([f"left out: {'; '.join(missing)}"] if missing else []),
    ]
    if "seconds" in run:  # times were measured
        rounds = f"{run['rounds']} rounds or " if "rounds" in run else ""
        lines[:0] = [
            f"{environment['device']} ({environment['platform']}), {run['threads']} "
            f"of {environment['cores']} hardware threads for everyone"
        ]
        lines[2:2] = [
            f"allocator: {run['allocator']}",
            f"{rounds}{run['seconds']:g} s for each table, all in turns",
        ]
    return "\n".join(lines)
