"""What the runs of an ablation say together: means, contrasts, differences, cost.

Differences are paired: a seed decides initial weights, the order of the images and
dropout in every arm alike, so what it does to both arms cancels. Contrasts are the
differences that were named before training, and the only ones that are tested:
everything else is exploratory.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..config.contrasts import Contrast as Pair
from ..config.significance import SIGNIFICANCE, smallest_p_value
from ..metrics import Run
from ..metrics.evaluation import unpacked_hits
from .intervals import Interval, Sample, over_seeds_and_images, sample
from .sign_flip import seeds_needed, sign_flip_p_value

PRIMARY = "accuracy"
"""The metric that is tested; the others are secondary."""


def _finite(name: str) -> Callable[[Run], float | None]:
    """Returns the reader of a field of the last line; earlier files may lack it."""

    def read(run: Run) -> float | None:
        value = run.end.get(name)
        return value if value is not None and math.isfinite(value) else None

    return read


def _epochs_to_target(run: Run) -> float | None:
    target = run.start["recipe"].get("target_accuracy")
    if target is None:
        return None
    reached = (each for each in run.epochs if each.validation_accuracy >= target)
    return next((float(epoch.epoch) for epoch in reached), None)


METRICS: Mapping[str, Callable[[Run], float | None]] = {
    PRIMARY: _finite("test_accuracy"),
    "loss": _finite("test_loss"),
    "calibration_error": _finite("test_calibration_error"),
    "epochs_to_target": _epochs_to_target,
}
"""By name, the reader of a metric of a completed run; None where it has none."""


@dataclass(frozen=True)
class Difference(Sample):
    """A metric of an arm less that of another, over the seeds that both completed."""

    arm: str
    other: str
    by_seed: Mapping[int, float]
    p_value: float
    """Of the sign-flip test, see `sign_flip_p_value`; not corrected."""


@dataclass(frozen=True)
class Contrast(Difference):
    """A difference in accuracy that is tested."""

    corrected_p_value: float
    """By Holm's method, over all contrasts."""
    smallest_p_value: float
    """The lowest corrected one that these numbers of pairs can give."""
    comparisons: int
    """Number of contrasts, those without a pair of seeds among them."""
    over_images: Interval | None
    """For the mean, over seeds and test images; None where hits were not recorded."""
    secondary: Mapping[str, Difference]
    """By metric, where every run that is compared here has it."""

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


class Quartiles(NamedTuple):
    """The middle half of some numbers."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, numbers: Sequence[float]) -> "Quartiles | None":
        """Returns the quartiles of numbers, if there are some."""
        if not numbers:
            return None
        return cls(*np.percentile(numbers, (25, 50, 75)).tolist())


@dataclass(frozen=True)
class Cost:
    """What the runs of an arm took: None for what was not recorded.

    Where there is one number, it is the median over the runs.
    """

    epoch_seconds: Quartiles | None
    """Over all epochs of all runs, the training steps alone."""
    step_seconds: Quartiles | None
    """Of the same epochs, each divided by its number of steps."""
    compile_seconds: float | None
    memory_bytes: float | None
    parameters: int | None


@dataclass(frozen=True)
class ArmSummary:
    """The completed runs of one arm."""

    norm: str
    num_runs: int
    """Completed ones; the others are named in the report and in nothing else."""
    values: Mapping[str, Mapping[int, float]]
    """By metric and seed, where a run has the metric."""
    cost: Cost

    def sample(self, metric: str) -> Sample | None:
        """Returns mean and spread of a metric that every run has, if there are runs."""
        values = [*self.values[metric].values()]
        return sample(values) if values and len(values) == self.num_runs else None

    @property
    def accuracy(self) -> Sample | None:
        """Of the test images, between 0 and 1."""
        return self.sample(PRIMARY)


@dataclass(frozen=True)
class Summary:
    """An ablation in numbers."""

    arms: Sequence[ArmSummary]
    """Baseline first."""
    contrasts: Sequence[Contrast]
    missing: Sequence[Pair]
    """Contrasts without a seed that completed in both arms."""
    exploratory: Sequence[Difference]
    """Accuracy of all arms less the baseline's, where that is no contrast."""
    target: float | None
    """Validation accuracy that epochs are counted to."""


