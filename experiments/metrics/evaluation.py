"""How a network classifies images, and the spread of the gains of its norms."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

_BINS = 15


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How the images of a part were classified."""

    loss: float
    """Mean cross entropy, in nats."""
    hits: NDArray[np.bool_]
    """Whether each image was classified right, in the order of the part."""
    calibration_error: float
    """Expected calibration error: how far confidence is from accuracy, on average over
    the images, in 15 equally wide bins of confidence (Guo et al., On calibration of
    modern neural networks, ICML 2017, equation 3)."""

    @property
    def accuracy(self) -> float:
        """Share of the images that were classified right."""
        return float(np.mean(self.hits))

    @classmethod
    def of(
        cls,
        loss: NDArray[np.float32],
        hits: NDArray[np.bool_],
        confidence: NDArray[np.floating],
    ) -> Self:
        """Sums up the images of a part, one value each."""
        return cls(
            loss=float(np.mean(loss, dtype=float)),
            hits=hits,
            calibration_error=calibration_error(hits, confidence),
        )


def calibration_error(
    hits: NDArray[np.bool_], confidence: NDArray[np.floating]
) -> float:
    """Returns the expected calibration error, see `Evaluation`.

    Args:
      hits: Whether each image was classified right.
      confidence: Probability of the class it was classified as.
    """
    # A bin holds its upper edge, as in the paper.
    bins = np.clip(np.ceil(confidence.astype(float) * _BINS) - 1, 0, _BINS - 1)
    gaps = np.bincount(bins.astype(int), hits - confidence.astype(float), _BINS)
    return float(np.abs(gaps).sum() / len(hits))


def packed_hits(hits: NDArray[np.bool_]) -> str:
    """Returns hits as text, of eight images in a byte."""
    return base64.b64encode(np.packbits(hits).tobytes()).decode()


def unpacked_hits(text: str, number_of_images: int) -> NDArray[np.bool_]:
    """Returns the hits in a text of `packed_hits`.

    Raises:
      ValueError: If it is the text of another number of images.
    """
    packed = np.frombuffer(base64.b64decode(text, validate=True), np.uint8)
    if len(packed) != -(-number_of_images // 8):
        raise ValueError(
            f"test_hits holds {len(packed)} bytes, not one bit for each of "
            f"{number_of_images} images"
        )
    return np.unpackbits(packed, count=number_of_images).astype(bool)


@dataclass(frozen=True)
class Gains:
    """The gains of a layer, y / x over all elements where x is not 0."""

    low: float
    """5th percentile."""
    median: float
    high: float
    """95th percentile."""

    @property
    def constant(self) -> bool:
        """Whether nine in ten gains lie within a hundredth of the median.

        The layer then did little more than multiply by it.
        """
        return self.high - self.low < 0.01 * abs(self.median)


def gains(
    activations: Mapping[str, tuple[NDArray[np.float32], NDArray[np.float32]]],
) -> dict[str, Gains]:
    """Returns the gains at each place where there are some, and all are finite.

    Args:
      activations: By place, what went into a layer and what came out of it.
    """
    found = {}
    for place, (before, after) in activations.items():
        active = before != 0
        ratios = after[active].astype(float) / before[active]
        if ratios.size and np.isfinite(ratios).all():
            found[place] = Gains(*map(float, np.quantile(ratios, (0.05, 0.5, 0.95))))
    return found
