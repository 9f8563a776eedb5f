"""How images are divided: once and for all, the same for every run."""

import numpy as np

# The share of the training images that learning curves are measured on. They are not
# trained on, and the test images are looked at once, after the last epoch.
VALIDATION_SHARE = 0.1
_TEST_PARTS = 5  # one in so many becomes a test image, where none are given
_SPLIT_SEED = 20121203  # part of the protocol: the split never depends on a run's seed


def random() -> np.random.Generator:
    """Returns the random numbers of the split, from the first."""
    return np.random.default_rng(_SPLIT_SEED)


def hold_out_test(order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the indices of the other images, and of the test images."""
    size = max(1, len(order) // _TEST_PARTS)
    return order[size:], order[:size]


def hold_out_validation(order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the indices of the training images, and of the validation images."""
    size = max(1, round(VALIDATION_SHARE * len(order)))
    return order[size:], order[:size]
