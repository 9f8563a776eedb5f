"""Colors, markers, axes and bytes of the plots of a report."""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from experiments.config.arms import ARMS, title
from experiments.report import page, plots, svg, sweep
from experiments.report.statistics import summarize

from .runs import EVERY_ARM, make_run, make_runs


def luminance(color: str) -> float:
    """Relative luminance as the Web Content Accessibility Guidelines define it."""
    channels = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(
        channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4
    )
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("name", ["on_light", "on_dark"])
def test_arms_stand_out_from_the_ground_and_from_one_another(name):
    text, ground = svg.TEXT, svg.GROUND
    if name == "on_dark":
        text, ground = svg.DARK[text], svg.DARK[ground]
    colors = [getattr(arm.look, name) for arm in ARMS.values()]
    for color in [*colors, text]:
        low, high = sorted((luminance(color), luminance(ground)))
        assert (high + 0.05) / (low + 0.05) > 4.5
    assert len(set(colors)) == len(colors)
    assert len({arm.look.marker for arm in ARMS.values()}) == len(colors)


def test_grounds_of_plots_are_those_of_the_page():
    style = Path(page.__file__).parent / "templates" / "report.css"
    grounds = re.findall("--ground: (#[0-9a-f]{6})", style.read_text(encoding="utf-8"))
    assert grounds == [svg.GROUND, svg.DARK[svg.GROUND]]


def test_arms_of_a_sweep_get_looks_of_their_own():
    arms = ["none", *(f"lrn-alpha={alpha}" for alpha in (0.1, 1, 10)), "lrn"]
    looks = plots.looks(arms)
    assert looks["none"] == ARMS["none"].look
    assert looks["lrn"] == ARMS["lrn"].look
    assert len({look.marker for look in looks.values()}) == len(arms)
    assert title("lrn-alpha=0.1") == "LRN, alpha=0.1"
    # More than there are looks: drawn alike rather than not at all.
    assert len(plots.looks([f"lrn-{i}" for i in range(20)])) == 20


@pytest.mark.parametrize(("number", "lowest"), [(5, 0.8), (100, 0.9 - 0.1 / 11)])
def test_axis_leaves_out_the_beginning_of_long_runs(number, lowest):
    runs = [make_run("none", 0, 0.9, epochs=number)]
    figure = Figure()
    plots.learning_curves(runs, summarize(runs, ["none"], []).arms, figure)
    assert figure.axes[1].get_ylim()[0] == pytest.approx(lowest, abs=0.01)


def every_arm() -> str:
    """Draws one plot with every arm in it."""
    runs = make_runs({arm: [0.5, 0.75] for arm in EVERY_ARM})
    arms = summarize(runs, EVERY_ARM, []).arms
    return svg.draw(partial(plots.learning_curves, runs, arms))


def test_every_contrast_has_a_row_with_its_arms():
    pairs = [("lrn", "none"), ("lrn_batch_norm", "batch_norm")]
    runs = make_runs({arm: [0.5, 0.75] for arm in EVERY_ARM})
    figure = Figure()
    plots.differences(summarize(runs, EVERY_ARM, pairs), figure)
    (axes,) = figure.axes
    labels = [each.get_text() for each in axes.get_yticklabels()]
    assert labels == ["LRN\n\u2212 no norm", "LRN + BatchNorm\n\u2212 BatchNorm"]


def test_a_sweep_is_a_line_for_each_norm_with_zero_to_the_left():
    alphas = (10, 0.1, 0, 1)
    arms = {"none": [0.5, 0.52], "lrn-alpha=0.5-tuned": [0.1]} | {
        f"{norm}-alpha={alpha}": [0.5, 0.6 + alpha / 100]
        for norm in ("lrn", "scaled")
        for alpha in alphas
    }
    summaries = summarize(make_runs(arms), [*arms], []).arms
    figure = Figure()
    sweep.plot(summaries, figure)
    (axes,) = figure.axes
    ticks = dict(zip(axes.get_xticks(), axes.get_xticklabels(), strict=True))
    shown = {place: label.get_text() for place, label in ticks.items()}
    assert shown == {-2: "0", -1: "0.1", 0: "1", 1: "10"}
    assert [each.get_label() for each in axes.containers] == ["LRN", "scaled"]
    first = axes.containers[0]
    assert isinstance(first, ErrorbarContainer)
    assert first.lines[0] is not None
    x, y = np.array(first.lines[0].get_data())
    assert x.tolist() == [-2, -1, 0, 1]  # in order, whatever that of the arms
    assert y == pytest.approx([55, 55.05, 55.5, 60])
    (band,) = axes.patches
    assert isinstance(band, Rectangle)
    # By hand: Student's t for one degree of freedom times 1 point.
    assert band.get_height() == pytest.approx(2 * 12.706, rel=1e-3)


def test_a_sweep_of_numbers_below_zero_is_drawn_on_a_straight_axis():
    arms = {f"lrn-bias={bias}": [0.5] for bias in (-1, 0, 2)}
    figure = Figure()
    sweep.plot(summarize(make_runs(arms), [*arms], []).arms, figure)
    assert [*figure.axes[0].get_xticks()] == [-1, 0, 2]


def test_a_plot_has_the_same_bytes_in_every_process():
    program = "from tests.experiments import test_plots as t; print(t.every_arm())"
    other = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": "1"},
        check=True,
        capture_output=True,
        encoding="utf-8",
    )
    assert other.stdout == every_arm() + "\n"


def test_a_plot_has_each_color_for_a_dark_ground_too():
    drawn = every_arm()
    style, shapes = drawn.split("</style>")
    used = set(re.findall("(fill|stroke): (#[0-9a-f]{6})", shapes))
    assert {("fill", svg.GROUND), ("fill", svg.TEXT), ("stroke", svg.GRID)} <= used
    assert {("stroke", arm.look.on_light) for arm in ARMS.values()} <= used
    for name, light in used:
        rule = f'[style*="{name}: {light}"] {{ {name}: {svg.DARK[light]} !important }}'
        assert rule in style


def test_marks_share_the_style_of_their_group():
    root = ElementTree.fromstring(every_arm())
    marks = [
        [each for each in group if each.tag.endswith("}use")] for group in root.iter()
    ]
    for group in marks:
        assert (
            len(group) < 2
            or len({each.get("style") for each in group}) != 1
            or (group[0].get("style") is None)
        )
    assert max(map(len, marks)) > 1


def test_a_plot_is_small_because_text_is_text_and_numbers_are_short():
    root = ElementTree.fromstring(svg.draw(_with_decimals))
    texts = {text for text in root.itertext() if text.strip()}
    assert {"Title", "0.125"} <= texts  # what is read keeps its decimals
    geometry = [
        element.attrib[name]
        for element in root.iter()
        for name in ("d", "x", "y")
        if name in element.attrib
    ]
    assert any("." in each for each in geometry)
    assert not [each for each in geometry if re.search(r"\.\d\d|\n", each)]


def _with_decimals(figure: Figure) -> None:
    axes = figure.subplots()
    axes.plot([0, 0.1234567, 1])
    axes.set_title("Title")
    axes.set_yticks([0.125])
