"""The tables of a report."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import compress
from typing import Any

import numpy as np

from ..config.arms import contrast_title, title
from ..metrics import Run
from ..metrics.activation_summary import ActivationSummary
from .formatting import (
    NOTHING,
    decimals,
    deviation,
    duration,
    durations,
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
from .statistics import PRIMARY, ArmSummary, Contrast, Difference, Quartiles, Summary
from .table import Table, tabulate

SIZES = (0.005, 0.01)
"""Differences worth knowing the number of seeds for: half a point, and one."""


_TO_TARGET = "epochs_to_target"


def _metrics(summary: Summary) -> dict[str, tuple[str, Callable[..., str]]]:
    """Returns the heading of each secondary metric, and what writes its values."""
    metrics = {
        "loss": ("test loss", decimals),
        "calibration_error": ("calibration error (%)", points),
    }
    if summary.target is not None:
        to_target = f"epochs to {100 * summary.target:g}%"
        metrics[_TO_TARGET] = (to_target, partial(decimals, places=1))
    return {
        metric: entry
        for metric, entry in metrics.items()
        if metric == _TO_TARGET or any(arm.values[metric] for arm in summary.arms)
    }


def _value(arm: ArmSummary, metric: str, write: Callable[..., str]) -> str:
    """Returns the mean of a metric, or how many runs reached the target if not all."""
    sample = arm.sample(metric)
    if sample is None and arm.num_runs and metric == _TO_TARGET:
        return f"{len(arm.values[metric])} of {arm.num_runs}"
    return optional(sample, lambda values: mean(values, write))


def summary(runs: Sequence[Run], summary: Summary) -> Table:
    """Returns the metrics of each arm."""

    def column(metric: str, write: Callable[..., str]) -> Callable[[ArmSummary], str]:
        return lambda arm: _value(arm, metric, write)

    return tabulate(
        summary.arms,
        {
            "norm": lambda arm: title(arm.norm),
            "test accuracy (%)": column(PRIMARY, points),
            "sd": lambda arm: optional(arm.accuracy, deviation),
            **{
                heading: column(metric, write)
                for metric, (heading, write) in _metrics(summary).items()
            },
            "runs": lambda arm: (
                f"{arm.num_runs} of {sum(run.norm == arm.norm for run in runs)}"
            ),
        },
    )


def name(difference: Difference) -> str:
    """Returns the title of a difference."""
    return contrast_title(difference.arm, difference.other)


def contrasts(summary: Summary) -> Table:
    """Returns the differences that are tested."""
    rows = tabulate(
        summary.contrasts,
        {
            "contrast": name,
            "points": lambda each: signed(each.mean),
            "95% over seeds": lambda each: optional(each.interval, interval),
            "over seeds and images": lambda each: optional(each.over_images, interval),
            "p": lambda each: p_value(each.p_value),
            "p (Holm)": lambda each: p_value(each.corrected_p_value),
            "seeds": lambda each: str(len(each.by_seed)),
        },
    )
    nothing = [NOTHING] * (len(rows.columns) - 2)
    missing = [(contrast_title(*each), *nothing, "0") for each in summary.missing]
    return replace(rows, rows=(*rows.rows, *missing))


def secondary(summary: Summary, contrast: Contrast) -> Table:
    """Returns the differences of a contrast in all metrics but accuracy."""
    arms = {arm.norm: arm for arm in summary.arms}

    def of(arm: str, metric: str, write: Callable[..., str]) -> str:
        values = arms[arm].values[metric]
        found = [values[seed] for seed in contrast.by_seed if seed in values]
        if len(found) == len(contrast.by_seed):
            return write(float(np.mean(found)))
        return f"{len(found)} of {len(contrast.by_seed)}"

    def row(metric: str, heading: str, write: Callable[..., str]) -> tuple[str, ...]:
        found = contrast.secondary.get(metric)
        return (
            heading,
            of(contrast.arm, metric, write),
            of(contrast.other, metric, write),
            optional(found, lambda each: write(each.mean, sign="+")),
            NOTHING
            if found is None
            else optional(found.interval, lambda ends: interval(ends, write)),
            optional(found, lambda each: p_value(each.p_value)),
        )

    return Table(
        (
            name(contrast),
            title(contrast.arm),
            title(contrast.other),
            "difference",
            "95% over seeds",
            "p, not corrected",
        ),
        tuple(
            row(metric, *entry)
            for metric, entry in _metrics(summary).items()
            if metric == _TO_TARGET or metric in contrast.secondary
        ),
    )


def exploratory(summary: Summary) -> Table:
    """Returns the differences to the baseline that are not tested."""
    return tabulate(
        summary.exploratory,
        {
            "exploratory": name,
            "points": lambda each: signed(each.mean),
            "95% over seeds": lambda each: optional(each.interval, interval),
            "p, not corrected": lambda each: p_value(each.p_value),
            "seeds": lambda each: str(len(each.by_seed)),
        },
    )


def seeds_needed(summary: Summary) -> Table:
    """Returns what the seeds of each contrast can show, and how many it would take."""

    def needed(contrast: Contrast, size: float) -> str:
        if contrast.deviation is None:
            return NOTHING
        return number_of_seeds(contrast.seeds_needed(size))

    def seeds_for(size: float) -> Callable[[Contrast], str]:
        return lambda contrast: needed(contrast, size)

    return tabulate(
        summary.contrasts,
        {
            "contrast": name,
            "seeds": lambda each: str(len(each.by_seed)),
            "lowest possible p": lambda each: p_value(each.smallest_p_value),
            "sd of differences": deviation,
            **{f"seeds for {size_in_points(size)}": seeds_for(size) for size in SIZES},
            "for the observed": lambda each: needed(each, each.mean),
        },
    )


def costs(arms: Sequence[ArmSummary]) -> Table:
    """Returns time, memory and size of each arm, as far as they were recorded."""
    baseline = arms[0].cost.epoch_seconds

    def relative(seconds: Quartiles) -> str:
        if baseline is None or baseline.median <= 0:
            return NOTHING
        return f"{seconds.median / baseline.median:.2f}"

    table = tabulate(
        arms,
        {
            "norm": lambda arm: title(arm.norm),
            "time per epoch": lambda arm: optional(arm.cost.epoch_seconds, durations),
            f"{title(arms[0].norm)} = 1": lambda arm: optional(
                arm.cost.epoch_seconds, relative
            ),
            "time per step": lambda arm: optional(arm.cost.step_seconds, durations),
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
