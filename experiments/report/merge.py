"""What a report is made from: the runs of an ablation, from one directory or several.

Runs that were made apart, by seed or by arm, perhaps on different machines, are one
ablation if their recipes are the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import metrics
from ..config.arms import own_fields, title
from ..config.contrasts import Contrast
from ..config.tuning import FOLDER
from ..metrics import Run, activation_file, arms_of, contrasts_of, recipe_fields
from ..metrics.activation_summary import ActivationSummary
from ..terminal.errors import UserError
from .formatting import percent


@dataclass(frozen=True)
class Material:
    """Everything a report is made from."""

    runs: list[Run]
    """Baseline first, then arm by arm, by seed; one for each norm and seed."""
    arms: list[str]
    """All that were to be compared, baseline first, whether they have a run or not."""
    contrasts: list[Contrast]
    """Pairs of arms whose difference is tested."""
    duplicates: list[str]
    """Runs that are left out because another one has their norm and seed, in words."""
    activations: dict[str, ActivationSummary]
    """By norm, for the norms that have some."""
    draws: list[Run] = field(default_factory=list)
    """The runs that tuned arms were chosen from, draw by draw."""


def outcome(run: Run) -> str:
    """Returns how a run ended, in words."""
    if run.flaw:
        return f"left out: {run.flaw}"
    if run.completed:
        return percent(run.end["test_accuracy"])
    if run.status == "diverged":
        if "reason" in run.end:
            return f"diverged: {run.end['reason']}"
        what = f"the loss was {run.end['loss']}"
        if run.end["loss"] not in ("nan", "inf", "-inf"):
            what = f"the norm of the gradient was {run.end.get('gradient_norm')}"
        return f"diverged: {what} at step {run.end['step']}"
    return f"interrupted after {len(run.epochs)} epochs"


def _fields(run: Run) -> dict[str, Any]:
    # Title and fingerprint tell data from others of the same name.
    data = {name: run.start.get(name) for name in ("dataset_title", "fingerprint")}
    return dict(recipe_fields(run.start["recipe"])) | data


def _check_recipes(found: Sequence[tuple[Path, Run]]) -> None:
    """Refuses runs whose recipes differ in anything but what an arm has of its own.

    That must be the same in the runs of that arm.
    """

    def check(first: tuple[Path, Run], other: tuple[Path, Run], names: set[str]):
        (place, run), (other_place, other_run) = first, other
        ours, theirs = _fields(run), _fields(other_run)
        for name in sorted(names):
            if ours.get(name) != theirs.get(name):
                raise UserError(
                    "Runs that are reported together must have one recipe, but "
                    f"`{name}` is {ours.get(name)} in {place} ({title(run.norm)}, seed "
                    f"{run.seed}) and {theirs.get(name)} in {other_place} "
                    f"({title(other_run.norm)}, seed {other_run.seed}). Report them "
                    "separately."
                )

    first_of_arm: dict[str, tuple[Path, Run]] = {}
    first_with: dict[str, tuple[Path, Run]] = {}
    names = {name for _, run in found for name in _fields(run)}
    for each in found:
        check(first_of_arm.setdefault(each[1].norm, each), each, names)
        own = own_fields(each[1].norm)
        for name in sorted(names):
            if name.split(".")[0] not in own:
                check(first_with.setdefault(name, each), each, {name})


def _without_duplicates(
    found: Sequence[tuple[Path, Run]],
) -> tuple[list[Run], list[str]]:
    """Keeps one run for each norm and seed: the first that completed, or the first."""
    kept: dict[tuple[str, int], tuple[Path, Run]] = {}
    duplicates = []

    def rank(each: tuple[Path, Run]) -> int:
        run = each[1]
        return 0 if run.completed or run.status == "validated" else 1

    for directory, run in sorted(found, key=rank):
        place, counted = kept.setdefault((run.norm, run.seed), (directory, run))
        if counted is not run:
            duplicates.append(
                f"{title(run.norm)}, seed {run.seed}: the one in {directory} "
                f"({outcome(run)}) is left out, that in {place} ({outcome(counted)}) "
                "counts"
            )
    return [run for _, run in kept.values()], duplicates


def _activations(
    directories: Sequence[Path], norms: Sequence[str]
) -> dict[str, ActivationSummary]:
    """Reads the activations of each norm from the first directory that has some."""
    paths = {
        norm: path
        for norm in norms
        for directory in reversed(directories)
        if (path := activation_file.path_of(directory, norm)).exists()
    }
    return {norm: activation_file.load(path) for norm, path in paths.items()}


def read(directories: Sequence[Path]) -> Material:
    """Reads the metrics in directories, and the draws and activations beside them.

    The baseline is the first arm of the first directory.

    Raises:
      DataError: If a directory has no runs, or a file is not one of theirs.
      UserError: If two runs have different recipes; it names the field.
    """
    by_directory = [metrics.read(directory) for directory in directories]
    arms: list[str] = list(
        dict.fromkeys(arm for runs in by_directory for arm in arms_of(runs))
    )
    found = [
        (directory, run)
        for directory, runs in zip(directories, by_directory, strict=True)
        for run in runs
    ]
    if any(run.status == "validated" for _, run in found):
        raise UserError(
            f"{directories[0]} holds draws of a tuning, which were not tested. Report "
            "on the directory above it."
        )
    drawn = [
        (directory / FOLDER, run)
        for directory in directories
        for run in metrics.recorded(directory / FOLDER)
    ]
    _check_recipes([*found, *drawn])
    runs, duplicates = _without_duplicates(found)
    runs.sort(key=lambda run: (arms.index(run.norm), run.seed))
    contrasts = contrasts_of([run for _, run in found])
    activations = _activations(directories, arms)
    draws, _ = _without_duplicates(drawn)
    return Material(runs, arms, contrasts, duplicates, activations, draws)
