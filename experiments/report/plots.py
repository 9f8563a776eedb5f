"""The plots of a report, as SVG text: narrow, so that a phone shows them legibly."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from ..config.arms import ARMS, Look, title
from ..metrics import Run
from .activations import Activations
from .statistics import Arm, Difference, Sample

_WIDTH = 4.2  # inches: two plots fit side by side on a desktop, one fills a phone


@dataclass(frozen=True)
class Theme:
    """Colors of everything but the arms."""

    text: str
    faint: str
    grid: str
    ground: str


# The grounds are the page's, see report.css.
LIGHT = Theme(text="#1d2125", faint="#8a949d", grid="#e4e7ea", ground="#ffffff")
DARK = Theme(text="#e4e7ea", faint="#7b858e", grid="#2e363d", ground="#15191d")


LOOKS = {name: arm.look for name, arm in ARMS.items()}
_OTHER = Look("#1d2125", "#e4e7ea", "X")


def color_of(look: Look, theme: Theme) -> str:
    """Returns the color that stands out from the theme's ground."""
    return look.on_dark if theme == DARK else look.on_light


def looks(norms: Sequence[str]) -> dict[str, Look]:
    """Returns the looks of arms that are shown together.

    Those that have none of their own, as in a sweep, get those of absent arms.
    """
    spare = iter([look for norm, look in LOOKS.items() if norm not in norms])
    return {
        norm: LOOKS[norm] if norm in LOOKS else next(spare, _OTHER) for norm in norms
    }


def _looks(arms: Sequence[Arm]) -> dict[str, Look]:
    return looks([arm.norm for arm in arms])


@contextmanager
def _style(theme: Theme) -> Iterator[None]:
    style: Any = {  # matplotlib types the keys, one by one
        "font.size": 9,
        "axes.titlesize": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.facecolor": "none",
        "axes.edgecolor": theme.faint,
        "axes.labelcolor": theme.text,
        "text.color": theme.text,
        "xtick.color": theme.faint,
        "xtick.labelcolor": theme.text,
        "ytick.color": theme.faint,
        "ytick.labelcolor": theme.text,
        "grid.color": theme.grid,
        "figure.facecolor": theme.ground,
        "legend.frameon": False,
        "svg.fonttype": "path",
        "svg.hashsalt": "lrn_jax",  # the same plot gives the same file
    }
    with mpl.rc_context(style):
        yield


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def _completed(runs: Sequence[Run], arm: Arm) -> list[Run]:
    return [run for run in runs if run.norm == arm.norm and run.completed]


