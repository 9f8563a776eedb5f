"""The sentences and lists of a report; its prose is in templates/report.md.jinja."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..config.arms import ARMS, own_fields, title
from ..config.recipes import PRESETS
from ..metrics import Run, recipe_fields
from .formatting import count
from .merge import outcome
from .statistics import ArmSummary


def heading(arms: Sequence[ArmSummary], start: Mapping[str, Any]) -> str:
    """Returns the arms that were compared, and the data."""
    baseline, *others = (title(arm.norm) for arm in arms)
    compared = ", ".join(others) if len(others) < 5 else f"{len(others)} norms"
    what = f"{compared} against {baseline}" if others else baseline
    return f"{what} on {start['dataset_title']}{_cut_short(start['recipe'])}"


def _cut_short(recipe: Mapping[str, Any]) -> str:
    """Returns that a recipe was given fewer epochs than its source, if so.

    Of other images than the source's, its number of epochs says nothing.
    """
    preset = PRESETS.get(recipe.get("name", ""))
    if (
        preset is None
        or recipe["dataset"].removesuffix("-jpeg") != preset.recipe.dataset
    ):
        return ""
    epochs, whole = recipe["epochs"], preset.recipe.epochs
    return f" (cut short: {epochs} of {whole} epochs)" if epochs < whole else ""


def failed(runs: Sequence[Run]) -> list[str]:
    """Returns how each run ended whose results do not count."""
    return [
        f"{title(run.norm)}, seed {run.seed}: {outcome(run)}"
        for run in runs
        if not run.completed
    ]


def changed(runs: Sequence[Run]) -> list[str]:
    """Returns where metrics are not as they were written, by hand or by damage."""
    return [
        f"{title(run.norm)}, seed {run.seed}: line {', '.join(map(str, run.changed))}"
        for run in runs
        if run.changed
    ]


def _value(value: Any, joint: str = " and ") -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return joint.join(_value(each, " ") for each in value)
    return str(value)


def _fields(recipe: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {_value(value)}"
        for name, value in recipe_fields(recipe)
        if value is not None and value != []
    )


def recipe(runs: Sequence[Run]) -> str:
    """Returns the fields of the recipe that all arms share, by name."""
    own = {"dataset"}.union(*(own_fields(run.norm) for run in runs))
    return _fields(
        {
            name: value
            for name, value in recipe_fields(runs[0].start["recipe"])
            if name.split(".")[0] not in own
        }
    )


def _lrn_effect(
    bias: float = 0, alpha: float = 0, beta: float = 0, **others: Any
) -> str:
    """Returns how strong LRN is with these constants, if all are positive."""
    del others
    if not (bias > 0 and alpha > 0 and beta > 0):
        return ""
    with np.errstate(all="ignore"):
        # (bias + alpha * energy)^-beta = 0.9 * bias^-beta
        energy = bias / np.float64(alpha) * (0.9 ** np.float64(-1 / beta) - 1)
        gain = np.float64(bias) ** -beta
    return (
        f" It multiplies by {gain:.3g} where a window holds little energy, and by a "
        f"tenth less where its squares sum to {energy:,.4g}."
    )


def _arm(run: Run) -> str:
    norm = run.norm.partition("-")[0]
    arm = ARMS.get(norm)
    if arm is None:
        return f"{title(run.norm)}: an arm that this version does not know."
    text = f"{title(run.norm)}: {arm.description}."
    constants = run.start["recipe"].get(arm.constants)
    if arm.constants is None or constants is None:
        return text
    if not isinstance(constants, Mapping):
        return f"{text} Here {_fields({arm.constants: constants})}."
    effect = _lrn_effect(**constants) if norm == "lrn" else ""
    return f"{text} Here {_fields(constants)}.{effect}"


def arms(runs: Sequence[Run]) -> list[str]:
    """Returns the description of each arm, with its constants."""
    first_of_arm = {run.norm: run for run in reversed(runs)}
    return [_arm(run) for run in reversed(first_of_arm.values())]


def _environment(run: Run) -> str:
    def written(environment: Mapping[str, str]) -> str:
        return ", ".join(f"{name} {value}" for name, value in environment.items())

    later = [
        f"; after epoch {part['after_epoch']}: {written(part['environment'])}, devices "
        f"{part['devices']}"
        for part in run.start.get("resumed", [])
    ]
    return written(run.start["environment"]) + "".join(later)


def environments(runs: Sequence[Run]) -> list[str]:
    """Returns each environment, with its number of runs if there are several."""
    counts = Counter(map(_environment, runs))
    if len(counts) == 1:
        return list(counts)
    return [f"{text} ({count(number, 'run')})" for text, number in counts.items()]


def commands(runs: Sequence[Run]) -> list[str]:
    """Returns each different command line, in the order of the runs."""
    return list(dict.fromkeys(run.start["command"] for run in runs))
