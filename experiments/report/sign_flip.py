"""The sign-flip test of paired differences, and the seeds that it would take.

If the norm made no difference, each difference could as well have had the other sign.
Random numbers have a fixed seed: the same differences give the same results.
"""

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
from scipy import stats

from ..config.significance import SIGNIFICANCE, fewest_seeds, smallest_p_value

POWER = 0.8
MOST_SEEDS = 1000
"""The search for the number of seeds needed ends here."""
RESOLUTION = 1e-9
"""Differences closer than this are equal: accuracies are shares of far fewer images."""

_MOST_EXACT_PAIRS = 14
_RANDOM_FLIPS = 99_999
_MOST_SIMULATED_PAIRS = 12
_SIMULATIONS = 1_000


def sign_flip_p_value(differences: Sequence[float]) -> float:
    """Returns how often random signs give a mean at least as far from 0, two-sided.

    Of up to 14 pairs every combination of signs is tried, of more 99,999 random ones.
    """
    pairs = len(differences)
    if pairs == 1:  # scipy asks for two
        return smallest_p_value(1)
    return float(
        stats.permutation_test(
            # Whole numbers, whose sums are exact: equal means are equal to the bit.
            (np.rint(np.asarray(differences) / RESOLUTION),),
            np.sum,
            permutation_type="samples",
            n_resamples=2**pairs if pairs <= _MOST_EXACT_PAIRS else _RANDOM_FLIPS,
            vectorized=True,
            rng=np.random.default_rng(0),
        ).pvalue
    )


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
        p_values = np.mean(sums >= sums[:, :1] - RESOLUTION, axis=1)
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
      comparisons: Number of contrasts.

    Returns:
      The number, or None if it is over 1,000.
    """
    size = abs(size)
    if size < RESOLUTION:
        return None
    significance = SIGNIFICANCE / comparisons
    seeds = range(2, MOST_SEEDS + 1)
    fewest = fewest_seeds(comparisons)
    if deviation < RESOLUTION:
        return fewest
    enough = bisect_left(
        seeds,
        True,
        lo=seeds.index(fewest),
        key=lambda pairs: _power(pairs, size / deviation, significance) >= POWER,
    )
    return seeds[enough] if enough < len(seeds) else None
