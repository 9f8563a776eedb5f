"""The tables of a report."""

from collections.abc import Callable, Mapping, Sequence
from itertools import compress
from typing import Any

from ..config.arms import title
from ..metrics import Run
from ..metrics.activation_summary import ActivationSummary
from .formatting import (
    NOTHING,
    deviation,
    duration,
    interval,
    mean,
    memory,
    number_of_seeds,
    optional,
    p_value,
    points,
    signed,
    size_in_points,
)
from .statistics import ArmSummary, Difference
from .table import Table, tabulate

SIZES = (0.005, 0.01)
"""Differences worth knowing the number of seeds for: half a point, and one."""


def summary(runs: Sequence[Run], arms: Sequence[ArmSummary]) -> Table:
    """Returns accuracy and difference to the baseline of each arm."""

    def difference(write: Callable[[Difference], str]) -> Callable[[ArmSummary], str]:
        return lambda arm: optional(arm.difference, write)

    return tabulate(
        arms,
        {
            "norm": lambda arm: title(arm.norm),
            "test accuracy (%)": lambda arm: optional(arm.accuracy, mean),
            "sd": lambda arm: optional(arm.accuracy, deviation),
            f"difference to {title(arms[0].norm)}": difference(
                lambda each: signed(each.mean)
            ),
            "its 95% interval": difference(
                lambda each: optional(each.interval, interval)
            ),
            "p (Holm)": difference(lambda each: p_value(each.corrected_p_value)),
            "runs": lambda arm: (
                f"{arm.num_runs} of {sum(run.norm == arm.norm for run in runs)}"
            ),
        },
    )


def sign_flip_tests(arms: Sequence[ArmSummary]) -> Table:
    """Returns the p-values of each arm, and the number of seeds it would take."""

    def needed(difference: Difference, size: float) -> str:
        if difference.deviation is None:
            return NOTHING
        return number_of_seeds(difference.seeds_needed(size))

    def seeds_for(size: float) -> Callable[[tuple[str, Difference]], str]:
        return lambda row: needed(row[1], size)

    return tabulate(
        [(arm.norm, arm.difference) for arm in arms if arm.difference],
        {
            "norm": lambda row: title(row[0]),
            "seeds": lambda row: str(len(row[1].by_seed)),
            "p": lambda row: p_value(row[1].p_value),
            "p (Holm)": lambda row: p_value(row[1].corrected_p_value),
            "lowest possible": lambda row: p_value(row[1].smallest_p_value),
            "sd of differences": lambda row: deviation(row[1]),
            **{f"seeds for {size_in_points(size)}": seeds_for(size) for size in SIZES},
            "for the observed": lambda row: needed(row[1], row[1].mean),
        },
    )


def costs(arms: Sequence[ArmSummary]) -> Table:
    """Returns time, memory and size of each arm, as far as they were recorded."""
    baseline = arms[0].cost.epoch_seconds

    def relative(seconds: float) -> str:
        return f"{seconds / baseline:.2f}" if baseline else NOTHING

    table = tabulate(
        arms,
        {
            "norm": lambda arm: title(arm.norm),
            "time per epoch": lambda arm: optional(arm.cost.epoch_seconds, duration),
            f"{title(arms[0].norm)} = 1": lambda arm: optional(
                arm.cost.epoch_seconds, relative
            ),
            "time per step": lambda arm: optional(arm.cost.step_seconds, duration),
            "memory": lambda arm: optional(arm.cost.memory_bytes, memory),
            "to compile": lambda arm: optional(arm.cost.compile_seconds, duration),
            "parameters": lambda arm: optional(arm.cost.parameters, "{:,}".format),
        },
    )
    recorded = [set(column) != {NOTHING} for column in zip(*table.rows, strict=True)]

    def kept(row: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(compress(row, recorded))

    return Table(kept(table.columns), tuple(map(kept, table.rows)))


def every_run(runs: Sequence[Run], arms: Sequence[ArmSummary]) -> Table:
    """Returns the test accuracy of every run, or how else it ended."""
    by_name = {(run.norm, run.seed): run for run in runs}

    def cell(norm: str, seed: int) -> str:
        run = by_name.get((norm, seed))
        if run is None:
            return "not started"
        if run.flaw:
            return "left out"
        return points(run.end["test_accuracy"]) if run.completed else run.status

    return Table(
        columns=("seed", *(title(arm.norm) for arm in arms)),
        rows=tuple(
            (str(seed), *(cell(arm.norm, seed) for arm in arms))
            for seed in sorted({run.seed for run in runs})
        ),
    )


def published(
    reference: Sequence[Mapping[str, Any]], arms: Sequence[ArmSummary]
) -> Table:
    """Returns published accuracies, and what the same arms reach here."""
    here = {arm.norm: arm.accuracy for arm in arms}

    def row(entry: Mapping[str, Any]) -> tuple[str, ...]:
        sample, accuracy = here.get(entry["arm"]), entry["accuracy"]
        return (
            title(entry["arm"]),
            points(accuracy),
            optional(sample, mean),
            optional(sample, lambda ours: signed(ours.mean - accuracy)),
            entry.get("source") or NOTHING,
            entry.get("note") or NOTHING,
        )

    columns = ("norm", "published (%)", "here (%)", "difference", "source", "note")
    return Table(columns, tuple(map(row, reference)), prose=2)


def gains(summaries: Mapping[str, ActivationSummary]) -> Table:
    """Returns the change of the size of channels by each norm."""
    return tabulate(
        summaries.items(),
        {
            "norm": lambda row: title(row[0]),
            "median gain": lambda row: optional(row[1].median_gain, "{:.3g}".format),
            "channels suppressed": lambda row: optional(
                row[1].suppressed, "{:.1%}".format
            ),
            "channels silent": lambda row: f"{row[1].silent:.1%}",
        },
    )
