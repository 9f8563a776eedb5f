"""The sentences and lists of a report; its prose is in templates/report.md.jinja."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..config.arms import ARMS, is_tuned, own_fields, title
from ..config.recipes import PRESETS
from ..metrics import Run, recipe_fields
from ..models import WITH_DROPOUT
from .formatting import count
from .merge import outcome
from .statistics import ArmSummary

_MOST_CLASSES = 10


def heading(arms: Sequence[ArmSummary], start: Mapping[str, Any]) -> str:
    """Returns the norms that were compared, in which variants, and the data."""
    parts = [arm.norm.partition("-") for arm in arms]
    baseline, *others = map(title, dict.fromkeys(norm for norm, _, _ in parts))
    compared = ", ".join(others) if len(others) < 5 else f"{len(others)} norms"
    what = f"{compared} against {baseline}" if others else baseline
    if any(is_tuned(arm.norm) for arm in arms):
        what += ", untuned and tuned,"
    swept = {variant.split("=")[0] for _, _, variant in parts if "=" in variant}
    if swept:
        what += f", by {' and '.join(sorted(swept)).replace('_', ' ')},"
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


def data(start: Mapping[str, Any]) -> str:
    """Returns which images were trained on, as far as that was recorded."""
    title, found = start["dataset_title"], start.get("data")
    if found is None:
        return title
    classes = ", ".join(found["classes"][:_MOST_CLASSES])
    more = len(found["classes"]) - _MOST_CLASSES
    also = f" and {more} more" if more > 0 else ""
    return (
        f"{title}, {found['train']:,} images to train on, {found['validation']:,} held "
        f"out, {found['test']:,} to test; {count(len(found['classes']), 'class', 'es')}"
        f": {classes}{also}"
    )


def epochs(numbers: Iterable[int]) -> str:
    """Returns the number of epochs of runs, or the lowest and the highest."""
    low, *_, high = [*sorted(numbers)] * 2
    return f"{low} to {high} epochs" if low < high else count(low, "epoch")


def _seeds(runs: Sequence[Run]) -> int:
    """Returns with how many seeds each arm was to be trained, 0 if nobody said."""
    return max(run.start.get("seeds", 0) for run in runs)


def planned(runs: Sequence[Run], arms: Sequence[Any]) -> str:
    """Returns which runs there were to be, as far as that was recorded."""
    of = epochs(run.start["recipe"]["epochs"] for run in runs)
    seeds = _seeds(runs)
    if not seeds:
        return f"runs of {of}"
    number = count(seeds * len(arms), "run")
    return f"{number}, {count(len(arms), 'arm')} with {count(seeds, 'seed')}, of {of}"


def unfinished(runs: Sequence[Run], arms: Sequence[str]) -> str:
    """Returns how many runs are done, and of which arms not all, if so.

    A run that diverged is done: to go on would not train it again.
    """
    seeds = _seeds(runs)
    done = Counter(run.norm for run in runs if run.status != "interrupted")
    missing = [
        f"{title(arm)} ({done[arm]} of {seeds})" for arm in arms if done[arm] < seeds
    ]
    if not missing:
        return ""
    return (
        f"{done.total()} of {count(seeds * len(arms), 'run')} are done; some are "
        f"missing of {', '.join(missing)}."
    )


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
    content = runs[0].start["recipe"]
    own = {"dataset"}.union(*(own_fields(run.norm) for run in runs))
    own |= _without_effect(content)
    return _fields(
        {
            name: value
            for name, value in recipe_fields(content)
            if name.split(".")[0] not in own
        }
    )


def _without_effect(recipe: Mapping[str, Any]) -> set[str]:
    """Returns the settings of a recipe that change nothing, beside its others."""
    idle = {
        "momentum": recipe.get("optimizer") == "adam",
        "dropout_rate": recipe.get("network") not in WITH_DROPOUT,
        "image_size": recipe["dataset"] != "folder",
        "padding": recipe.get("crop") is None,
        "parameter_average": recipe.get("parameter_average") == 0,
    }
    return {name for name, is_idle in idle.items() if is_idle}


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


def load(runs: Sequence[Run]) -> str:
    """Returns that the machine had more to do than it has cores, if so."""
    loads = {
        run.start["load_in_60_seconds"]: run.start["cores"]
        for run in runs
        if run.completed and {"cores", "load_in_60_seconds"} <= run.start.keys()
    }
    above = {load: cores for load, cores in loads.items() if load > cores}
    if not above:
        return ""
    highest = max(above)
    return (
        f"Up to {highest:.1f} processes shared {count(above[highest], 'core')} when a "
        "run began, so other work may have made these times longer."
    )


def environments(runs: Sequence[Run]) -> list[str]:
    """Returns each environment, with its number of runs if there are several."""
    counts = Counter(map(_environment, runs))
    if len(counts) == 1:
        return list(counts)
    return [f"{text} ({count(number, 'run')})" for text, number in counts.items()]


def commands(runs: Sequence[Run]) -> list[str]:
    """Returns each different command line, in the order of the runs."""
    return list(dict.fromkeys(run.start["command"] for run in runs))
