"""Sentences on a data set that whoever reads results should know."""

from collections.abc import Iterator, Mapping

import numpy as np

from .parts import listed

_COARSEST = 0.005
"""Accuracy that one test image should not exceed: half a point."""


def on_skipped(skipped: Mapping[str, int]) -> Iterator[str]:
    """Says how many files of which class were left out."""
    counts = [f"{name} {count:,}" for name, count in sorted(skipped.items()) if count]
    if counts:
        yield (
            "Files that cannot be used were left out (--skip-damaged): "
            f"{sum(skipped.values()):,}, by class: {listed(counts, 20)}."
        )


def on_parts(
    train: np.ndarray, test: np.ndarray, class_names: tuple[str, ...]
) -> Iterator[str]:
    """Names classes without a training image, and a test that is small.

    Args:
      train: Labels of the training images.
      test: Labels of the test images.
      class_names: By label.
    """
    counts = np.bincount(train, minlength=len(class_names))
    absent = [
        name for name, count in zip(class_names, counts, strict=True) if not count
    ]
    if absent:
        yield f"No training image is left of some classes: {listed(absent, 20)}."
    if 1 / len(test) > _COARSEST:
        yield (
            f"The test has only {len(test):,} images: one of them is "
            f"{100 / len(test):.1f} points of accuracy."
        )
