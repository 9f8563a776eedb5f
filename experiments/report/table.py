"""A table of text, and how a terminal of any width shows it."""

import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import rich.box
import rich.table
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

from ..terminal.text import plain
from .formatting import NOTHING

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Table:
    """Rows of text: what the terminal, the Markdown and the page show.

    A terminal shows rows and columns, or row by row where they are too wide.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    prose: int = 0
    """How many of the last columns hold sentences; all but the first hold numbers."""

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        wide = self._wide()
        unlimited = options.update(max_width=10**4)
        if Measurement.get(console, unlimited, wide).minimum <= options.max_width:
            yield wide
            return
        width = max(map(len, self.columns))
        for name, *cells in self.rows:
            yield Text(plain(name))
            for column, cell in zip(self.columns[1:], cells, strict=True):
                if cell != NOTHING:
                    yield Text(f"  {plain(column):{width}} {plain(cell)}")

    def _wide(self) -> rich.table.Table:
        """Returns rows and columns; only names are broken into lines."""
        wide = rich.table.Table(
            box=rich.box.SIMPLE, show_edge=False, pad_edge=False, collapse_padding=True
        )
        for i, column in enumerate(self.columns):
            # As narrow as the cells below, or its longest word: rich breaks words, too.
            unbroken = [*column.split(), *(row[i] for row in self.rows)]
            lines = textwrap.wrap(column, max(map(len, unbroken)))
            heading = Text("\n".join(map(plain, lines)))
            if i == 0:
                wide.add_column(heading)
            else:
                width = max(map(len, (*lines, *(row[i] for row in self.rows))))
                wide.add_column(heading, justify="right", no_wrap=True, min_width=width)
        for row in self.rows:
            wide.add_row(*(Text(plain(cell)) for cell in row))
        return wide


def tabulate(
    items: Iterable[_Item], columns: Mapping[str, Callable[[_Item], str]]
) -> Table:
    """Returns a row for each item, of columns by what their cells are."""
    rows = tuple(tuple(cell(item) for cell in columns.values()) for item in items)
    return Table(tuple(columns), rows)
