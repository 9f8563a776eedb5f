"""What the runs of an ablation say together: means, intervals, differences, cost.

Differences are paired: a seed decides initial weights, the order of the images and
dropout in every arm alike, so what it does to both arms cancels.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from ..config.significance import SIGNIFICANCE, smallest_p_value
from ..metrics import Run
from .sign_flip import RESOLUTION, seeds_needed, sign_flip_p_value

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """Where a mean lies, with 95% confidence."""

    low: float
    high: float


@dataclass(frozen=True)
class Sample:
    """Mean and spread of independent values."""

    mean: float
    deviation: float | None
    """Standard deviation of the values (n - 1 below); None for a single one."""
    interval: Interval | None
    """Student's, for the mean; None for a single value, and where all are equal: an
    interval of no width would claim a certainty that a handful of values do not give.
    """


@dataclass(frozen=True)
class Difference(Sample):
    """Accuracy of an arm less the baseline's, over the seeds."""

    by_seed: Mapping[int, float]
    """Only the seeds that completed in both arms."""
    p_value: float
    """Of the sign-flip test, see `sign_flip_p_value`; not corrected."""
    corrected_p_value: float
    """By Holm's method, over all arms that are compared with the baseline."""
    smallest_p_value: float
    """The lowest corrected one that these numbers of pairs can give."""
    comparisons: int
    """How many arms are compared with the baseline."""

    @property
    def shown(self) -> bool:
        """Whether the corrected test rejects that the arms do equally well."""
        return self.corrected_p_value <= SIGNIFICANCE

    @property
    def can_be_shown(self) -> bool:
        """Whether so few pairs could show a difference at all, however large."""
        return self.smallest_p_value <= SIGNIFICANCE

    def seeds_needed(self, size: float) -> int | None:
        """Returns `sign_flip.seeds_needed` for differences that vary like these."""
        if self.deviation is None:
            return None
        return seeds_needed(size, self.deviation, self.comparisons)


@dataclass(frozen=True)
class Cost:
    """What the runs of an arm took: medians, None for what was not recorded."""

    epoch_seconds: float | None
    """Over all epochs of all runs, the training steps alone."""
    step_seconds: float | None
    compile_seconds: float | None
    memory_bytes: float | None
    parameters: int | None


@dataclass(frozen=True)
class ArmSummary:
    """The completed runs of one arm."""

    norm: str
    num_runs: int
    """Completed ones; the others are named in the report and in nothing else."""
    accuracy: Sample | None
    """Of the test images, between 0 and 1."""
    difference: Difference | None
    """To the baseline; None for the baseline itself, and without a pair of seeds."""
    cost: Cost


def sample(values: Sequence[float]) -> Sample:
    """Returns the mean of independent values, their spread, and Student's interval."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return Sample(mean, None, None)
    interval = None
    if np.ptp(values) >= RESOLUTION:
        student = stats.ttest_1samp(values, 0).confidence_interval(CONFIDENCE)
        interval = Interval(float(student.low), float(student.high))
    return Sample(mean, float(np.std(values, ddof=1)), interval)


def holm(p_values: Sequence[float]) -> list[float]:
    """Returns p-values corrected for their number by Holm's method, in their order.

    Of the arms that are shown to differ, all truly do with 95% confidence.
    """
    ascending = np.argsort(p_values, kind="stable")
    factors = np.arange(len(p_values), 0, -1)
    corrected = np.empty(len(p_values))
    corrected[ascending] = np.minimum(
        1, np.maximum.accumulate(factors * np.asarray(p_values)[ascending])
    )
    return corrected.tolist()


def _cost(completed: Sequence[Run]) -> Cost:
    def median(values: Iterable[Any]) -> float | None:
        recorded = [value for value in values if value is not None]
        return float(np.median(recorded)) if recorded else None

    def of_ends(name: str) -> float | None:
        return median(run.end.get(name) for run in completed)

    parameters = of_ends("parameters")
    return Cost(
        epoch_seconds=median(
            epoch.train_seconds for run in completed for epoch in run.epochs
        ),
        step_seconds=of_ends("step_seconds"),
        compile_seconds=of_ends("compile_seconds"),
        memory_bytes=of_ends("memory_bytes"),
        parameters=None if parameters is None else int(parameters),
    )


def _differences(
    by_seed: Mapping[str, Mapping[int, float]],
) -> dict[str, Difference]:
    values = [list(pairs.values()) for pairs in by_seed.values()]
    p_values = [sign_flip_p_value(differences) for differences in values]
    # Holm's method turns lower p-values into lower ones.
    smallest = holm([smallest_p_value(len(differences)) for differences in values])
    return {
        norm: Difference(
            **vars(sample(values[i])),
            by_seed=pairs,
            p_value=p_values[i],
            corrected_p_value=corrected,
            smallest_p_value=smallest[i],
            comparisons=len(by_seed),
        )
        for i, ((norm, pairs), corrected) in enumerate(
            zip(by_seed.items(), holm(p_values), strict=True)
        )
    }


def summarize(runs: Sequence[Run], arms: Sequence[str]) -> list[ArmSummary]:
    """Returns one entry for each arm, in their order; the first is the baseline.

    Differences are taken seed by seed, over the seeds that completed in both arms.
    """
    completed = {
        norm: [run for run in runs if run.norm == norm and run.completed]
        for norm in arms
    }
    accuracy: dict[str, dict[int, float]] = {
        norm: {run.seed: run.end["test_accuracy"] for run in completed[norm]}
        for norm in arms
    }
    baseline = accuracy[arms[0]]
    by_seed: dict[str, dict[int, float]] = {
        norm: {
            seed: accuracy[norm][seed] - baseline[seed]
            for seed in sorted(baseline.keys() & accuracy[norm].keys())
        }
        for norm in arms[1:]
    }
    differences = _differences(
        {norm: pairs for norm, pairs in by_seed.items() if pairs}
    )
    return [
        ArmSummary(
            norm=norm,
            num_runs=len(completed[norm]),
            accuracy=sample(list(accuracy[norm].values())) if completed[norm] else None,
            difference=differences.get(norm),
            cost=_cost(completed[norm]),
        )
        for norm in arms
    ]
