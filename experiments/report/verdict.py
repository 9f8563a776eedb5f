"""What the runs say, in plain sentences, and no more than that."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ..config.arms import ARMS, title
from ..config.significance import fewest_seeds
from ..metrics import Run
from ..metrics.activation_summary import ActivationSummary
from ..metrics.evaluation import Gains
from .formatting import interval, number_of_seeds, p_value, points, size_in_points
from .sign_flip import POWER
from .statistics import Contrast, Summary
from .tables import SIZES

_DRAWS = 12  # of a tuning that is proposed


def _gains(runs: Sequence[Run]) -> list[Gains]:
    """Returns the gains of an arm, place by place: medians over the runs with gains."""
    recorded = [
        gains for run in runs if run.completed and (gains := run.end.get("gains"))
    ]
    places = set.intersection(*map(set, recorded)) if recorded else ()
    of_places = [
        [[each[place][name] for name in ("low", "median", "high")] for each in recorded]
        for place in places
    ]
    medians = [np.median(each, axis=0) for each in of_places]
    return [Gains(*map(float, each)) for each in medians if np.isfinite(each).all()]


def _action(arm: str, gains: Sequence[Gains]) -> str:
    """Returns where an arm acted, that is where its gain varied, or that it did not."""
    # LRN + BatchNorm is no constant factor where its LRN is one.
    layer, plus, _ = title(arm).partition(" + ")
    name = f"{layer} in {title(arm)}" if plus else title(arm)
    acting = [each for each in gains if not each.constant]
    if not acting:
        low, high = (f"{end(each.median for each in gains):.3g}" for end in (min, max))
        factor = low if low == high else f"{low} to {high}"
        says = "this says nothing of local normalization"
        return _sentence(f"{name} was a constant factor of {factor} here: {says}")
    at = "" if len(gains) == 1 else f" at {len(acting)} of {len(gains)} places"
    there = " there" if at else ""
    low, high = min(each.low for each in acting), max(each.high for each in acting)
    between = f"between {low:.3g} and {high:.3g}"
    return _sentence(f"{name} acted{at}: nine in ten of its gains{there} are {between}")


def actions(
    runs: Sequence[Run],
    arms: Sequence[str],
    activations: Mapping[str, ActivationSummary],
) -> dict[str, tuple[bool, str]]:
    """Returns whether each arm of LRN did more than multiply, and that in a sentence.

    Runs of earlier versions recorded no gains. Of them it is said alone where the
    activations show that the first norm was a constant factor.
    """
    found = {}
    for arm in arms:
        known = ARMS.get(arm.partition("-")[0])
        if known is None or not known.local:
            continue
        gains = _gains([run for run in runs if run.norm == arm])
        shown = activations.get(arm)
        if not gains and shown is not None and shown.constant is not None:
            gains = [Gains(*[shown.constant] * 3)]
        if gains:
            acted = not all(each.constant for each in gains)
            found[arm] = acted, _action(arm, gains)
    return found


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _finding(contrast: Contrast, constant: bool) -> str:
    """Returns what the test says of a contrast.

    Args:
      contrast: The contrast.
      constant: Whether one of its arms should have acted, and did not.
    """
    size = points(abs(contrast.mean))
    direction = "above" if contrast.mean > 0 else "below"
    where = "level with" if size == "0.00" else f"{size} points {direction}"
    ends = contrast.interval
    between = f"95% interval {interval(ends)}, " if ends is not None else ""
    p = p_value(contrast.corrected_p_value)
    text = (
        f"{title(contrast.arm)} is {where} {title(contrast.other)}: "
        f"{'shown' if contrast.shown else 'not shown'} "
        f"({between}corrected p {p if p.startswith('<') else f'= {p}'})"
    )
    if constant and contrast.shown:
        text += ", but not as the work of local normalization"
    return _sentence(text)


def _needed(contrasts: Sequence[Contrast]) -> str:
    """Returns how many seeds would show what these contrasts did not."""
    if any(contrast.deviation is None for contrast in contrasts):
        return "A single seed can show no difference."
    pairs = sorted({len(contrast.by_seed) for contrast in contrasts})
    seeds = f"{' to '.join(map(str, pairs[:1] + pairs[1:][-1:]))} seeds"
    each = " in each of these" if len(contrasts) > 1 else ""
    one = f"a difference of {size_in_points(SIZES[0])}{each}"
    needed = [each.seeds_needed(SIZES[0]) or math.inf for each in contrasts]
    if max(needed) <= pairs[0]:
        return f"{seeds} would show {one} {POWER:.0%} of the time."
    most = None if math.inf in needed else int(max(needed))
    would = f"it would take {number_of_seeds(most)} seeds to show {one}"
    if not any(contrast.can_be_shown for contrast in contrasts):
        return f"{seeds} can show no difference, however large; {would}."
    return _sentence(would)


def next_step(
    summary: Summary, *, unfinished: bool, tuned: bool, own: bool, command: str
) -> str:
    """Returns what to try next, in a line.

    Args:
      summary: The ablation in numbers.
      unfinished: Whether runs are missing.
      tuned: Whether arms were tuned, or cannot be because they are of a sweep.
      own: Whether the images are one's own.
      command: The one that goes on with the ablation, if there is one.
    """
    options, gains = [], []
    number = len(summary.contrasts) + len(summary.missing)
    fewest = fewest_seeds(max(1, number))
    if unfinished:
        gains.append("the runs that are missing")
    if number and not all(each.can_be_shown for each in summary.contrasts):
        options += ["--seeds", str(fewest)]
        gains.append("as many seeds as can show a difference")
    if not gains and not tuned and number:
        options += ["--tune", str(_DRAWS)]
        gains.append("arms that are tuned alike")
    steps = []
    if not own and not unfinished:
        steps.append("your own images (--dataset folder --data-dir DIRECTORY)")
    if gains:
        words = [*filter(None, [command]), *options]
        steps.append(f"{' and '.join(gains)}: {' '.join(words)}")
    return f"Next: {', or '.join(steps)}" if steps else ""


def verdict(summary: Summary, acted: Mapping[str, tuple[bool, str]]) -> list[str]:
    """Returns what the runs say, sentence by sentence.

    That an arm acted is said where a contrast rests on it; that it did not, always.

    Args:
      summary: The ablation in numbers.
      acted: See `actions`.
    """
    tested = {arm for each in summary.contrasts for arm in (each.arm, each.other)}
    sentences = [
        sentence for arm, (did, sentence) in acted.items() if arm in tested or not did
    ]
    if not any(arm.num_runs for arm in summary.arms):
        return ["No run has completed, so there is nothing to compare."]
    if not summary.contrasts and not summary.missing:
        return [
            *sentences,
            _sentence(
                f"{title(summary.arms[0].norm)} alone: there is nothing to compare with"
            ),
        ]
    for contrast in summary.contrasts:
        constant = any(
            not acted[arm][0] for arm in (contrast.arm, contrast.other) if arm in acted
        )
        sentences.append(_finding(contrast, constant))
    for arm, other in summary.missing:
        text = f"{title(arm)} and {title(other)} have no completed run in common"
        sentences.append(_sentence(f"{text}: no seed to compare them by"))
    not_shown = [each for each in summary.contrasts if not each.shown]
    return [*sentences, *([_needed(not_shown)] if not_shown else [])]
