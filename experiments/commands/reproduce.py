"""Published runs, trained again from their records, and what differs."""

import math
import shlex
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from ..config import recorded
from ..config.arms import ARMS, title
from ..config.command_line import Reproduce
from ..config.config import Ablation, Config
from ..data.reading import read
from ..metrics import Run, directories, provenance, resume
from ..metrics import read as read_runs
from ..metrics import write as records
from ..metrics.evaluation import unpacked_hits
from ..report.formatting import count
from ..terminal.errors import UserError
from ..terminal.progress import Planned, TrainingBar
from ..terminal.text import plain
from ..training import parallel
from ..training.feed import Placed
from ..training.recorded import run as recorded_run
from ..training.step import count_images

# What a run keeps of the first line of the one it repeats, beside its config.
_KEPT = ("arms", "contrasts", "network", "deviations", "reference")


def _completed(command: Reproduce) -> list[Run]:
    """Returns the runs to train again.

    Raises:
      DataError: If the directory holds no runs, or a file is not one of theirs.
      UserError: If no run that completed has a norm or a seed that is asked for.
    """
    runs = [run for run in read_runs(command.directory) if run.completed]
    norms, seeds = {run.norm for run in runs}, {run.seed for run in runs}
    missing = [
        *(norm for norm in command.norms if norm not in norms),
        *(f"seed {seed}" for seed in command.seeds if seed not in seeds),
    ]
    found = [
        run
        for run in runs
        if run.norm in (command.norms or norms) and run.seed in (command.seeds or seeds)
    ]
    if missing or not found:
        raise UserError(
            f"`directory` must hold runs that completed, but {command.directory} holds "
            f"none of {', '.join(missing) or 'these'}."
        )
    return found


def _config(run: Run, command: Reproduce) -> Config:
    """Returns a run as its first line tells it, whose data are looked for anew.

    Raises:
      UserError: If this version has no such run.
    """
    norm, _, variant = run.norm.partition("-")
    places = ("data_dir", "val_dir", "test_dir", "offline")
    given = {name: getattr(command, name) for name in places}
    try:
        if norm not in ARMS:
            raise ValueError("its norm is unknown to this version")
        recipe = recorded.recipe({**run.start["recipe"], **given})
    except ValueError as error:
        raise UserError(
            f"{title(run.norm)}, seed {run.seed} in {command.directory} cannot be "
            f"trained again: {error}."
        ) from error
    return Config(recipe, norm, run.seed, variant)


def _make_directory(command: Reproduce) -> Path:
    if command.output is None:
        stamp = time.strftime("%Y%m%d-%H%M%S")
        return directories.make_new(Path("runs"), f"reproduced-{stamp}")
    if command.output.resolve().is_relative_to(command.directory.resolve()):
        raise UserError(
            f"`output` must lie outside {command.directory}, where nothing is written, "
            f"but got {command.output}."
        )
    directories.make(command.output)
    return command.output


def _differences(before: Run, after: Run) -> tuple[list[str], list[str]]:
    """Returns what is identical in two runs, and what differs and by how much."""
    same, different = [], []
    for field in ("train_loss", "validation_loss", "validation_accuracy"):
        gaps = [
            abs(getattr(here, field) - getattr(there, field))
            for there, here in zip(before.epochs, after.epochs, strict=True)
        ]
        name = field.replace("_", " ")
        if any(gaps):
            first = next(i for i, gap in enumerate(gaps, 1) if gap)
            different.append(f"{name} by up to {max(gaps):.3g}, from epoch {first} on")
        else:
            same.append(name)
    there, here = before.end["test_loss"], after.end["test_loss"]
    if there == here:
        same.append("test loss")
    else:
        different.append(f"test loss by {abs(here - there):.3g}")
    there, here = before.end["test_accuracy"], after.end["test_accuracy"]
    if there == here:
        same.append("test accuracy")
    else:
        different.append(f"test accuracy, {here:.2%} instead of {there:.2%}")
    if "test_hits" in before.end:  # earlier versions recorded none
        hits = [
            unpacked_hits(run.end["test_hits"], run.end["test_images"])
            for run in (before, after)
        ]
        if len(hits[0]) == len(hits[1]):
            changed = int((hits[0] != hits[1]).sum())
            (different if changed else same).append(
                f"hits, on {count(changed, 'image')}" if changed else "hits"
            )
    return same, different


