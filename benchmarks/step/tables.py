"""Training steps as tables, one for each recipe."""

from collections.abc import Iterable, Sequence
from typing import Literal

from ..records import Record
from ..tables import NOTHING, Table

# This project's step, the same with plain layers, PyTorch's.
Family = Literal["ours", "plain", "peer"]

LEGEND = """\
ms a step, images/s  of this project's step, medians of the turns
plain ..., PyTorch   images/s: ours with Flax's own layers, and PyTorch's
ratio to the faster  our images/s over PyTorch's, in its faster layout
norm's share         of the time of a step, beside the step with no norm"""


def _table(measurements: Sequence[Record]) -> Table:
    """Returns a row for each arm, of medians."""
    first = measurements[0]
    norms = {one["norm"]: one["norm_title"] for one in measurements}
    others = {
        one["contender"]: one["title"]
        for one in measurements
        if one["family"] != "ours"
    }
    medians: dict[tuple[str, str], float] = {
        (one["norm"], "" if one["family"] == "ours" else one["contender"]): (
            one["median_s"]
        )
        for one in measurements
    }
    peers = {one["contender"] for one in measurements if one["family"] == "peer"}

    def cells(norm: str) -> Iterable[str]:
        ours = medians.get((norm, ""))
        rates = [medians.get((norm, name)) for name in ("", *others)]
        faster = min(
            (medians[norm, p] for p in peers if (norm, p) in medians), default=None
        )
        without = None if norm == "none" else medians.get(("none", ""))
        yield norms[norm]
        yield f"{1000 * ours:.1f}" if ours else NOTHING
        yield from (f"{first['batch_size'] / t:,.0f}" if t else NOTHING for t in rates)
        if peers:
            yield f"{faster / ours:.2f}" if faster and ours else NOTHING
        yield f"{1 - without / ours:.0%}" if without and ours else NOTHING

    return Table(
        title=f"{first['recipe']}, {first['batch_size']} images a step, "
        f"{first['rounds']} turns each",
        columns=(
            "norm",
            "ms a step",
            "images/s",
            *others.values(),
            *(["ratio to the faster"] if peers else []),
            "norm's share",
        ),
        rows=[tuple(cells(norm)) for norm in norms],
    )


def tabulate(measurements: Sequence[Record]) -> list[Table]:
    """Returns a table for each recipe and size of its batches."""
    groups: dict[tuple[str, int], list[Record]] = {}
    for one in measurements:
        groups.setdefault((one["recipe"], one["batch_size"]), []).append(one)
    return [_table(group) for group in groups.values()]


def summarize(measurements: Sequence[Record]) -> str:
    """Returns the tables in Markdown, each under its title."""
    return "\n\n".join(
        f"{table.title}:\n\n{table.markdown()}" for table in tabulate(measurements)
    )
