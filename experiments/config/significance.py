"""What a number of seeds can show, whatever the accuracies turn out to be."""

from itertools import count

SIGNIFICANCE = 0.05


def smallest_p_value(pairs: int) -> float:
    """Returns the lowest p of the sign-flip test: all differences have one sign.

    Two of the 2^n combinations of signs are then as far out: this one, and its
    opposite.
    """
    return min(1.0, 2.0 ** (1 - pairs))


def fewest_seeds(comparisons: int) -> int:
    """Returns with how many seeds a difference can be shown at all, if it is large.

    Args:
      comparisons: Number of contrasts. Holm's method multiplies the smallest p-value
        by it.
    """
    return next(
        seeds
        for seeds in count(1)
        if smallest_p_value(seeds) <= SIGNIFICANCE / comparisons
    )
