"""Colors, markers and axes of the plots of a report."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.config.arms import title
from experiments.report import page as report
from experiments.report import plots
from experiments.report.statistics import summarize

from .runs import EVERY_ARM, make_epochs, make_run


def luminance(color: str) -> float:
    """Relative luminance as the Web Content Accessibility Guidelines define it."""
    channels = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(
        channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4
    )
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("theme", [plots.LIGHT, plots.DARK])
def test_arms_stand_out_from_the_ground_and_from_one_another(theme):
    assert set(plots.LOOKS) == set(EVERY_ARM)
    colors = [plots.color_of(look, theme) for look in plots.LOOKS.values()]
    for color in [*colors, theme.text]:
        low, high = sorted((luminance(color), luminance(theme.ground)))
        assert (high + 0.05) / (low + 0.05) > 4.5
    assert len(set(colors)) == len(colors)
    assert len({look.marker for look in plots.LOOKS.values()}) == len(colors)


def test_grounds_of_plots_are_those_of_the_page():
    style = Path(report.__file__).with_name("report.css").read_text(encoding="utf-8")
    assert re.findall("--ground: (#[0-9a-f]{6})", style) == [
        plots.LIGHT.ground,
        plots.DARK.ground,
    ]


def test_arms_of_a_sweep_get_looks_of_their_own():
    arms = ["none", *(f"lrn-alpha={alpha}" for alpha in (0.1, 1, 10)), "lrn"]
    looks = plots.looks(arms)
    assert looks["none"] == plots.LOOKS["none"]
    assert looks["lrn"] == plots.LOOKS["lrn"]
    assert len({look.marker for look in looks.values()}) == len(arms)
    assert title("lrn-alpha=0.1") == "LRN, alpha=0.1"
    # More than there are looks: drawn alike rather than not at all.
    assert len(plots.looks([f"lrn-{i}" for i in range(20)])) == 20


@pytest.mark.parametrize(("number", "lowest"), [(5, 0.8), (100, 0.9 - 0.1 / 11)])
def test_axis_leaves_out_the_beginning_of_long_runs(monkeypatch, number, lowest):
    made = replace(
        make_run("none", 0, 0.9, recipe={"epochs": number}),
        epochs=make_epochs(0.9, number),
    )
    monkeypatch.setattr(plots, "_svg", lambda figure: figure)
    figure: Any = plots.validation_accuracy(
        [made], summarize([made], ["none"]), plots.LIGHT
    )
    assert figure.axes[0].get_ylim()[0] == pytest.approx(lowest, abs=0.01)
