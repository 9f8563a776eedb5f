"""Compiled programs as tables: one for each target, or one for a page."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

from ..layer.cases import VARIANTS
from ..records import Record
from ..tables import NOTHING, Table
from .targets import NUM_DEVICES, TARGETS

LEGEND = """\
kernels      instructions of the compiled program that compute or move an array
passes       bytes those name as operands and results in the memory of the device, over
             the bytes of x
temporary    memory the program needs besides arguments and results, over that of x
collectives  exchanges between devices"""

_NAMES = (
    "case",
    "layout",
    "dtype",
    "radius",
    "variant",
    "divided",
    "implementation",
)


def _array(one: Record) -> str:
    """Describes the array of a measurement, and who computes it."""
    words = [one["case"], one["layout"], one["dtype"], f"r = {one['radius']}"]
    if one["variant"] != "channels":
        words.append(VARIANTS[one["variant"]])
    if one["divided"] != "nothing":
        words.append(f"{one['divided']} on {NUM_DEVICES} devices")
    if one["implementation"] != "default":
        words.append(one["implementation"])
    return ", ".join(words)


def _target(one: Record) -> str:
    """Returns a target in words; results may be of one that is no longer here."""
    target = TARGETS.get(one["target"])
    return target.title if target else one["target"]


def _numbers(one: Record) -> tuple[str, str, str]:
    return f"{one['kernels']}", f"{one['passes']:.1f}", f"{one['temporary']:.1f}"


def _mode(one: Record) -> str:
    return one["mode"].replace("_", " ")


def tabulate(measurements: Sequence[Record]) -> list[Table]:
    """Returns a table for each target."""

    def row(one: Record) -> list[str]:
        counts = Counter(one["collectives"]).items()
        collectives = ", ".join(f"{count} {name}" for name, count in counts)
        return [_array(one), _mode(one), collectives or NOTHING, *_numbers(one)]

    return [
        Table(
            title=f"{_target(group[0])}, compiled by {group[0]['compiler']}",
            columns=("", "mode", "collectives", "kernels", "passes", "temporary"),
            rows=[*map(row, group)],
            words=3,
        )
        for _, each in groupby(measurements, itemgetter("target"))
        for group in [list(each)]
    ]


def summarize(measurements: Sequence[Record]) -> str:
    """Returns, in Markdown, a line for each array: kernels / passes / temporary."""
    columns = {
        (one["target"], one["mode"]): f"{_target(one)}, {_mode(one)}"
        for one in measurements
    }
    rows: dict[tuple, dict[tuple[str, str], str]] = {}
    titles = {}
    for one in measurements:
        key = itemgetter(*_NAMES)(one)
        titles[key] = _array(one)
        cell = " / ".join(_numbers(one))
        if one["collectives"]:
            cell += f" / {len(one['collectives'])}"
        rows.setdefault(key, {})[one["target"], one["mode"]] = cell
    return Table(
        "",
        ["array", *columns.values()],
        [
            [titles[key], *(cells.get(column, NOTHING) for column in columns)]
            for key, cells in rows.items()
        ],
    ).markdown()
