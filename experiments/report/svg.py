"""Figures as SVG text: small, and the same text for the same numbers.

A figure is drawn once, for a light ground, and its style sheet holds the colors for a
dark one, which a browser takes where the reader prefers that. Text stays text: no
glyphs are embedded.
"""

import io
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from ..config.arms import ARMS

# The grounds are the page's, see report.css.
TEXT, FAINT, GRID, GROUND = "#1d2125", "#8a949d", "#e4e7ea", "#ffffff"
DARK = {
    TEXT: "#e4e7ea",
    FAINT: "#7b858e",
    GRID: "#2e363d",
    GROUND: "#15191d",
    **{arm.look.on_light: arm.look.on_dark for arm in ARMS.values()},
}
"""What each color becomes on a dark ground."""

_WIDTH = 4.2  # inches: two plots fit side by side on a desktop, one fills a phone
_STYLE: Any = {  # matplotlib types the keys, one by one
    "font.size": 9,
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib, and is wide
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.facecolor": "none",
    "axes.edgecolor": FAINT,
    "axes.labelcolor": TEXT,
    "text.color": TEXT,
    "xtick.color": FAINT,
    "xtick.labelcolor": TEXT,
    "ytick.color": FAINT,
    "ytick.labelcolor": TEXT,
    "grid.color": GRID,
    "figure.facecolor": GROUND,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "lrn_jax",  # ids are random without one
}
# They name the day and the version of matplotlib.
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))

_NAMESPACES = {
    "": "http://www.w3.org/2000/svg",
    "xlink": "http://www.w3.org/1999/xlink",
}
_GEOMETRY = {"d", "x", "y", "transform"}
_LINES = re.compile(r"([ML] \S+ \S+)((?: L \S+ \S+)+)")
_LONG_NUMBER = re.compile(r"-?\d+\.\d{2,}")
_NO_ROTATION = re.compile(r"rotate\(-?0 [^)]*\)")


def draw(paint: Callable[[Figure], None]) -> str:
    """Returns the SVG of a figure that `paint` fills; all have one width."""
    buffer = io.StringIO()
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(_WIDTH, 3.4), layout="constrained")
        paint(figure)
        figure.savefig(buffer, format="svg", metadata=_NO_METADATA)
    return _compact(buffer.getvalue())


def _dark_style(svg: str) -> str:
    rules = [
        f'[style*="{name}: {light}"] {{ {name}: {dark} !important }}'
        for light, dark in DARK.items()
        for name in ("fill", "stroke")
        if f"{name}: {light}" in svg
    ]
    return f"@media (prefers-color-scheme: dark) {{ {' '.join(rules)} }}"


def _without_repetition(lines: re.Match[str]) -> str:
    """Leaves out the letter of each line but the first: it holds until another."""
    return lines[1] + lines[2].replace(" L", "")


def _rounded(number: re.Match[str]) -> str:
    return f"{float(number[0]):.1f}".removesuffix(".0")


def _share_style(group: ElementTree.Element) -> None:
    """Gives the style that all marks of a group have to the group, once."""
    styles = {
        each.get("style", "") if each.tag.endswith("}use") else "" for each in group
    }
    if len(group) > 1 and len(styles) == 1 and "" not in styles:
        group.set("style", *styles)
        for each in group:
            del each.attrib["style"]


def _compact(svg: str) -> str:
    """Adds the dark colors, and leaves out what does not show.

    The unit is a 72nd of an inch, of which a tenth is less than anybody sees.
    """
    for prefix, uri in _NAMESPACES.items():
        ElementTree.register_namespace(prefix, uri)
    root = ElementTree.fromstring(svg)  # without comments
    style = root.find(".//style", _NAMESPACES)
    assert style is not None  # matplotlib begins with one
    style.text = f"{style.text} {_dark_style(svg)}"
    for element in root.iter():
        if element.tag.endswith("}g"):
            element.attrib.pop("id", None)  # nothing refers to it
            _share_style(element)
        element.tail = None if element.tag.endswith("}tspan") else "\n"
        if element.text and not element.text.strip():
            element.text = None
        for name in filter(_GEOMETRY.__contains__, element.keys()):
            value = " ".join(element.attrib[name].split())
            value = _LINES.sub(_without_repetition, value)
            element.set(name, _LONG_NUMBER.sub(_rounded, value))
        if _NO_ROTATION.fullmatch(element.get("transform", "")):
            del element.attrib["transform"]
    return ElementTree.tostring(root, encoding="unicode") + "\n"
