"""What the runs of an ablation say together: means, intervals, paired differences."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from .config import NormName
from .records import Run

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean, and half the width of its interval (None for a single value)."""

    mean: float
    half_width: float | None


@dataclass(frozen=True)
class Arm:
    """The completed runs of one norm."""

    norm: NormName
    num_runs: int
    """Completed ones; the others are named in the report and in nothing else."""
    accuracy: Interval | None
    """Of the test images, between 0 and 1."""
    difference: Interval | None
    """To the baseline's accuracy with the same seed; None for the baseline itself.

    The intervals of all arms hold together with 95% confidence.
    """
    epoch_seconds: float | None
    """Median over all epochs of all runs."""
    parameters: int | None


def interval(values: Sequence[float], comparisons: int = 1) -> Interval:
    """Returns the mean of independent values and Student's interval for it.

    It is widened so that as many such intervals hold together with 95% confidence
    (Bonferroni's correction).
    """
    mean = float(np.mean(values))
    if len(values) < 2:
        return Interval(mean, None)
    spread = float(stats.sem(values))
    outside = (1 - CONFIDENCE) / comparisons
    quantile = float(stats.t.ppf(1 - outside / 2, len(values) - 1))
    return Interval(mean, spread * quantile)


def summarize(runs: Sequence[Run]) -> list[Arm]:
    """Returns one entry for each norm, in the order of the runs; the first is baseline.

    Differences are taken seed by seed, over the seeds that completed in both arms:
    what a seed does to both alike (initial weights, order of the images) cancels.
    """
    norms: list[NormName] = list(dict.fromkeys(run.norm for run in runs))
    accuracy: dict[NormName, dict[int, float]] = {
        norm: {
            run.seed: run.end["test_accuracy"]
            for run in runs
            if run.norm == norm and run.completed
        }
        for norm in norms
    }
    baseline = accuracy[norms[0]]

    def arm(norm: NormName) -> Arm:
        completed = [run for run in runs if run.norm == norm and run.completed]
        seconds = [epoch.train_seconds for run in completed for epoch in run.epochs]
        pairs = sorted(baseline.keys() & accuracy[norm].keys())
        differences = [accuracy[norm][seed] - baseline[seed] for seed in pairs]
        has_difference = norm != norms[0] and differences
        comparisons = len(norms) - 1
        return Arm(
            norm=norm,
            num_runs=len(completed),
            accuracy=interval(list(accuracy[norm].values())) if completed else None,
            difference=interval(differences, comparisons) if has_difference else None,
            epoch_seconds=float(np.median(seconds)) if seconds else None,
            parameters=completed[0].end["parameters"] if completed else None,
        )

    return [arm(norm) for norm in norms]
