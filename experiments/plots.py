"""The plots of a report, as SVG text."""

import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from .config import NormName
from .norms import TITLES
from .records import Run
from .statistics import Arm

# Okabe and Ito's palette, which color-blind readers can tell apart; markers besides.
_COLORS: dict[NormName, str] = {
    "none": "#555555",
    "lrn": "#0072B2",
    "batch_norm": "#D55E00",
    "whole_map": "#009E73",
}
_MARKERS: dict[NormName, str] = {
    "none": "o",
    "lrn": "s",
    "batch_norm": "^",
    "whole_map": "D",
}
_STYLE: Any = {  # matplotlib types the keys, one by one
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "axes.axisbelow": True,
    "svg.fonttype": "path",
    "svg.hashsalt": "lrn_jax",  # the same plot gives the same file
}


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def _per_epoch(runs: Sequence[Run], name: str) -> np.ndarray:
    """Returns one metric as an array (runs, epochs)."""
    return np.array([[getattr(epoch, name) for epoch in run.epochs] for run in runs])


def _completed(runs: Sequence[Run], arm: Arm) -> list[Run]:
    return [run for run in runs if run.norm == arm.norm and run.completed]


def _curves(axes: Axes, runs: Sequence[Run], arms: Sequence[Arm], name: str) -> None:
    for arm in arms:
        norm, of_norm = arm.norm, _completed(runs, arm)
        if not of_norm:
            continue
        values = _per_epoch(of_norm, name)
        epochs = np.arange(1, values.shape[1] + 1)
        axes.plot(
            epochs,
            values.mean(axis=0),
            color=_COLORS[norm],
            marker=_MARKERS[norm],
            markevery=max(1, len(epochs) // 10),
            markersize=4,
            label=TITLES[norm],
        )
        axes.fill_between(
            epochs,
            values.min(axis=0),
            values.max(axis=0),
            color=_COLORS[norm],
            alpha=0.15,
            linewidth=0,
        )
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def learning_curves(runs: Sequence[Run], arms: Sequence[Arm]) -> str:
    """Returns the training loss and the validation accuracy of each arm by epoch."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(9, 3.6), layout="constrained")
        loss, accuracy = figure.subplots(1, 2)
        _curves(loss, runs, arms, "train_loss")
        loss.set_yscale("log")
        loss.set_title("Training loss (lower is better)", loc="left")
        _curves(accuracy, runs, arms, "validation_accuracy")
        accuracy.yaxis.set_major_formatter(PercentFormatter(1))
        accuracy.set_title("Validation accuracy (higher is better)", loc="left")
        accuracy.legend(loc="lower right", frameon=False)
        return _svg(figure)


def accuracies(runs: Sequence[Run], arms: Sequence[Arm]) -> str:
    """Returns the test accuracy of every run, with the mean and interval of its arm."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(9, 0.9 + 0.5 * len(arms)), layout="constrained")
        axes = figure.subplots()
        for row, arm in enumerate(arms):
            if arm.accuracy is None:
                continue
            color = _COLORS[arm.norm]
            values = [run.end["test_accuracy"] for run in _completed(runs, arm)]
            axes.plot(
                values,
                np.full(len(values), row - 0.18),
                linestyle="none",
                marker=_MARKERS[arm.norm],
                markersize=5,
                color=color,
                alpha=0.6,
            )
            axes.plot(arm.accuracy.mean, row + 0.15, "|", markersize=14, color=color)
            mean, half = arm.accuracy.mean, arm.accuracy.half_width or 0
            axes.plot((mean - half, mean + half), (row + 0.15,) * 2, color=color)
        axes.set_yticks(range(len(arms)), [TITLES[arm.norm] for arm in arms])
        axes.set_ylim(len(arms) - 0.5, -0.5)
        axes.grid(axis="y", visible=False)
        axes.xaxis.set_major_formatter(PercentFormatter(1))
        axes.set_title(
            "Test accuracy: each seed (points), mean and 95% interval (bars)",
            loc="left",
        )
        return _svg(figure)
