"""The grid of runs: every norm with every seed, one after the other, and a report."""

import math
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
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

from .config import contrasts
from .config.arms import title
from .config.config import Ablation, Config
from .config.recipes import PRESETS
from .data.reading import read
from .metrics import (
    Epoch,
    NonFiniteLossError,
    Run,
    activation_file,
    activation_summary,
    arms_of,
    contrasts_of,
    directories,
    provenance,
    recipe_fields,
    recorded,
    resume,
)
from .metrics import write as records
from .models import FIRST_NORM
from .report import page
from .terminal.errors import UserError
from .terminal.signals import status_of
from .terminal.text import plain
from .training import parallel, tensorboard
from .training.checkpoint import Checkpoints, check_space
from .training.feed import Placed
from .training.step import State, count_parameters, shapes, steps_per_epoch
from .training.train import Activations, train


class _RateColumn(ProgressColumn):
    def __init__(self, batch_size: int):
        super().__init__()
        self._batch_size = batch_size

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        if speed is None:
            return Text("compiling")
        return Text(f"{speed * self._batch_size:,.0f} images/s")


def _resume_command(ablation: Ablation, directory: Path) -> str:
    shard = [] if ablation.shard == "1/1" else ["--shard", ablation.shard]
    words = ["python", "-m", "experiments", "ablate", "--resume"]
    return shlex.join([*words, "--output", str(directory), *shard])


def _changes(ablation: Ablation) -> list[str]:
    """Returns in words where the recipe differs from the preset it began as."""
    preset = dict(recipe_fields(asdict(PRESETS[ablation.recipe.name].recipe)))
    return [
        f"{name} is {value} instead of {preset[name]}"
        for name, value in recipe_fields(asdict(ablation.recipe))
        if value != preset[name]
    ]


def _start(
    ablation: Ablation, arguments: Sequence[str], placed: Placed
) -> dict[str, Any]:
    """Returns the facts of the first line of every run, beside its config."""
    preset = PRESETS[ablation.recipe.name]
    return {
        "arms": [arm.arm for arm in ablation.arms()],
        "contrasts": ablation.compared(),
        "command": shlex.join(["python", "-m", "experiments", *arguments]),
        "environment": provenance.describe(),
        "devices": placed.mesh.size,
        "dataset_title": placed.dataset.title,
        "fingerprint": placed.dataset.fingerprint,
        "network": preset.network,
        "deviations": [*preset.deviations, *_changes(ablation)],
        "reference": [asdict(reference) for reference in preset.references],
    }


def _print_parameters(console: Console, states: Mapping[str, State]) -> None:
    sizes = [
        f"{title(arm)} {count_parameters(state):,}" for arm, state in states.items()
    ]
    console.print(f"Parameters: {', '.join(sizes)}.")


def _print_seeds(console: Console, ablation: Ablation) -> None:
    """Says so where the seeds are too few to show anything, before they are trained."""
    number = len(ablation.compared())
    fewest = ablation.fewest_seeds
    if number and (ablation.seeds or fewest) < fewest:
        tested = "1 difference is" if number == 1 else f"{number} differences are"
        console.print(
            f"Note: with --seeds {ablation.seeds} no difference can be shown, however "
            f"large, because {tested} tested; {fewest} seeds can show one. --resume "
            "can add seeds later."
        )


def _make_directory(ablation: Ablation) -> Path:
    if ablation.output is None:
        stamp = time.strftime("%Y%m%d-%H%M%S")
        return directories.make_new(Path("runs"), f"{ablation.recipe.dataset}-{stamp}")
    directories.make(ablation.output, ablation.shard)
    return ablation.output


def _prepare(
    ablation: Ablation,
    directory: Path,
    arguments: Sequence[str],
    start: dict[str, Any],
    states: Mapping[str, State],
    console: Console,
) -> None:
    """Checks that the directory may be trained in, and writes the command line there.

    Arms that were recorded in it stand in front of the arms of `start`, and so do
    contrasts.
    """
    arms = ablation.arms()
    runs = recorded(directory)
    changes = resume.check(directory, runs, arms, start)
    if changes:
        note = (
            f"Note: runs in {directory} were made with something else: "
            f"{'; '.join(changes)}. Numbers may differ for it; it is recorded."
        )
        console.print(plain(note), soft_wrap=True)
    start["contrasts"] = contrasts.united(
        contrasts_of(runs), start["contrasts"], arms_of(runs)
    )
    start["arms"] = list(dict.fromkeys([*arms_of(runs), *start["arms"]]))
    directories.write_arguments(directory, ablation.shard, arguments)
    if math.isfinite(ablation.checkpoint_seconds):
        check_space(directory, max(states.values(), key=count_parameters))


