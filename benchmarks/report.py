"""Results on disk, and as tables."""

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, TextIO

from .cases import CASES
from .contenders import DEFAULT
from .options import Filter

Record = dict[str, Any]

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


@dataclass(frozen=True)
class Results:
    """What one run wrote."""

    run: Record
    measurements: list[Record]

    def only(self, wanted: Filter) -> "Results":
        """Returns the measurements that pass a filter."""
        return Results(
            self.run, [one for one in self.measurements if wanted.admits(one)]
        )


def write(file: TextIO, records: Iterable[Record]) -> None:
    """Adds records, one a line, at once."""
    for record in records:
        print(json.dumps(record), file=file)
    file.flush()


def read(path: Path) -> Results:
    """Reads what a run wrote."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        records = [json.loads(line) for line in lines]
        run, measurements = records[0], records[1:]
        if run["record"] != "run":
            raise ValueError("the first line is another record")
    except (ValueError, LookupError, TypeError) as error:
        raise ValueError(f"{path} is not a file of results: {error}.") from error
    return Results(run, measurements)


def problem_key(measurement: Record) -> tuple:
    """Returns what the measurements of one problem have in common."""
    names = ("case", "layout", "dtype", "mode", "radius", "beta", "batch_factor")
    return tuple(measurement[name] for name in names)


def mode_title(mode: str) -> str:
    """Returns a mode in words."""
    return {"forward_and_backward": "forward and backward"}.get(mode, mode)


def problem_title(measurement: Record) -> str:
    """Returns a problem in words."""
    shape = "x".join(map(str, measurement["shape"]))
    return (
        f"{CASES[measurement['case']].title}: {shape} {measurement['layout']} "
        f"{measurement['dtype']}, radius {measurement['radius']}, beta "
        f"{measurement['beta']:g}, {mode_title(measurement['mode'])}"
    )


def run_title(run: Record) -> str:
    """Returns where, with what and how a run was made, in a few lines."""
    environment = run["environment"]
    changed = " with local changes" if environment["local_changes"] else ""
    versions = ", ".join(f"{k} {v}" for k, v in environment["versions"].items())
    missing = run["left_out"]
    return "\n".join(
        [
            f"{environment['device']} ({environment['platform']}), {run['threads']} "
            f"of {environment['cores']} hardware threads for everyone",
            f"{versions}, Python {environment['python']}, commit "
            f"{environment['commit']}{changed}",
            f"allocator: {run['allocator']}",
            f"{run['rounds']} rounds or {run['seconds']:g} s for each problem, all in "
            "turns",
            *([f"left out: {'; '.join(missing)}"] if missing else []),
        ]
    )


def _columns(measured: list[Record]) -> list[str]:
    rivals = [
        one["contender"] for one in measured if one["family"] in ("naive", "peer")
    ]
    return [
        "",
        *("min ms", "median ms", "copies", "share", "GB/s", "faults"),
        *("temp MB", "kernels", "passes"),
        *(f"x {name}" for name in rivals),
    ]


def _row(one: Record, columns: list[str]) -> list[str]:
    compiled = "kernels" in one
    row = [
        one["title"],
        f"{one['minimum_s'] * 1e3:.3f}",
        f"{one['median_s'] * 1e3:.3f}",
        f"{one['copies']:.2f}" if "copies" in one else "",
        f"{one['share_of_copy_bandwidth']:.0%}" if "copies" in one else "",
        f"{one['bytes_per_second'] / 1e9:.2f}",
        f"{one['page_faults']:.0f}",
        f"{one['temporary_bytes'] / 1e6:.1f}" if compiled else "",
        f"{one['kernels']}" if compiled else "",
        f"{one['passes']:.1f}" if compiled else "",
    ]
    if one["family"] == "copy":  # does something else
        return row + [""] * (len(columns) - len(row))
    for column in columns[len(row) :]:
        times = one["times_as_fast_as"].get(column.removeprefix("x "))
        row.append(f"{times:.3g}" if times else "")
    return row


def _by_problem(measurements: list[Record]) -> Iterator[list[Record]]:
    for _, group in groupby(measurements, problem_key):
        yield list(group)


def _plain(columns: list[str], rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    lines = []
    for row in [columns, *rows]:
        first, *others = zip(row, widths, strict=True)
        cells = [first[0].ljust(first[1]), *(cell.rjust(w) for cell, w in others)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _rich(columns: list[str], rows: list[list[str]], best: int | None) -> bool:
    """Prints a table with rich, where it is installed; says whether it is."""
    try:
        from rich.console import Console
        from rich.table import Table
    except ImportError:
        return False
    console = Console()
    table = Table(box=None, padding=(0, 1))
    for i, column in enumerate(columns):
        justify = "right" if i else "left"
        table.add_column(column, justify=justify, no_wrap=True, header_style="dim")
    for i, row in enumerate(rows):
        table.add_row(*row, style="bold green" if i == best else None)
    if console.measure(table).maximum > console.width:
        return False  # columns would be cut off
    console.print(table)
    return True


def summary(measurements: list[Record]) -> str:
    """Returns, in Markdown, how `lrn` compares: a line for each problem."""
    groups = [
        {one["contender"]: one for one in group if one["status"] == "measured"}
        for group in _by_problem(measurements)
    ]
    rivals = {
        name: one["title"]
        for group in groups
        for name, one in group.items()
        if one["family"] in ("naive", "peer")
    }
    lines = [
        ["array", "mode", "copies", "share", *rivals.values()],
        ["---", "---"] + ["--:"] * (2 + len(rivals)),
    ]
    for group in groups:
        if (own := group.get(DEFAULT)) is None:
            continue
        faster = [own["times_as_fast_as"].get(name) for name in rivals]
        lines.append(
            [
                f"{own['case']}, {own['layout']}, {own['dtype']}, r = {own['radius']}",
                mode_title(own["mode"]),
                f"{own['copies']:.1f}",
                f"{own['share_of_copy_bandwidth']:.0%}",
                *(f"{times:.1f}" if times else "\N{EN DASH}" for times in faster),
            ]
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def print_tables(measurements: list[Record]) -> None:
    """Prints a table for each problem: in color where there are colors and space."""
    for group in _by_problem(measurements):
        print(f"\n{problem_title(group[0])}")
        measured = [one for one in group if one["status"] == "measured"]
        if measured:
            columns = _columns(measured)
            rows = [_row(one, columns) for one in measured]
            layers = [one for one in measured if one["family"] != "copy"]
            fastest = min(layers, key=lambda one: one["minimum_s"], default=None)
            best = measured.index(fastest) if fastest else None
            if not (sys.stdout.isatty() and _rich(columns, rows, best)):
                print(_plain(columns, rows))
        for one in group:
            if one["status"] in ("wrong", "failed"):
                print(f"{one['status'].upper()}: {one['title']}: {one['reason']}")
        refused = [one["reason"] for one in group if one["status"] == "refused"]
        if refused:
            print(f"Not here: {'; '.join(refused)}")