def holm(p_values: Sequence[float]) -> list[float]:
    """Returns p-values corrected for their number by Holm's method, in their order.

    Of the differences that are shown, all are there with 95% confidence.
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
    epochs, steps = [], []
    for run in completed:
        seconds = [epoch.train_seconds for epoch in run.epochs]
        epochs += seconds
        # The recorded time of a step is of the median epoch.
        step = run.end.get("step_seconds")
        if step and seconds and (epoch := float(np.median(seconds))) > 0:
            steps += [each * step / epoch for each in seconds]
    return Cost(
        epoch_seconds=Quartiles.of(epochs),
        step_seconds=Quartiles.of(steps),
        compile_seconds=of_ends("compile_seconds"),
        memory_bytes=of_ends("memory_bytes"),
        parameters=None if parameters is None else int(parameters),
    )


def _difference(
    arm: ArmSummary, other: ArmSummary, metric: str = PRIMARY
) -> Difference | None:
    """Returns the difference in a metric, if every pair of runs has it."""
    seeds = sorted(arm.values[PRIMARY].keys() & other.values[PRIMARY].keys())
    ours, theirs = arm.values[metric], other.values[metric]
    if not seeds or not {*seeds} <= ours.keys() & theirs.keys():
        return None
    by_seed = {seed: ours[seed] - theirs[seed] for seed in seeds}
    values = [*by_seed.values()]
    return Difference(
        **vars(sample(values)),
        arm=arm.norm,
        other=other.norm,
        by_seed=by_seed,
        p_value=sign_flip_p_value(values),
    )


def _over_images(
    difference: Difference, runs: Mapping[tuple[str, int], Run]
) -> Interval | None:
    """Returns the interval over seeds and test images, where hits were recorded."""
    hits = [
        [
            unpacked_hits(end["test_hits"], end["test_images"]).astype(float)
            for seed in difference.by_seed
            if "test_hits" in (end := runs[norm, seed].end)
        ]
        for norm in (difference.arm, difference.other)
    ]
    numbers_of_images = {len(each) for of_arm in hits for each in of_arm}
    complete = all(len(of_arm) == len(difference.by_seed) for of_arm in hits)
    if not complete or len(numbers_of_images) > 1:
        return None
    ours, theirs = map(np.array, hits)
    return over_seeds_and_images(ours - theirs)


def _contrasts(
    pairs: Sequence[Pair],
    arms: Mapping[str, ArmSummary],
    runs: Mapping[tuple[str, int], Run],
) -> list[Contrast]:
    """Returns the contrasts that have a pair of seeds, corrected for all of them."""
    found = [_difference(arms[arm], arms[other]) for arm, other in pairs]
    # Those to come count as well, or else they would be tested less and less strictly.
    corrected = holm([1 if each is None else each.p_value for each in found])
    # Holm's method turns lower p-values into lower ones.
    smallest = holm(
        [1 if each is None else smallest_p_value(len(each.by_seed)) for each in found]
    )
    return [
        Contrast(
            **vars(each),
            corrected_p_value=corrected[i],
            smallest_p_value=smallest[i],
            comparisons=len(pairs),
            over_images=_over_images(each, runs),
            secondary={
                metric: difference
                for metric in METRICS
                if metric != PRIMARY
                and (
                    difference := _difference(arms[each.arm], arms[each.other], metric)
                )
            },
        )
        for i, each in enumerate(found)
        if each is not None
    ]


def _arm(norm: str, completed: Sequence[Run]) -> ArmSummary:
    return ArmSummary(
        norm=norm,
        num_runs=len(completed),
        values={
            metric: {
                run.seed: value for run in completed if (value := read(run)) is not None
            }
            for metric, read in METRICS.items()
        },
        cost=_cost(completed),
    )


def summarize(
    runs: Sequence[Run], arms: Sequence[str], pairs: Sequence[Pair]
) -> Summary:
    """Returns what runs say of arms and of contrasts.

    Args:
      runs: One for each arm and seed.
      arms: Their names; the first is the baseline.
      pairs: The contrasts.
    """
    completed = {(run.norm, run.seed): run for run in runs if run.completed}
    by_name = {
        norm: _arm(norm, [run for run in completed.values() if run.norm == norm])
        for norm in arms
    }
    contrasts = _contrasts(pairs, by_name, completed)
    tested = {frozenset((each.arm, each.other)) for each in contrasts}
    return Summary(
        arms=[*by_name.values()],
        contrasts=contrasts,
        missing=[
            (arm, other)
            for arm, other in pairs
            if frozenset((arm, other)) not in tested
        ],
        exploratory=[
            difference
            for norm in arms[1:]
            if frozenset((norm, arms[0])) not in tested
            and (difference := _difference(by_name[norm], by_name[arms[0]]))
        ],
        target=runs[0].start["recipe"].get("target_accuracy"),
    )
