"""The plots of a report: each function paints one on an empty figure, see svg.py."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from ..config.arms import ARMS, Look, is_tuned, title
from ..metrics import Run
from ..metrics.activation_summary import ActivationSummary
from . import svg
from .statistics import ArmSummary, Contrast, Summary

_OTHER = Look(svg.TEXT, svg.DARK[svg.TEXT], "X")
_NARROW_TITLE = 12  # characters, of which three fit side by side under a plot


def looks(norms: Sequence[str]) -> dict[str, Look]:
    """Returns the looks of arms that are shown together.

    Tuned arms look like the untuned ones, and are drawn with broken lines. Other arms
    without a look of their own, as in a sweep, get the looks of absent arms.
    """
    spare = iter([arm.look for norm, arm in ARMS.items() if norm not in norms])

    def look(norm: str) -> Look:
        own = norm.partition("-")[0] if is_tuned(norm) else norm
        return ARMS[own].look if own in ARMS else next(spare, _OTHER)

    return {norm: look(norm) for norm in norms}


def _dashes(norm: str) -> str:
    return "--" if is_tuned(norm) else "-"


def _looks(arms: Sequence[ArmSummary]) -> dict[str, Look]:
    return looks([arm.norm for arm in arms])


def _completed(runs: Sequence[Run], arm: ArmSummary) -> list[Run]:
    return [run for run in runs if run.norm == arm.norm and run.completed]


class _PlainNumbers(LogFormatter):
    """Chooses the ticks that get a label as its base does, and writes 0.2, not 2e-1."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return f"{x:g}" if super().__call__(x, pos) else ""