def _compared(before: Run, after: Run) -> str:
    """Returns in words what is identical in two runs, and what differs."""
    if not after.completed:
        return f"differs: now it is {after.status}"
    same, different = _differences(before, after)
    parts = {"identical": same, "differs": different}
    return "; ".join(
        f"{what}: {', '.join(each)}" for what, each in parts.items() if each
    )


def _agrees(before: Run, after: Run, tolerance: float) -> bool:
    """Whether test accuracies are within a tolerance, in points, of one another."""
    if not after.completed:
        return False
    gap = 100 * abs(before.end["test_accuracy"] - after.end["test_accuracy"])
    return round(gap, 9) <= tolerance  # without what floating point adds


def _made_with(start: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Returns in words where the environments and the images of two runs differ."""
    there, here = (
        {**resume.made_with(each), "images": each.get("fingerprint")}
        for each in (start, now)
    )
    return ", ".join(
        f"{name} {here.get(name)} instead of {there.get(name)}"
        for name in dict.fromkeys([*there, *here])
        if there.get(name) != here.get(name)
    )


def reproduce(command: Reproduce, console: Console, arguments: Sequence[str]) -> int:
    """Trains runs again from their records, and prints what is identical.

    Args:
      command: Which runs, and where.
      console: Where to print.
      arguments: The command line that says the same, to be recorded.

    Returns:
      The exit status: 0 if every test accuracy agrees, else 1.

    Raises:
      DataError: If metrics or images cannot be read.
      UserError: If a run cannot be trained again, or something cannot be written.
    """
    runs = _completed(command)
    configs = [_config(run, command) for run in runs]
    mesh = parallel.make_mesh()
    placed = {
        source: Placed(read(source, console), mesh)
        for source in dict.fromkeys(config.recipe.source for config in configs)
    }

    def planned(config: Config) -> Planned:
        images = count_images(config.recipe, placed[config.recipe.source].dataset)
        program = config.recipe, config.norm
        return Planned(program, images, images // config.recipe.epochs)

    plan = [*map(planned, configs)]
    directory = _make_directory(command)
    environment = provenance.describe()
    made_with, agreeing = [], 0
    with TrainingBar(console) as bar:
        for number, (run, config) in enumerate(zip(runs, configs, strict=True), 1):
            name = f"{title(config.arm)}, seed {config.seed}"
            bar.begin(f"{name} ({number}/{len(runs)})", plan[number - 1 :])
            data, batch = placed[config.recipe.source], config.recipe.batch_size
            start = {
                **{each: run.start[each] for each in _KEPT if each in run.start},
                "command": shlex.join(["python", "-m", "experiments", *arguments]),
                "environment": environment,
                "devices": mesh.size,
                "dataset_title": data.dataset.title,
                "fingerprint": data.dataset.fingerprint,
            }
            recorded_run(
                Ablation(
                    recipe=config.recipe,
                    norms=(config.norm,),
                    checkpoint_seconds=math.inf,
                ),
                config,
                directory,
                start,
                data,
                on_steps=lambda steps, batch=batch: bar.advance(steps * batch),
            )
            again = records.find(directory, config)
            assert again is not None  # it was trained just now
            agreeing += _agrees(run, again, command.tolerance)
            made_with.append(_made_with(run.start, start))
            console.print(
                f"[{number}/{len(runs)}] {name}: {_compared(run, again)}",
                soft_wrap=True,
            )
    for what in filter(None, dict.fromkeys(made_with)):
        console.print(plain(f"Made with something else: {what}."), soft_wrap=True)
    within = f" within {command.tolerance:g} points" if command.tolerance else ""
    console.print(
        f"The test accuracy of {agreeing} of {count(len(runs), 'run')} agrees{within}. "
        f"Metrics: {plain(str(directory))}",
        soft_wrap=True,
    )
    return 0 if agreeing == len(runs) else 1