def ablate(ablation: Ablation, console: Console, arguments: Sequence[str]) -> int:
    """Trains all runs of an ablation and reports on them.

    Metrics are on disk epoch by epoch. A run whose loss is not finite ends there, the
    others go on; Ctrl-C ends the ablation with a report of the runs there are.

    Args:
      ablation: What to do.
      console: Where to print.
      arguments: The command line that says the same, to be kept.

    Returns:
      The exit status: 0, or that of a signal, such as 130 after Ctrl-C.

    Raises:
      UserError: If the data cannot be read, the recipe does not fit them, or the output
        directory is not empty, cannot be written to, or is that of another ablation or
        process: nothing was trained then. Or if the disk is full later on.
    """
    recipe = ablation.recipe
    mesh = parallel.make_mesh(None if ablation.distributed else ablation.devices)
    with ExitStack() as stack:

        def hold(directory: Path) -> Path:
            if parallel.is_main_process():
                stack.enter_context(directories.hold(directory, ablation.shard))
            return directory

        if ablation.resume:  # at once, before images are decoded
            assert ablation.output is not None  # checked by Ablation
            hold(ablation.output)
        elif ablation.output is not None and parallel.is_main_process():
            directories.check_new(ablation.output, ablation.shard)
        # All that can be wrong is, before anything is written.
        if ablation.tensorboard:
            tensorboard.check_installed()
        placed = Placed(read(recipe.source, console), mesh)
        steps_per_epoch(recipe, placed.dataset)
        parallel.check_batch(recipe.batch_size, mesh)
        states = {
            arm.arm: shapes(arm.recipe, arm.norm, placed.dataset)
            for arm in ablation.arms()
        }
        _print_parameters(console, states)
        _print_seeds(console, ablation)
        start = _start(ablation, arguments, placed)
        # Without a name, other processes than the main one do not learn of it.
        directory = ablation.output or Path("runs", "of-the-main-process")
        if parallel.is_main_process():
            if not ablation.resume:
                directory = hold(_make_directory(ablation))
            _prepare(ablation, directory, arguments, start, states, console)
        parallel.wait_for_others("directory")
        status = _train_all(ablation, directory, start, placed, console)
        # Where it was stopped that early, there is nothing to report.
        if parallel.is_main_process() and (not status or recorded(directory)):
            page.print_summary(console, page.write_report(directory), directory)
    return status


def _train_all(
    ablation: Ablation,
    directory: Path,
    start: dict[str, Any],
    placed: Placed,
    console: Console,
) -> int:
    """Trains the runs of an ablation, and returns the exit status."""
    recipe, configs = ablation.recipe, ablation.configs()
    steps = recipe.epochs * steps_per_epoch(recipe, placed.dataset)
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        _RateColumn(recipe.batch_size),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=console,
    ) as progress:
        task = progress.add_task("", total=len(configs) * steps)
        try:
            for number, config in enumerate(configs, 1):
                name = f"{title(config.arm)}, seed {config.seed}"
                progress.update(task, description=f"{name} ({number}/{len(configs)})")
                outcome = _run(
                    ablation,
                    config,
                    directory,
                    start,
                    placed,
                    on_steps=lambda number: progress.advance(task, number),
                )
                progress.update(task, completed=number * steps)
                console.print(
                    f"[{number}/{len(configs)}] {name}: {outcome}", soft_wrap=True
                )
        except KeyboardInterrupt as stop:
            command = _resume_command(ablation, directory)
            console.print(
                "Interrupted: reporting on the runs there are. To go on: "
                + plain(command),
                soft_wrap=True,
            )
            return status_of(stop)
    return 0


def _keep_activations(activations: Activations, path: Path) -> None:
    """Writes what the first norm does to some images, for the report."""
    before, after = activations[FIRST_NORM][0], activations[FIRST_NORM][-1]
    if parallel.is_main_process() and np.isfinite([before, after]).all():
        activation_file.save(path, activation_summary.summarize(before, after))


