"""What the tests say, in a sentence, and no more than that."""

import math
from collections.abc import Mapping, Sequence

from ..config.arms import ARMS, title
from ..metrics.activation_summary import ActivationSummary
from .formatting import number_of_seeds, p_value, percent, points, size_in_points
from .sign_flip import POWER
from .statistics import ArmSummary, Difference
from .tables import SIZES


def _either(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def _shown(arm: ArmSummary, difference: Difference) -> str:
    direction = "higher" if difference.mean > 0 else "lower"
    p = p_value(difference.corrected_p_value)
    return (
        f"{title(arm.norm)} is {direction} by {points(abs(difference.mean))} points "
        f"(p {p if p.startswith('<') else f'= {p}'})"
    )


def _not_shown(arms: Mapping[str, Difference]) -> str:
    """Returns that these arms show no difference, and how many seeds would."""
    differences = arms.values()
    text = f"no difference shown for {_either([*map(title, arms)])}"
    if any(difference.deviation is None for difference in differences):
        return f"{text}, and a single seed can show none"
    pairs = sorted({len(difference.by_seed) for difference in differences})
    seeds = f"{' to '.join(map(str, pairs[:1] + pairs[1:][-1:]))} seeds"
    one = f"one of {size_in_points(SIZES[0])}"
    needed = [each.seeds_needed(SIZES[0]) or math.inf for each in differences]
    if max(needed) <= pairs[0]:
        return f"{text}, where {seeds} would show {one} {POWER:.0%} of the time"
    most = None if math.inf in needed else int(max(needed))
    would = f"it would take {number_of_seeds(most)} seeds to show {one}"
    if not any(difference.can_be_shown for difference in differences):
        return f"{text}; {seeds} can show none, however large, and {would}"
    return f"{text} with {seeds}, and {would}"


def verdict(arms: Sequence[ArmSummary]) -> str:
    """Returns which arms differ from the baseline, and which show no difference."""
    baseline, others = arms[0], arms[1:]
    if baseline.accuracy is None:
        return (
            f"No run of the baseline, {title(baseline.norm)}, counts, so there is "
            "nothing to compare with."
        )
    if not others:
        return f"{title(baseline.norm)} alone: there is nothing to compare with."
    compared = [(arm, arm.difference) for arm in others if arm.difference is not None]
    findings = [_shown(arm, each) for arm, each in compared if each.shown]
    not_shown = {arm.norm: each for arm, each in compared if not each.shown}
    if not_shown:
        findings.append(_not_shown(not_shown))
    missing = [title(arm.norm) for arm in others if arm.difference is None]
    if missing:
        findings.append(f"there is no run to compare of {_either(missing)}")
    return (
        f"Under this recipe, test accuracy against {title(baseline.norm)} "
        f"({percent(baseline.accuracy.mean)}): {'; '.join(findings)}."
    )


def reservation(summaries: Mapping[str, ActivationSummary]) -> str:
    """Returns which arms of LRN acted as constants, if any: then nothing local did."""
    return " ".join(
        f"{title(norm)} was a constant factor of {each.constant:.3g} here: its results "
        "say nothing of local normalization."
        for norm, each in summaries.items()
        if (arm := ARMS.get(norm.partition("-")[0])) is not None
        and arm.local
        and each.constant is not None
    )
