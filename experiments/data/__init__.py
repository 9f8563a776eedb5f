"""Data sets: images and labels, split once and for all, the same for every run."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from ..config import DatasetName, Recipe
from . import digits, idx

# The share of the training images that learning curves are measured on. They are not
# trained on, and the test images are looked at once, after the last epoch.
VALIDATION_SHARE = 0.1
_SPLIT_SEED = 20121203  # part of the protocol: the split never depends on a run's seed


@dataclass(frozen=True, eq=False)
class Split:
    """Images (n, height, width, channels) uint8, and labels (n,) int32."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: np.ndarray) -> "Split":
        """Returns the images and labels at `indices`."""
        return Split(self.images[indices], self.labels[indices])


@dataclass(frozen=True, eq=False)
class Dataset:
    """Three parts without a common image, the value of white, and how many classes."""

    name: DatasetName
    train: Split
    validation: Split
    test: Split
    white: int
    num_classes: int


@cache
def _load(name: DatasetName, data_dir: Path | None) -> Dataset:
    random = np.random.default_rng(_SPLIT_SEED)
    if name == "digits":
        everything = Split(*digits.load())
        order = random.permutation(len(everything))
        test_size = len(everything) // 5
        test = everything.take(order[:test_size])
        rest = everything.take(order[test_size:])
        white = digits.WHITE
    else:
        assert data_dir is not None  # checked by Recipe
        rest = Split(*idx.load(data_dir, "train"))
        test = Split(*idx.load(data_dir, "t10k"))
        order = random.permutation(len(rest))
        rest = rest.take(order)
        white = 255
    validation_size = max(1, round(VALIDATION_SHARE * len(rest)))
    indices = np.arange(len(rest))
    return Dataset(
        name=name,
        train=rest.take(indices[validation_size:]),
        validation=rest.take(indices[:validation_size]),
        test=test,
        white=white,
        num_classes=10,
    )


def load(recipe: Recipe) -> Dataset:
    """Returns the data set of a recipe; the second call costs nothing.

    Raises:
      DataError: If a file is missing, damaged, or not what it should be.
    """
    return _load(recipe.dataset, recipe.data_dir)
