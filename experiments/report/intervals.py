"""Means and their 95% intervals: over seeds alone, and over seeds and test images.

Each answers another question. Over seeds: where does the mean lie with new seeds, on
the same test images? Over both: where does it lie with new seeds and new images of the
same kind?
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from .sign_flip import RESOLUTION

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


def sample(values: Sequence[float]) -> Sample:
    """Returns the mean of independent values, their spread, and Student's interval."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return Sample(mean, None, None)
    deviation = float(np.std(values, ddof=1))
    interval = None
    if np.ptp(values) >= RESOLUTION:
        half_width = _quantile(len(values) - 1) * deviation / np.sqrt(len(values))
        interval = Interval(mean - half_width, mean + half_width)
    return Sample(mean, deviation, interval)


def _quantile(degrees_of_freedom: float) -> float:
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, degrees_of_freedom))


def over_seeds_and_images(values: ArrayLike) -> Interval | None:
    """Returns an interval for the mean over all seeds and images there could be.

    A value is the sum of the mean, an effect of its seed, an effect of its image, and a
    rest, all of them independent: two-way random effects, without replication. With S
    seeds, I images and the mean squares of the analysis of variance, the variance of
    the mean of all values is

        (MS_seeds + MS_images - MS_rest) / (S I)
        = var_seeds / S + var_images / I - var_rest / (S I),

    of the means by seed, of the means by image, and of the rest. Student's quantile has
    Satterthwaite's degrees of freedom. The interval holds Student's over the seeds
    alone: to count more randomness is never to know more.

    Args:
      values: For each seed (row) and image (column).

    Returns:
      The interval, or None where `sample` of the means by seed has none.
    """
    values = np.asarray(values, dtype=float)
    seeds, images = values.shape
    by_seed, by_image = values.mean(axis=1), values.mean(axis=0)
    over_seeds = sample(by_seed.tolist()).interval
    if over_seeds is None or images < 2:
        return None
    mean = values.mean()
    rest = values - by_seed[:, None] - by_image + mean
    freedom = np.array([seeds - 1, images - 1, (seeds - 1) * (images - 1)])
    squares = np.array(
        [
            images * np.sum((by_seed - mean) ** 2),
            seeds * np.sum((by_image - mean) ** 2),
            np.sum(rest**2),
        ]
    )
    mean_squares = squares / freedom
    total = mean_squares @ [1, 1, -1]
    half_width = (over_seeds.high - over_seeds.low) / 2
    if total > 0:
        satterthwaite = float(total**2 / np.sum(mean_squares**2 / freedom))
        error = float(np.sqrt(total / values.size))
        half_width = max(half_width, _quantile(satterthwaite) * error)
    return Interval(float(mean - half_width), float(mean + half_width))
