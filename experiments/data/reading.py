"""Data sets read with progress: a line, a bar in a terminal, and notes at the end."""

from contextlib import ExitStack

from rich.console import Console

from .. import data
from ..terminal.progress import decoding_bar
from ..terminal.text import plain


def read(source: data.Source, console: Console) -> data.Dataset:
    """Returns a data set; prints its notes, and progress if images are decoded.

    Raises:
      DataError: If a file is missing, damaged, or of another kind.
    """
    with ExitStack() as stack:
        bars = []

        def show(done: int, total: int) -> None:
            if not bars:
                console.print(f"Reading {total:,} images.")
                bar = decoding_bar(console)
                bar.add_task("", total=total)
                bars.append(stack.enter_context(bar))
            bars[0].update(bars[0].task_ids[0], completed=done, total=total)

        dataset = data.load(source, show)
    for note in dataset.notes:
        console.print(f"Note: {plain(note)}")
    return dataset
