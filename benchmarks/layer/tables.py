"""Layers as tables: one for each problem, or one for a page."""

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from ..records import Record
from ..tables import NOTHING, Table
from .cases import CASES, VARIANTS
from .contenders import DEFAULT

LEGEND = """\
copies     minimum, in minima of a copy of x made in the same run
share      of the bandwidth of that copy; 100% is the least memory allows: one copy
           forward, 2.5 copies forward and backward
GB/s       bytes of that least, over the minimum
faults     pages of memory the system mapped, per call
temp MB    memory a program needs besides arguments and results, as compiled
kernels    instructions of the compiled program that compute or move an array
passes     bytes those name as operands and results, over the bytes of x
x NAME     times as fast as NAME, minimum by minimum"""


# Of a measurement: what to call a number, its name, its form, its unit.
_NUMBERS = (
    ("min ms", "minimum_s", ".3f", 1e-3),
    ("median ms", "median_s", ".3f", 1e-3),
    ("copies", "copies", ".2f", 1.0),
    ("share", "share_of_copy_bandwidth", ".0%", 1.0),
    ("GB/s", "bytes_per_second", ".2f", 1e9),
    ("faults", "page_faults", ".0f", 1.0),
    ("temp MB", "temporary_bytes", ".1f", 1e6),
    ("kernels", "kernels", ".0f", 1.0),
    ("passes", "passes", ".1f", 1.0),
)


def case_title(measurement: Record) -> str:
    """Returns a case in words; results may be of one that is no longer measured."""
    case = CASES.get(measurement["case"])
    return case.title if case else measurement["case"]


def windows(measurement: Record) -> str:
    """Returns the windows in words."""
    variant = measurement.get("variant", "channels")  # older results have no other
    if variant in ("whole_maps", "whole_channels"):
        return VARIANTS[variant]
    radius = f"radius {measurement['radius']}"
    return f"{radius}, {VARIANTS[variant]}" if VARIANTS[variant] else radius


def _problem_title(measurement: Record) -> str:
    shape = "x".join(map(str, measurement["shape"]))
    return (
        f"{case_title(measurement)}: {shape} {measurement['layout']} "
        f"{measurement['dtype']}, {windows(measurement)}, beta "
        f"{measurement['beta']:g}, {measurement['mode'].replace('_', ' ')}"
    )


def _number(one: Record, name: str, form: str, unit: float = 1.0) -> str:
    return f"{one[name] / unit:{form}}" if name in one else ""


def _by_problem(measurements: Sequence[Record]) -> list[list[Record]]:
    names = ("case", "layout", "dtype", "mode", "radius", "beta", "batch_factor")

    def key(one: Record) -> tuple[Any, ...]:
        return one.get("variant"), *(one[name] for name in names)

    return [list(group) for _, group in groupby(measurements, key)]


def _is_rival(one: Record) -> bool:
    return one["family"] in ("naive", "peer")


def _table(group: list[Record]) -> Table:
    measured = [one for one in group if one["status"] == "measured"]
    rivals = [one["contender"] for one in measured if _is_rival(one)]

    def row(one: Record) -> list[str]:
        # A copy does something else.
        times = {} if one["family"] == "copy" else one["times_as_fast_as"]
        return [
            one["title"],
            *(_number(one, name, form, unit) for _, name, form, unit in _NUMBERS),
            *(_number(times, rival, ".3g") for rival in rivals),
        ]

    layers = [one for one in measured if one["family"] != "copy"]
    fastest = min(layers, key=itemgetter("minimum_s"), default=None)
    notes = [
        f"{one['status'].upper()}: {one['title']}: {one['reason']}"
        for one in group
        if one["status"] not in ("measured", "refused")
    ]
    refused = [one["reason"] for one in group if one["status"] == "refused"]
    return Table(
        title=_problem_title(group[0]),
        columns=["", *(head for head, *_ in _NUMBERS), *(f"x {r}" for r in rivals)],
        rows=[*map(row, measured)],
        best=measured.index(fastest) if fastest else None,
        notes=[*notes, f"Not here: {'; '.join(refused)}"] if refused else notes,
    )


def tabulate(measurements: Sequence[Record]) -> list[Table]:
    """Returns a table for each problem."""
    return [*map(_table, _by_problem(measurements))]


def summarize(measurements: Sequence[Record]) -> str:
    """Returns, in Markdown, how `lrn` compares: a line for each problem."""
    groups = [
        {one["contender"]: one for one in group if one["status"] == "measured"}
        for group in _by_problem(measurements)
    ]
    rivals = {
        name: one["title"]
        for group in groups
        for name, one in group.items()
        if _is_rival(one)
    }
    rows = []
    for group in groups:
        if (own := group.get(DEFAULT)) is None:
            continue
        numbers = [
            _number(own, "copies", ".1f"),
            _number(own, "share_of_copy_bandwidth", ".0%"),
            *(_number(own["times_as_fast_as"], name, ".1f") for name in rivals),
        ]
        rows.append(
            [
                f"{own['case']}, {own['layout']}, {own['dtype']}, {windows(own)}",
                own["mode"].replace("_", " "),
                *(number or NOTHING for number in numbers),
            ]
        )
    columns = ["array", "mode", "copies", "share", *rivals.values()]
    return Table("", columns, rows, words=2).markdown()
