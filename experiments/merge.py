"""What a report is made from: the runs of an ablation, from one directory or several.

Runs that were made apart, by seed or by arm, perhaps on different machines, are one
ablation if their recipes are the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import activations, records
from .activations import Activations
from .config import NormName
from .errors import UserError
from .plots import title
from .records import Run
from .tables import percent

# Where data are looked for is the machine's business; it changes nothing in the data.
_PLACES = {"data_dir", "offline"}


@dataclass(frozen=True)
class Material:
    """Everything a report is made from."""

    runs: list[Run]
    """Baseline first, then arm by arm, by seed; one for each norm and seed."""
    duplicates: list[str]
    """Runs that are left out because another one has their norm and seed, in words."""
    activations: dict[str, Activations]
    """By norm, for the norms that have some."""


def recipe_fields(recipe: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yields names and values of a recipe's fields, those of its parts with a dot.

    Where the data lie is left out.
    """
    for name, value in recipe.items():
        if isinstance(value, Mapping):
            for inner, inner_value in recipe_fields(value):
                yield f"{name}.{inner}", inner_value
        elif name not in _PLACES:
            yield name, value


def outcome(run: Run) -> str:
    """Returns how a run ended, in words."""
    if run.completed:
        return percent(run.end["test_accuracy"])
    if run.status == "diverged":
        return f"diverged: the loss was {run.end['loss']} at step {run.end['step']}"
    return f"interrupted after {len(run.epochs)} epochs"


def _check_recipes(found: Sequence[tuple[Path, Run]]) -> None:
    def fields_of(run: Run) -> dict[str, Any]:
        # The title tells published data from others of the same name.
        data = {"dataset_title": run.start.get("dataset_title")}
        return dict(recipe_fields(run.start["recipe"])) | data

    first_directory, first = found[0]
    expected = fields_of(first)
    for directory, run in found:
        fields = fields_of(run)
        for name in expected | fields:
            ours, theirs = (each.get(name, "missing") for each in (expected, fields))
            if ours != theirs:
                raise UserError(
                    "Runs that are reported together must have one recipe, but "
                    f"`{name}` is {ours} in {first_directory} ({title(first.norm)}, "
                    f"seed {first.seed}) and {theirs} in {directory} "
                    f"({title(run.norm)}, seed {run.seed}). Report them separately."
                )


def _without_duplicates(
    found: Sequence[tuple[Path, Run]],
) -> tuple[list[Run], list[str]]:
    """Keeps one run for each norm and seed: the first that completed, or the first."""
    kept: dict[tuple[NormName, int], tuple[Path, Run]] = {}
    duplicates = []
    for directory, run in sorted(found, key=lambda each: not each[1].completed):
        place, counted = kept.setdefault((run.norm, run.seed), (directory, run))
        if counted is not run:
            duplicates.append(
                f"{title(run.norm)}, seed {run.seed}: the one in {directory} "
                f"({outcome(run)}) is left out, that in {place} ({outcome(counted)}) "
                "counts"
            )
    return [run for _, run in kept.values()], duplicates


def _activations(
    directories: Sequence[Path], norms: Sequence[NormName]
) -> dict[str, Activations]:
    """Reads those of each norm from the first directory that has them."""
    paths = {
        norm: path
        for norm in norms
        for directory in reversed(directories)
        if (path := activations.path_of(directory, norm)).exists()
    }
    return {norm: activations.load(path) for norm, path in paths.items()}


def read(directories: Sequence[Path]) -> Material:
    """Reads the metrics in directories, and the activations beside them.

    The baseline is the first arm of the first directory.

    Raises:
      DataError: If a directory has no runs, or a file is not one of theirs.
      UserError: If two runs have different recipes; it names the field.
    """
    found = [
        (directory, run) for directory in directories for run in records.read(directory)
    ]
    _check_recipes(found)
    norms: list[NormName] = list(
        dict.fromkeys(norm for _, run in found for norm in run.start["arms"])
    )
    runs, duplicates = _without_duplicates(found)
    runs.sort(key=lambda run: (norms.index(run.norm), run.seed))
    return Material(runs, duplicates, _activations(directories, norms))
