"""The share of the bandwidth of a copy that each contender reaches, as a plot."""

import io
import textwrap
from collections.abc import Sequence
from itertools import product
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, PercentFormatter

from experiments.terminal.errors import UserError

from ..records import Record
from .cases import LAYOUTS, MODES
from .tables import case_title

# From Okabe and Ito's palette; the bars of this library are the saturated ones.
_COLORS = {"lrn": "#0072B2", "naive": "#E69F00", "peer": "#a0a0a0"}
_FAMILIES = {
    "lrn": "this library",
    "naive": "plain JAX, differentiated by JAX",
    "peer": "other frameworks",
}
_MODES = {"forward": "Forward", "forward_and_backward": "Forward + backward"}
_STYLE: Any = {  # matplotlib types the keys, one by one
    "font.size": 9,
    "font.sans-serif": ["DejaVu Sans"],  # each text names all of them
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "x",
    "grid.color": "#e4e4e4",
    "axes.axisbelow": True,
    "ytick.major.size": 0,
    "svg.fonttype": "none",  # text stays text, and the file small
    "text.parse_math": False,  # names are text
    "svg.hashsalt": "lrn_jax",  # the same plot gives the same file
}
_MISSING = {
    "refused": "does not offer this",
    "wrong": "wrong values",
    "failed": "fails",
}


def _row_key(one: Record) -> tuple:
    names = ("case", "dtype", "radius", "beta", "batch_factor")
    return tuple(one[name] for name in names)


def _row_title(one: Record) -> str:
    batch, *others = one["shape"]
    if one["layout"] == "NCHW":
        others = [*others[1:], others[0]]
    height, width, channels = others
    return (
        f"{case_title(one)}\n{batch} images, {height}x{width}, "
        f"{channels} channels\n{one['dtype']}, radius {one['radius']}"
    )


def _panel(axes: Axes, bars: list[Record | None], limit: float) -> None:
    for y, one in enumerate(bars):
        if one is None or "share_of_copy_bandwidth" not in one:
            label = _MISSING.get(one["status"], "") if one else ""
            axes.text(0.01, y, label, va="center", color="#888888", style="italic")
            continue
        share = one["share_of_copy_bandwidth"]
        axes.barh(y, share, height=0.75, color=_COLORS[one["family"]])
        label = f" {share:.0%}, {one['minimum_s'] * 1e3:.3g} ms"
        inside = share > 0.55 * limit
        axes.text(
            share,
            y,
            f"{label} " if inside else label,
            va="center",
            ha="right" if inside else "left",
            color="white" if inside and one["family"] == "lrn" else "black",
        )
    axes.axvline(1, color="black", linewidth=1)
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.set_xlim(0, limit)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(PercentFormatter(1))


def _footer(run: Record, rounds: int, characters: int) -> str:
    environment = run["environment"]
    changed = " with local changes" if environment["local_changes"] else ""
    versions = ", ".join(f"{k} {v}" for k, v in environment["versions"].items())
    text = (
        f"{environment['device']}, {run['threads']} threads; allocator: "
        f"{run['allocator']}; {versions}; commit {environment['commit']}{changed}; "
        f"fastest of {rounds} rounds at most; {run['command']}"
    )
    return textwrap.fill(text, characters)


def draw(run: Record, measurements: Sequence[Record]) -> str:
    """Returns the plot as SVG text: a row for each case, a column for what is done."""
    shown = [one for one in measurements if one["family"] != "copy"]
    measured = [one for one in shown if "share_of_copy_bandwidth" in one]
    if not measured:
        raise UserError("The results hold no measurement to plot.")
    titles = {one["contender"]: one["title"] for one in shown}
    present = {one["contender"] for one in measured}
    names = [name for name in titles if name in present]
    rows = {_row_key(one): _row_title(one) for one in measured}
    drawn = {(one["mode"], one["layout"]) for one in measured}
    columns = [pair for pair in product(MODES, LAYOUTS) if pair in drawn]
    limit = max(1.05, *(1.03 * one["share_of_copy_bandwidth"] for one in measured))
    found = {
        (_row_key(one), one["mode"], one["layout"], one["contender"]): one
        for one in shown
    }
    with mpl.rc_context(_STYLE):
        figure = Figure(
            figsize=(
                2.6 + 2.9 * len(columns),
                1.6 + len(rows) * (0.6 + 0.2 * len(names)),
            ),
            layout="constrained",
        )
        grid = figure.subplots(len(rows), len(columns), squeeze=False, sharey="row")
        for i, row in enumerate(rows):
            for j, (mode, layout) in enumerate(columns):
                axes: Axes = grid[i][j]
                bars = [found.get((row, mode, layout, name)) for name in names]
                _panel(axes, bars, limit)
                if i == 0:
                    title = f"{_MODES[mode]}, {layout}"
                    axes.set_title(title, loc="left", fontweight="bold")
            grid[i][0].set_yticks(range(len(names)), [titles[name] for name in names])
            grid[i][-1].yaxis.set_label_position("right")
            grid[i][-1].set_ylabel(
                rows[row], rotation=0, ha="left", va="center", labelpad=8
            )
        figure.suptitle(
            "Local response normalization: how close to copying memory?\n"
            "Share of the bandwidth of a copy: longer is faster. At 100%, each array "
            "is moved once, as fast as a copy is made.",
            ha="left",
            x=0.01,
        )
        families = [
            family
            for family in _FAMILIES
            if any(one["family"] == family for one in measured)
        ]
        figure.legend(
            handles=[
                Patch(color=_COLORS[one], label=_FAMILIES[one]) for one in families
            ],
            loc="outside upper right",
            frameon=False,
            ncols=len(families),
        )
        rounds = max(one["rounds"] for one in measured)
        footer = _footer(run, rounds, 50 * len(columns))
        figure.supxlabel(footer, ha="left", x=0.01, fontsize=7)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
        return buffer.getvalue()
