"""The grid of runs: every norm with every seed, one after the other, and a report."""

import shlex
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from . import environment, records, report
from .config import Ablation, Config
from .norms import TITLES
from .train import NonFiniteLossError, steps_per_epoch, train

INTERRUPTED = 130  # what a shell reports for a program ended by Ctrl-C


class _RateColumn(ProgressColumn):
    def __init__(self, batch_size: int):
        super().__init__()
        self._batch_size = batch_size

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        if speed is None:
            return Text("compiling")
        return Text(f"{speed * self._batch_size:,.0f} images/s")


def _output(ablation: Ablation) -> Path:
    if ablation.output is not None:
        return ablation.output
    stamp = time.strftime("%Y%m%d-%H%M%S")
    return Path("runs") / f"{ablation.recipe.dataset}-{stamp}"


def print_table(console: Console, summary: report.Table, directory: Path) -> None:
    """Prints the summary, and where to read on."""
    table = Table()
    for i, column in enumerate(summary.columns):
        table.add_column(column, justify="left" if i == 0 else "right")
    for row in summary.rows:
        table.add_row(*row)
    console.print(table)
    console.print(f"Report: {directory / 'report.html'}", soft_wrap=True)


def ablate(ablation: Ablation, console: Console) -> int:
    """Trains all runs of an ablation and reports on them.

    Metrics are on disk epoch by epoch. A run whose loss is not finite ends there, the
    others go on; Ctrl-C ends the ablation with a report of the runs there are.

    Returns:
      The exit status: 0, or 130 after Ctrl-C.

    Raises:
      UserError: If the data cannot be read, or the output directory is not empty or
        cannot be written to. Nothing was trained then.
    """
    recipe = ablation.recipe
    configs = ablation.configs()
    steps = steps_per_epoch(recipe)  # reads the data: before anything is written
    directory = _output(ablation)
    records.make_directory(directory)
    start = {
        "arms": ablation.norms,
        "command": shlex.join(["python", "-m", "experiments", *sys.argv[1:]]),
        "environment": environment.describe(),
    }

    status = 0
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        _RateColumn(recipe.batch_size),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=console,
    ) as progress:
        task = progress.add_task("", total=len(configs) * steps * recipe.epochs)
        try:
            for number, config in enumerate(configs, 1):
                name = f"{TITLES[config.norm]}, seed {config.seed}"
                progress.update(task, description=f"{name} ({number}/{len(configs)})")
                outcome = _run(config, directory, start, lambda: progress.advance(task))
                progress.update(task, completed=number * steps * recipe.epochs)
                console.print(
                    f"[{number}/{len(configs)}] {name}: {outcome}", markup=False
                )
        except KeyboardInterrupt:
            console.print("Interrupted: reporting on the runs there are.")
            status = INTERRUPTED
    print_table(console, report.write(directory), directory)
    return status


def _run(config: Config, directory: Path, start: dict, on_step) -> str:
    """Trains one run, writes its metrics, and returns how it ended, in words."""
    with records.writer(directory, config) as writer:
        writer.start(config, **start)
        try:
            result = train(config, on_step=on_step, on_epoch=writer.epoch)
        except NonFiniteLossError as error:
            writer.diverged(error)
            return f"diverged, {error}"
        writer.completed(result)
        seconds = sum(epoch.train_seconds for epoch in result.epochs)
        return f"test accuracy {result.test_accuracy:.2%}, trained in {seconds:.1f} s"
