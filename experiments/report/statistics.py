"""What the runs of an ablation say together: means, intervals, tests, seeds needed.

Differences are paired: a seed decides initial weights, the order of the images and
dropout in every arm alike, so what it does to both arms cancels. Everything random here
has a fixed state: the same accuracies give the same report.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from ..config.significance import SIGNIFICANCE, fewest_seeds, smallest_p_value
from ..metrics import Run

CONFIDENCE = 0.95
POWER = 0.8
MOST_SEEDS = 1000
"""The search for the number of seeds needed ends here."""

_MOST_EXACT_PAIRS = 14
_RANDOM_FLIPS = 99_999
_MOST_SIMULATED_PAIRS = 12
_SIMULATIONS = 1_000
# Accuracies are shares of far fewer images than that: differences which are closer than
# this are equal, and differ in rounding alone.
_RESOLUTION = 1e-9


@dataclass(frozen=True)
class Interval:
    """Where a mean lies, with 95% confidence."""

    low: float
    high: float


@dataclass(frozen=True)
class Sample:
    """Independent values, summed up."""

    mean: float
    deviation: float | None
    """Standard deviation of the values (n - 1 below); None for a single one."""
    interval: Interval | None
    """Student's, for the mean; None for a single value, and where all are equal: an
    interval of no width would claim a certainty that a handful of values do not give.
    """


@dataclass(frozen=True)
class Difference:
    """Accuracy of an arm less the baseline's, seed by seed."""

    by_seed: Mapping[int, float]
    """Only the seeds that completed in both arms."""
    mean: float
    deviation: float | None
    """Standard deviation of the differences; None for a single pair."""
    interval: Interval | None
    """For the mean, as a sample's; not widened for the number of arms."""
    p_value: float
    """Of the sign-flip test, see `sign_flip_p_value`; not corrected."""
    corrected_p_value: float
    """By Holm's method, over all arms that are compared with the baseline."""
    smallest_p_value: float
    """Which the corrected one could not go below with these numbers of pairs."""
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
        """Returns `seeds_needed` for differences that vary like these."""
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
class Arm:
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
    if np.ptp(values) >= _RESOLUTION:
        half_width = float(
            stats.sem(values) * stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)
        )
        interval = Interval(mean - half_width, mean + half_width)
    return Sample(mean, float(np.std(values, ddof=1)), interval)


def sign_flip_p_value(differences: Sequence[float]) -> float:
    """Returns how often random signs give a mean at least as far from 0, two-sided.

    If the norm made no difference, each difference could as well have had the other
    sign. Of up to 14 pairs every combination of signs is tried, of more 99,999 random
    ones.
    """
    pairs = len(differences)
    if pairs == 1:  # scipy asks for two
        return smallest_p_value(1)
    return float(
        stats.permutation_test(
            # Whole numbers, whose sums are exact: equal means are equal to the bit.
            (np.rint(np.asarray(differences) / _RESOLUTION),),
            np.sum,
            permutation_type="samples",
            n_resamples=2**pairs if pairs <= _MOST_EXACT_PAIRS else _RANDOM_FLIPS,
            vectorized=True,
            rng=np.random.default_rng(0),
        ).pvalue
    )


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


def _power(pairs: int, effect: float, significance: float) -> float:
    """Returns how often the sign-flip test rejects, of normal differences.

    Args:
      pairs: Number of differences.
      effect: Their mean, as a multiple of their standard deviation.
      significance: The level of the test.
    """
    if pairs <= _MOST_SIMULATED_PAIRS:
        shape = _SIMULATIONS, pairs
        differences = np.random.default_rng(0).normal(effect, 1, shape)
        # All combinations of signs, of which opposite ones are equally far from 0.
        combinations = np.arange(2 ** (pairs - 1))[:, None]
        signs = 1 - 2 * (combinations >> np.arange(pairs) & 1)
        sums = np.abs(differences @ signs.T)
        p_values = np.mean(sums >= sums[:, :1] - _RESOLUTION, axis=1)
        return float(np.mean(p_values <= significance))
    # With so many pairs, the power of the paired t-test is the same.
    quantile = stats.t.ppf(1 - significance / 2, pairs - 1)
    noncentrality = np.sqrt(pairs) * effect
    # The wrong tail is not a number where it is too small for scipy.
    wrong = np.nan_to_num(stats.nct.cdf(-quantile, pairs - 1, noncentrality))
    return float(stats.nct.sf(quantile, pairs - 1, noncentrality) + wrong)


def seeds_needed(size: float, deviation: float, comparisons: int) -> int | None:
    """Returns how many seeds show a true difference with 80% power.

    The power is that of the sign-flip test, for differences that are normal with this
    standard deviation, at the level that Holm's method asks of the smallest p-value
    (0.05 / comparisons).

    Args:
      size: The true difference.
      deviation: Standard deviation of the paired differences.
      comparisons: Number of arms that are compared with the baseline.

    Returns:
      The number, or None if it is over 1,000.
    """
    size = abs(size)
    if size < _RESOLUTION:
        return None
    significance = SIGNIFICANCE / comparisons
    seeds = range(2, MOST_SEEDS + 1)
    fewest = fewest_seeds(comparisons)
    if deviation < _RESOLUTION:
        return fewest
    enough = bisect_left(
        seeds,
        True,
        lo=seeds.index(fewest),
        key=lambda pairs: _power(pairs, size / deviation, significance) >= POWER,
    )
    return seeds[enough] if enough < len(seeds) else None


def _cost(completed: Sequence[Run]) -> Cost:
    def median(values: Sequence[Any]) -> float | None:
        recorded = [value for value in values if value is not None]
        return float(np.median(recorded)) if recorded else None

    def of_ends(name: str) -> float | None:
        return median([run.end.get(name) for run in completed])

    parameters = of_ends("parameters")
    return Cost(
        epoch_seconds=median(
            [epoch.train_seconds for run in completed for epoch in run.epochs]
        ),
        step_seconds=of_ends("step_seconds"),
        compile_seconds=of_ends("compile_seconds"),
        memory_bytes=of_ends("memory_bytes"),
        parameters=None if parameters is None else int(parameters),
    )


def _differences(
    by_seed: Mapping[str, Mapping[int, float]],
) -> dict[str, Difference]:
    values: dict[str, list[float]] = {
        norm: list(pairs.values()) for norm, pairs in by_seed.items()
    }
    p_values = [sign_flip_p_value(differences) for differences in values.values()]
    # Holm's method turns lower p-values into lower ones.
    lowest = holm(
        [smallest_p_value(len(differences)) for differences in values.values()]
    )
    return {
        norm: Difference(
            by_seed=by_seed[norm],
            mean=summed_up.mean,
            deviation=summed_up.deviation,
            interval=summed_up.interval,
            p_value=p_value,
            corrected_p_value=corrected,
            smallest_p_value=smallest,
            comparisons=len(by_seed),
        )
        for norm, summed_up, p_value, corrected, smallest in zip(
            values,
            map(sample, values.values()),
            p_values,
            holm(p_values),
            lowest,
            strict=True,
        )
    }


def summarize(runs: Sequence[Run], arms: Sequence[str]) -> list[Arm]:
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
        Arm(
            norm=norm,
            num_runs=len(completed[norm]),
            accuracy=sample(list(accuracy[norm].values())) if completed[norm] else None,
            difference=differences.get(norm),
            cost=_cost(completed[norm]),
        )
        for norm in arms
    ]