def _curves(
    axes: Axes,
    runs: Sequence[Run],
    arms: Sequence[ArmSummary],
    name: str,
    heading: str,
) -> None:
    """Draws the mean of a metric over the seeds, by epoch, for each arm."""
    trained = [arm for arm in arms if arm.num_runs]
    for number, arm in enumerate(trained):
        of_arm, look = _completed(runs, arm), _looks(arms)[arm.norm]
        values = np.array(
            [[getattr(epoch, name) for epoch in run.epochs] for run in of_arm]
        )
        epochs = [epoch.epoch for epoch in of_arm[0].epochs]
        every = max(1, len(epochs) // 8)
        axes.plot(
            epochs,
            values.mean(axis=0),
            color=look.on_light,
            linewidth=1.4,
            linestyle=_dashes(arm.norm),
            marker=look.marker,
            # Each arm starts elsewhere: markers on one another hide one another.
            markevery=(every * number // len(trained), every),
            markersize=4,
            label=title(arm.norm),
        )
    axes.set_title(heading, loc="left")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def learning_curves(
    runs: Sequence[Run], arms: Sequence[ArmSummary], figure: Figure
) -> None:
    """Draws training loss and validation accuracy of each arm by epoch."""
    titles = [title(arm.norm) for arm in arms if arm.num_runs]
    columns = 3 if max(map(len, titles)) <= _NARROW_TITLE else 2
    figure.set_figheight(5.4 + 0.16 * math.ceil(len(titles) / columns))
    loss, accuracy = figure.subplots(2, sharex=True)
    _curves(loss, runs, arms, "train_loss", "Training loss (lower is better)")
    loss.set_yscale("log")
    loss.yaxis.set_major_formatter(_PlainNumbers())
    loss.yaxis.set_minor_formatter(_PlainNumbers(minor_thresholds=(1, 0.4)))
    heading = "Validation accuracy (higher is better)"
    _curves(accuracy, runs, arms, "validation_accuracy", heading)
    accuracy.set_ylim(bottom=_once_under_way(runs))
    accuracy.yaxis.set_major_formatter(PercentFormatter(1))
    accuracy.set_xlabel("epoch")
    figure.legend(
        *accuracy.get_legend_handles_labels(),
        loc="outside lower left",
        ncols=columns,
        fontsize=8,
        handlelength=3,  # broken lines have to be seen beside the marker
    )


def _once_under_way(runs: Sequence[Run]) -> float | None:
    """Returns the lowest accuracy after a tenth of the epochs; None for a few epochs.

    From there on the arms are to be told apart, and the first epochs would take most of
    the axis.
    """
    epochs = [run.epochs[len(run.epochs) // 10 :] for run in runs if run.completed]
    if min(len(each) for each in epochs) < 10:
        return None
    return min(epoch.validation_accuracy for each in epochs for epoch in each)


def differences(summary: Summary, figure: Figure) -> None:
    """Draws each contrast: its seeds one below the other, under them the mean."""
    contrasts = summary.contrasts
    figure.set_figheight(0.8 + 0.5 * len(contrasts))
    axes = figure.subplots()
    axes.set_title("Difference in test accuracy, points", loc="left")
    # Both arms in one line would take half of the width.
    names = [
        f"{title(each.arm)}\n\N{MINUS SIGN} {title(each.other)}" for each in contrasts
    ]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.axvline(0, color=svg.TEXT, linewidth=1)
    for row, each in enumerate(contrasts):
        _contrast(axes, row, _looks(summary.arms)[each.arm], each)


def _contrast(axes: Axes, row: int, look: Look, contrast: Contrast) -> None:
    values, color = [*contrast.by_seed.values()], look.on_light
    axes.plot(
        100 * np.asarray(values),
        row + np.linspace(-0.3, 0.1, len(values)),
        linestyle="none",
        marker=look.marker,
        markersize=5,
        markeredgewidth=0,
        color=color,
        alpha=0.6,
    )
    below = row + 0.28
    mean = 100 * contrast.mean
    axes.plot(mean, below, "|", markersize=9, markeredgewidth=2, color=color)
    for interval, width in ((contrast.interval, 2), (contrast.over_images, 0.8)):
        if interval is not None:
            ends = (100 * interval.low, 100 * interval.high)
            axes.plot(ends, (below, below), color=color, linewidth=width)


def _maps(axes: Axes, maps: NDArray[np.float32], label: str) -> None:
    """Draws maps next to each other, all on one scale, which the label ends with."""
    gap = max(1, maps.shape[2] // 12)
    padded = np.pad(maps, ((0, 0), (0, 0), (0, gap)), constant_values=np.nan)
    axes.imshow(
        np.concatenate(list(padded), axis=1)[:, :-gap],
        cmap="viridis",
        norm=PowerNorm(0.5),  # weak channels are seen beside strong ones
        interpolation="none",
    )
    axes.set_axis_off()
    low, high = maps.min(), maps.max()
    scale = f"{low:.3g} (dark) to {high:.3g} (bright)"
    axes.set_title(f"{label}: {scale}", loc="left", fontsize=9)


def _energies(axes: Axes, summary: ActivationSummary, color: str) -> None:
    edges, before, after = summary.energy_histogram()
    axes.stairs(before, edges, color=svg.FAINT, fill=True, alpha=0.6)
    axes.stairs(after, edges, color=color, linewidth=1.5)
    axes.set_xscale("log")
    axes.set_title("energy (gray: before)", loc="left", fontsize=9)


def _gains(axes: Axes, summary: ActivationSummary, color: str) -> None:
    """Draws how often each gain occurs, on the same axis for every arm."""
    # A gain of 1 lies in the middle of a bin, and one of a half between two.
    edges = np.logspace(-5, 5, 26, base=2)
    if summary.median_gain:
        relative = np.clip(summary.gains / summary.median_gain, edges[0], edges[-1])
        axes.stairs(np.histogram(relative, edges)[0], edges, color=color, fill=True)
    axes.axvline(0.5, color=svg.TEXT, linewidth=1)
    axes.set_xscale("log", base=2)
    axes.set_xticks([1 / 16, 1, 16], ["1/16", "1", "16"])
    axes.minorticks_off()
    axes.set_title("gain / median gain", loc="left", fontsize=9)


def around_norm(
    norm: str, look: Look, summary: ActivationSummary, figure: Figure
) -> None:
    """Draws feature maps before and after the norm, and histograms of all of them."""
    grid = figure.add_gridspec(3, 2, height_ratios=(1, 1, 1.8))
    before, after = (figure.add_subplot(grid[row, :]) for row in range(2))
    number = len(summary.channels)
    _maps(before, summary.maps_before, f"{number} maps before {title(norm)}")
    _maps(after, summary.maps_after, "after it")
    energies, gains = (figure.add_subplot(grid[2, column]) for column in range(2))
    _energies(energies, summary, look.on_light)
    _gains(gains, summary, look.on_light)
    for axes in (energies, gains):
        axes.set_ylabel("channels")
        axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
