"""The progress of runs, in images: a bar, the speed and the time that is left."""

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class _SpeedColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("compiling" if speed is None else f"{speed:,.0f} images/s")


def training_bar(console: Console) -> Progress:
    """Returns a bar whose tasks count training images."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        _SpeedColumn(),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=console,
    )