def _curves(
    runs: Sequence[Run], arms: Sequence[Arm], theme: Theme, name: str, axes: Axes
) -> None:
    trained = [arm for arm in arms if arm.num_runs]
    for number, arm in enumerate(trained):
        of_arm, look = _completed(runs, arm), _looks(arms)[arm.norm]
        color = color_of(look, theme)
        values = np.array(
            [[getattr(epoch, name) for epoch in run.epochs] for run in of_arm]
        )
        epochs = [epoch.epoch for epoch in of_arm[0].epochs]
        every = max(1, len(epochs) // 8)
        axes.plot(
            epochs,
            values.mean(axis=0),
            color=color,
            linewidth=1.4,
            marker=look.marker,
            # Each arm starts elsewhere: markers on one another hide one another.
            markevery=(every * number // len(trained), every),
            markersize=4,
            label=title(arm.norm),
        )
        axes.fill_between(
            epochs,
            values.min(axis=0),
            values.max(axis=0),
            color=color,
            alpha=0.15,
            linewidth=0,
        )
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower left", ncols=3, fontsize=8, handlelength=1.6
    )


def training_loss(runs: Sequence[Run], arms: Sequence[Arm], theme: Theme) -> str:
    """Returns the training loss of each arm by epoch."""
    with _style(theme):
        figure = Figure(figsize=(_WIDTH, 3.4), layout="constrained")
        axes = figure.subplots()
        _curves(runs, arms, theme, "train_loss", axes)
        axes.set_yscale("log")
        axes.set_title("Training loss (lower is better)", loc="left")
        _legend(figure, axes)
        return _svg(figure)


def _once_under_way(runs: Sequence[Run]) -> float | None:
    """Returns the lowest accuracy after a tenth of the epochs; None for a few epochs.

    From there on the arms are to be told apart, and the first epochs would take most of
    the axis.
    """
    epochs = [run.epochs[len(run.epochs) // 10 :] for run in runs if run.completed]
    if min(len(each) for each in epochs) < 10:
        return None
    return min(epoch.validation_accuracy for each in epochs for epoch in each)


def validation_accuracy(runs: Sequence[Run], arms: Sequence[Arm], theme: Theme) -> str:
    """Returns the accuracy on the validation images of each arm by epoch."""
    with _style(theme):
        figure = Figure(figsize=(_WIDTH, 3.4), layout="constrained")
        axes = figure.subplots()
        _curves(runs, arms, theme, "validation_accuracy", axes)
        axes.set_ylim(bottom=_once_under_way(runs))
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.set_title("Validation accuracy (higher is better)", loc="left")
        _legend(figure, axes)
        return _svg(figure)


def _rows(figure: Figure, arms: Sequence[Arm]) -> Axes:
    axes = figure.subplots()
    axes.set_yticks(range(len(arms)), [title(arm.norm) for arm in arms])
    axes.set_ylim(len(arms) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    return axes


def _row(
    axes: Axes,
    row: int,
    look: Look,
    values: Sequence[float],
    summed_up: Sample | Difference,
    theme: Theme,
) -> None:
    """Draws values one below the other, under them their mean and its interval."""
    color = color_of(look, theme)
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
    axes.plot(
        100 * summed_up.mean, below, "|", markersize=9, markeredgewidth=2, color=color
    )
    if summed_up.interval is not None:
        ends = (100 * summed_up.interval.low, 100 * summed_up.interval.high)
        axes.plot(ends, (below, below), color=color, linewidth=1.5)


def accuracies(runs: Sequence[Run], arms: Sequence[Arm], theme: Theme) -> str:
    """Returns the test accuracy of every run, with the mean and interval of its arm."""
    trained = [arm for arm in arms if arm.num_runs]
    with _style(theme):
        figure = Figure(
            figsize=(_WIDTH, 0.8 + 0.5 * len(trained)), layout="constrained"
        )
        axes = _rows(figure, trained)
        for row, arm in enumerate(trained):
            look = _looks(arms)[arm.norm]
            values = [run.end["test_accuracy"] for run in _completed(runs, arm)]
            if arm.accuracy is not None:
                _row(axes, row, look, values, arm.accuracy, theme)
        axes.set_xlim(right=min(100.5, axes.get_xlim()[1]))  # none is above 100
        axes.set_title("Test accuracy, %", loc="left")
        return _svg(figure)


def differences(arms: Sequence[Arm], theme: Theme) -> str:
    """Returns the difference of each arm to the baseline, seed by seed."""
    compared = [arm for arm in arms if arm.difference is not None]
    with _style(theme):
        figure = Figure(
            figsize=(_WIDTH, 0.8 + 0.5 * len(compared)), layout="constrained"
        )
        axes = _rows(figure, compared)
        axes.axvline(0, color=theme.text, linewidth=1)
        for row, arm in enumerate(compared):
            look = _looks(arms)[arm.norm]
            if arm.difference is not None:
                values = list(arm.difference.by_seed.values())
                _row(axes, row, look, values, arm.difference, theme)
        axes.set_title(f"Difference to {title(arms[0].norm)}, points", loc="left")
        return _svg(figure)


def _maps(axes: Axes, maps: NDArray[np.float32], label: str) -> None:
    """Draws maps next to each other, all on one scale."""
    gap = max(1, maps.shape[2] // 12)
    padded = np.pad(maps, ((0, 0), (0, 0), (0, gap)), constant_values=np.nan)
    axes.imshow(
        np.concatenate(list(padded), axis=1)[:, :-gap],
        cmap="viridis",
        norm=PowerNorm(0.5),  # weak channels are seen beside strong ones
        interpolation="none",
    )
    axes.set_axis_off()
    axes.set_title(label, loc="left", fontsize=9)


def _energies(
    axes: Axes, activations: Activations, color: str, color_before: str
) -> None:
    edges, before, after = activations.energy_histogram()
    axes.stairs(before, edges, color=color_before, fill=True, alpha=0.6)
    axes.stairs(after, edges, color=color, linewidth=1.5)
    axes.set_xscale("log")
    axes.set_title("energy (gray: before)", loc="left", fontsize=9)


def _gains(axes: Axes, activations: Activations, color: str, color_line: str) -> None:
    """Draws how often each gain occurs, on the same axis for every arm."""
    edges = np.logspace(-5, 5, 31, base=2)
    if activations.median_gain:
        relative = activations.gains / activations.median_gain
        axes.hist(np.clip(relative, edges[0], edges[-1]), edges.tolist(), color=color)
    axes.axvline(0.5, color=color_line, linewidth=1)
    axes.set_xscale("log", base=2)
    axes.set_xticks([1 / 16, 1, 16], ["1/16", "1", "16"])
    axes.minorticks_off()
    axes.set_title("gain / median gain", loc="left", fontsize=9)


def activations(norm: str, look: Look, activations: Activations, theme: Theme) -> str:
    """Returns feature maps before and after the norm, and histograms of all of them."""
    color = color_of(look, theme)
    with _style(theme):
        figure = Figure(figsize=(_WIDTH, 3.5), layout="constrained")
        grid = figure.add_gridspec(3, 2, height_ratios=(1, 1, 1.8))
        before, after = (figure.add_subplot(grid[row, :]) for row in range(2))
        number = len(activations.channels)
        _maps(before, activations.maps_before, f"{title(norm)}: {number} maps before")
        _maps(after, activations.maps_after, "the same after")
        energies, gains = (figure.add_subplot(grid[2, column]) for column in range(2))
        _energies(energies, activations, color, theme.faint)
        _gains(gains, activations, color, theme.text)
        for axes in (energies, gains):
            axes.set_ylabel("channels")
            axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
        return _svg(figure)
