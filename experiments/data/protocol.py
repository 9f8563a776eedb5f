"""How images are divided: the same for every run."""

import numpy as np

# The share of the training images for validation: learning curves are measured on them,
# and nothing is trained on them. The test images are for after the last epoch.
VALIDATION_SHARE = 0.1
_TEST_PARTS = 5  # without test images, every fifth image becomes one
_SPLIT_SEED = 20121203  # part of the protocol: the split never depends on a run's seed


def random() -> np.random.Generator:
    """Returns the generator of the split, at its start."""
    return np.random.default_rng(_SPLIT_SEED)


def hold_out_test(order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the indices of the other images, and of the test images."""
    size = max(1, len(order) // _TEST_PARTS)
    return order[size:], order[:size]


def hold_out_validation(order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the indices of the training images, and of the validation images."""
    size = max(1, round(VALIDATION_SHARE * len(order)))
    return order[size:], order[:size]
