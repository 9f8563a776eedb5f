"""The plot of a sweep: test accuracy over the number that it varies."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from ..config.arms import ARMS, title
from . import svg
from .intervals import Sample
from .statistics import ArmSummary

_FEWEST = 2  # values, below which there is nothing to draw a line between


def _parts(arm: ArmSummary) -> tuple[str, str, float] | None:
    """Returns norm, number and value of an arm of a sweep, as in lrn-alpha=0.001."""
    norm, _, variant = arm.norm.partition("-")
    number, _, value = variant.partition("=")
    try:
        return (norm, number, float(value)) if norm in ARMS else None
    except ValueError:
        return None


def _lines(arms: Sequence[ArmSummary]) -> dict[str, dict[float, Sample]]:
    """Returns the accuracy at each value, by norm."""
    lines: dict[str, dict[float, Sample]] = {}
    for arm in arms:
        parts = _parts(arm)
        if parts is not None and arm.accuracy is not None:
            lines.setdefault(parts[0], {})[parts[2]] = arm.accuracy
    return lines


def name(arms: Sequence[ArmSummary]) -> str:
    """Returns what the arms are a sweep of, or "" where there is no line to draw."""
    names = {parts[1] for parts in map(_parts, arms) if parts}
    if len(names) != 1 or max(map(len, _lines(arms).values()), default=0) < _FEWEST:
        return ""
    return names.pop().replace("_", " ")


def _places(values: Sequence[float]) -> dict[float, float]:
    """Returns where on the axis each value is: by its logarithm, and 0 left of it."""
    if values[0] < 0:
        return {value: value for value in values}
    positive = [value for value in values if value > 0]
    places = dict(zip(positive, np.log10(positive).tolist(), strict=True))
    return {0.0: places[positive[0]] - 1, **places} if values[0] == 0 else places


def _band(axes: Axes, norm: str, accuracy: Sample) -> None:
    """Draws an arm that has no value: mean and interval, from side to side."""
    color = ARMS[norm].look.on_light
    axes.axhline(100 * accuracy.mean, color=color, linewidth=1, label=title(norm))
    if accuracy.interval is not None:
        ends = 100 * accuracy.interval.low, 100 * accuracy.interval.high
        axes.axhspan(*ends, color=color, alpha=0.15, linewidth=0)


def plot(arms: Sequence[ArmSummary], figure: Figure) -> None:
    """Draws mean test accuracy and interval over the value, a line for each norm."""
    lines = _lines(arms)
    places = _places(sorted({value for line in lines.values() for value in line}))
    axes = figure.subplots()
    for arm in arms:
        if arm.norm in ARMS and arm.accuracy is not None:
            _band(axes, arm.norm, arm.accuracy)
    for norm, line in lines.items():
        look, samples = ARMS[norm].look, [line[value] for value in sorted(line)]
        half_widths = [
            0.0 if each.interval is None else each.interval.high - each.mean
            for each in samples
        ]
        axes.errorbar(
            [places[value] for value in sorted(line)],
            [100 * each.mean for each in samples],
            [100 * each for each in half_widths],
            color=look.on_light,
            marker=look.marker,
            markersize=5,
            linewidth=1.4,
            label=title(norm),
        )
    axes.set_title("Test accuracy, %", loc="left")
    axes.set_xlabel(name(arms))
    axes.set_xticks([*places.values()], [f"{value:g}" for value in places])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(axis="x", color=svg.GRID)
    figure.legend(loc="outside lower left", ncols=3, fontsize=8)
