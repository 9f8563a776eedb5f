"""The grid of runs: every norm with every seed, one after the other, and a report."""

import math
import shlex
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from ..config import contrasts, tuning
from ..config.arms import TUNED, title
from ..config.config import Ablation, Config
from ..config.recipe import NormName, Recipe
from ..config.recipes import PRESETS
from ..data.reading import read
from ..metrics import (
    arms_of,
    contrasts_of,
    directories,
    provenance,
    recipe_fields,
    recorded,
    resume,
)
from ..metrics.files import explained
from ..report import contents, page
from ..report.formatting import count
from ..terminal.errors import UserError
from ..terminal.progress import Planned, TrainingBar
from ..terminal.signals import status_of
from ..terminal.text import plain
from ..training import parallel, tensorboard
from ..training.checkpoint import check_space
from ..training.control import without_idle
from ..training.feed import Placed
from ..training.recorded import run as recorded_run
from ..training.step import State, count_images, count_parameters, shapes


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
        "data": {
            "train": len(placed.dataset.train),
            "validation": len(placed.dataset.validation),
            "test": len(placed.dataset.test),
            "classes": list(placed.dataset.class_names),
        },
        "seeds": ablation.seeds or ablation.fewest_seeds,
        "network": preset.network,
        "deviations": [
            *preset.deviations,
            *_changes(ablation),
            *placed.dataset.notes,
        ],
        "reference": [asdict(reference) for reference in preset.references],
    }


def _print_parameters(console: Console, states: Mapping[str, State]) -> None:
    sizes = [
        f"{title(arm)} {count_parameters(state):,}" for arm, state in states.items()
    ]
    console.print(f"Parameters: {', '.join(sizes)}.")


def _print_plan(
    console: Console, ablation: Ablation, start: Mapping[str, Any], directory: Path
) -> None:
    """Says what is trained on what, and where the results go."""
    draws = len(ablation.part([*ablation.draws()]))
    runs = count(len(ablation.configs()), "run")
    arms = count(len(ablation.arms()), "arm")
    what = f"{count(draws, 'draw')}, then {runs}" if draws else runs
    epochs = contents.epochs(arm.recipe.epochs for arm in ablation.arms())
    console.print(f"Data: {plain(contents.data(start))}.")
    console.print(
        plain(f"Training: {what} ({arms}) of {epochs}, into {directory}."),
        soft_wrap=True,
    )


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
    draws = directory / tuning.FOLDER
    if ablation.tune:
        with explained(draws):
            draws.mkdir(exist_ok=True)
    changes = resume.check(directory, runs, arms, start)
    changes += resume.check(draws, recorded(draws), [*ablation.draws()] or arms, start)
    if changes:
        note = (
            f"Note: runs in {directory} were made with something else: "
            f"{'; '.join(dict.fromkeys(changes))}. Numbers may differ for it; it is "
            "recorded."
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
        for arm in ablation.arms():
            parallel.check_batch(arm.recipe.batch_size, mesh)
        with console.status("Compiling"):
            ablation, note = without_idle(ablation, placed)
        if note:
            console.print(note, soft_wrap=True)
        states = {
            arm.arm: shapes(arm.recipe, arm.norm, placed.dataset)
            for arm in ablation.arms()
            if arm.variant != TUNED  # of the shapes of the untuned one
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
            _print_plan(console, ablation, start, directory)
        parallel.wait_for_others("directory")
        try:
            status = _train_all(ablation, directory, start, placed, console)
            # Where it was stopped that early, or its runs wait, nothing is to report.
            if parallel.is_main_process() and recorded(directory):
                with console.status("Writing the report"):
                    printed = page.write_report(directory)
                page.print_summary(console, printed, directory)
        except UserError as error:
            command = directories.resume_command(directory, ablation.shard)
            error.args = (f"{error} To go on: {plain(command)}",)
            raise
    return status


def _choices(
    ablation: Ablation, directory: Path, console: Console
) -> dict[NormName, Recipe]:
    """Returns the recipes that tuning chose for this job, and says where it did not."""
    by_arm = {run.norm: run for run in recorded(directory / tuning.FOLDER)}
    losses = {
        draw: by_arm[draw.arm].validation_loss if draw.arm in by_arm else None
        for draw in ablation.draws()
    }
    chosen = {}
    missing: dict[NormName, int] = {}
    tuned = [run.norm for run in ablation.configs() if run.variant == TUNED]
    for norm in dict.fromkeys(tuned):
        of_norm = {draw: loss for draw, loss in losses.items() if draw.norm == norm}
        finished = {draw: loss for draw, loss in of_norm.items() if loss is not None}
        best = tuning.choose([*finished], finished.__getitem__)
        if len(finished) < len(of_norm):
            missing[norm] = len(of_norm) - len(finished)
        elif best is None:
            console.print(
                f"{title(norm)} is not tuned: all its draws diverged.", soft_wrap=True
            )
        else:
            chosen[norm] = best.recipe
    if missing:
        arms = ", ".join(f"{title(norm)} {number}" for norm, number in missing.items())
        command = directories.resume_command(directory, ablation.shard)
        console.print(
            "Tuned arms wait for draws of other jobs, which must have the same "
            f"--output ({arms}). When they are done, go on: {plain(command)}",
            soft_wrap=True,
        )
    return chosen


def _train_all(
    ablation: Ablation,
    directory: Path,
    start: dict[str, Any],
    placed: Placed,
    console: Console,
) -> int:
    """Trains the runs of an ablation, and returns the exit status."""
    values = ablation.draws()
    draws, configs = ablation.part([*values]), ablation.configs()

    def planned(config: Config) -> Planned:
        images = count_images(config.recipe, placed.dataset)
        program = config.recipe, config.norm
        return Planned(program, images, images // config.recipe.epochs)

    def facts(config: Config) -> dict[str, Any]:
        number = config.recipe.train_images or start["data"]["train"]
        data = {**start["data"], "train": number}
        beginning = {**start, **provenance.load(), "data": data}
        if config not in values:
            return beginning
        ranges = tuning.space(ablation.recipe, config.norm)
        drawn = {
            name: {"value": value, **ranges[name]._asdict()}
            for name, value in values[config].items()
        }
        # It is compared with no other arm.
        return {**beginning, "arms": [config.arm], "contrasts": [], "drawn": drawn}

    with TrainingBar(console) as bar:

        def train_each(
            configs: Sequence[Config],
            place: Path,
            earlier: Sequence[Config] = (),
            later: Sequence[Config] = (),
        ) -> None:
            every = [*earlier, *configs, *later]
            plan = [*map(planned, every)]
            for number, config in enumerate(configs, len(earlier) + 1):
                name = f"{title(config.arm)}, seed {config.seed}"
                bar.begin(f"{name} ({number}/{len(every)})", plan[number - 1 :])
                size = config.recipe.batch_size
                outcome = recorded_run(
                    ablation,
                    config,
                    place,
                    facts(config),
                    placed,
                    on_steps=lambda steps, size=size: bar.advance(steps * size),
                )
                console.print(
                    f"[{number}/{len(every)}] {name}: {outcome}", soft_wrap=True
                )

        try:
            train_each(draws, directory / tuning.FOLDER, later=configs)
            if ablation.tune:
                configs = ablation.configs(_choices(ablation, directory, console))
            train_each(configs, directory, earlier=draws)
        except KeyboardInterrupt as stop:
            command = directories.resume_command(directory, ablation.shard)
            console.print(
                "Interrupted: reporting on the runs there are. To go on: "
                + plain(command),
                soft_wrap=True,
            )
            return status_of(stop)
    return 0