def _events(
    ablation: Ablation,
    config: Config,
    directory: Path,
    placed: Placed,
    content: dict[str, Any],
    earlier: Sequence[Epoch],
) -> AbstractContextManager[tensorboard.Writer | None]:
    """Opens the event files of a run, where they are wanted."""
    if not ablation.tensorboard or not parallel.is_main_process():
        return nullcontext()
    steps = steps_per_epoch(config.recipe, placed.dataset)
    return tensorboard.writer(directory, config, steps, content, earlier)


def _run(
    ablation: Ablation,
    config: Config,
    directory: Path,
    start: dict[str, Any],
    placed: Placed,
    on_steps: Callable[[int], None],
) -> str:
    """Trains one run, writes its metrics, and returns how it ended, in words."""
    with (
        records.held_run(directory, config)
        if parallel.is_main_process()
        else nullcontext(True) as mine
    ):
        if mine:
            return _run_held(ablation, config, directory, start, placed, on_steps)
    if ablation.distributed:  # the others train it, and would wait
        raise UserError(
            f"{title(config.arm)}, seed {config.seed} in {directory} is trained by "
            "another process. Wait for its end, and go on with --resume."
        )
    return "trained by another process"


def _kept(begun: Run, epochs: int, start: dict[str, Any]) -> Run:
    """Returns the part of a run that is kept where it goes on after some epochs.

    If it goes on with something else than before, its first line will say so.
    """
    content = begun.start
    if resume.made_with(content) != resume.made_with(start):
        part = {name: start[name] for name in ("environment", "devices")}
        resumed = [*content.get("resumed", []), {"after_epoch": epochs, **part}]
        content = {**content, "resumed": resumed}
    return replace(begun, start=content, epochs=begun.epochs[:epochs])


def _run_held(
    ablation: Ablation,
    config: Config,
    directory: Path,
    start: dict[str, Any],
    placed: Placed,
    on_steps: Callable[[int], None],
) -> str:
    """Does `_run` for a run that no other process does."""
    path = records.path_of(directory, config).with_suffix(".checkpoint")
    checkpoints = Checkpoints(path, ablation.checkpoint_seconds)
    begun = records.find(directory, config)
    if begun is not None and begun.status != "interrupted":
        if parallel.is_main_process() and not ablation.keep_checkpoints:
            checkpoints.remove()  # there is one if it was killed just then
        # They may not have been wanted then, or not have been finished.
        with _events(
            ablation, config, directory, placed, begun.start, begun.epochs
        ) as events:
            if events is not None and begun.completed:
                events.completed(begun.end["test_loss"], begun.end["test_accuracy"])
        return f"{begun.status} before"
    kept = None
    if (
        begun is not None
        and not begun.changed
        and 0 < checkpoints.latest <= len(begun.epochs)
    ):
        kept = _kept(begun, checkpoints.latest, start)
    earlier = () if kept is None else kept.epochs

    def on_end(state: State, activations: Activations) -> None:
        if config.seed == 0:
            path = activation_file.path_of(directory, config.arm)
            _keep_activations(activations, path)
        if ablation.keep_checkpoints:
            checkpoints.save(config.recipe.epochs, state, now=True)

    parallel.wait_for_others("start")  # all have read what is written to now
    if parallel.is_main_process() and kept is None:
        checkpoints.remove()  # of a run whose metrics somebody removed
    content = {**asdict(config), **start} if kept is None else kept.start
    with (
        records.writer(directory, config, kept=kept)
        if parallel.is_main_process()
        else nullcontext(records.Writer(lambda line: None)) as writer,
        _events(ablation, config, directory, placed, content, earlier) as events,
    ):
        if kept is None:
            writer.start(config, **start)

        def on_epoch(epoch: Epoch) -> None:
            writer.epoch(epoch)
            if events is not None:
                events.epoch(epoch)

        try:
            result = train(
                config,
                placed,
                checkpoints=checkpoints,
                earlier=earlier,
                on_steps=on_steps,
                on_epoch=on_epoch,
                on_end=on_end,
            )
        except NonFiniteLossError as error:
            writer.diverged(error)
            outcome = f"diverged, {error}"
        else:
            writer.completed(result)
            if events is not None:
                events.completed(result.test.loss, result.test.accuracy)
            seconds = sum(epoch.train_seconds for epoch in result.epochs)
            outcome = (
                f"test accuracy {result.test.accuracy:.2%}, trained in {seconds:.1f} s"
            )
    parallel.wait_for_others("end")
    if parallel.is_main_process() and not ablation.keep_checkpoints:
        checkpoints.remove()
    return outcome
