"""What a norm layer does to real activations: a feature map, energies, gains.

The energy of a channel in an image is the mean of its squares over height and width.
Its gain is how the layer changed its root mean square: the square root of the energy
after the layer divided by the energy before it. It is a ratio of sizes, and says
nothing of a shift, such as the one BatchNorm makes. A channel without any energy before
the layer is silent in that image and has no gain.

A channel is suppressed in an image if its gain there is below half of the median gain
over all channels and images of the batch that have one. A layer that multiplies
everything by the same number suppresses nothing, however small the number is; a layer
with competition suppresses the channels that lose.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

SHOWN_CHANNELS = 6
_SUPPRESSED_BELOW = 0.5
_BINS = 24


@dataclass(frozen=True, eq=False)
class ActivationSummary:
    """Energies of a batch before and after a norm layer, and maps of one image."""

    channels: NDArray[np.int32]
    """Numbers of the channels whose maps are kept, strongest first: see `summarize`."""
    maps_before: NDArray[np.float32]
    """Of the first image: (channels kept, height, width)."""
    maps_after: NDArray[np.float32]
    energy_before: NDArray[np.float32]
    """(images, channels)."""
    energy_after: NDArray[np.float32]

    @property
    def silent(self) -> float:
        """The share of channels, over all images, without any energy before."""
        return float(np.mean(self.energy_before == 0))

    @property
    def gains(self) -> NDArray[np.float64]:
        """The gain of every channel in every image where it is not silent, flat."""
        before = self.energy_before.astype(np.float64)
        active = before > 0
        return np.sqrt(self.energy_after[active] / before[active])

    @property
    def median_gain(self) -> float | None:
        """The median gain; None if every channel is silent."""
        gains = self.gains
        return float(np.median(gains)) if gains.size else None

    @property
    def suppressed(self) -> float | None:
        """The share of gains below half of the median; None if there are none."""
        gains = self.gains
        if not gains.size:
            return None
        return float(np.mean(gains < _SUPPRESSED_BELOW * np.median(gains)))

    @property
    def constant(self) -> float | None:
        """The median gain, where all others are about the same; else None.

        The layer then did little more than multiply by it: of the gains, nine in ten
        lie within a hundredth of the median from one another.
        """
        if not self.median_gain:
            return None
        low, high = np.quantile(self.gains, (0.05, 0.95))
        return self.median_gain if high - low < 0.01 * self.median_gain else None

    def energy_histogram(
        self,
    ) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
        """Returns edges of bins, and how many energies lie in each before and after.

        The bins are equally wide on a logarithmic scale and the same for both. Energies
        of 0 have no place on it and are left out.
        """
        positive = [
            energy[energy > 0].astype(np.float64)
            for energy in (self.energy_before, self.energy_after)
        ]
        logarithms = np.log10(np.concatenate(positive))
        if not logarithms.size:
            logarithms = np.zeros(1)
        edges = np.histogram_bin_edges(logarithms, _BINS)
        before, after = (np.histogram(np.log10(each), edges)[0] for each in positive)
        return 10**edges, before, after


def _checked(name: str, activations: ArrayLike) -> NDArray[np.float32]:
    array = np.asarray(activations, dtype=np.float32)
    if array.ndim != 4 or not array.size:
        raise ValueError(
            f"`{name}` must have the shape (batch, height, width, channels) and hold "
            f"something, but its shape is {array.shape}."
        )
    if not np.isfinite(array).all():
        raise ValueError(
            f"`{name}` must be finite, but holds infinities or NaN: the network it "
            "comes from has diverged."
        )
    return array


def _energy(activations: NDArray[np.float32]) -> NDArray[np.float32]:
    squares = np.square(activations, dtype=np.float64)
    return squares.mean(axis=(1, 2)).astype(np.float32)


def summarize(before: ArrayLike, after: ArrayLike) -> ActivationSummary:
    """Returns the summary of a batch of activations before and after a norm layer.

    It keeps feature maps of the first image, of up to six channels. They are ranked by
    energy before the layer, and taken in equal steps of rank, from the highest energy
    to the lowest that is not zero.

    Args:
      before: The layer's input, (batch, height, width, channels).
      after: Its output, of the same shape.

    Raises:
      ValueError: If a shape is another, or a value is not finite.
    """
    before, after = _checked("before", before), _checked("after", after)
    if before.shape != after.shape:
        raise ValueError(
            f"`after` must have the shape of `before`, {before.shape}, but its shape "
            f"is {after.shape}."
        )
    energy = _energy(before)
    strongest_first = np.argsort(-energy[0], kind="stable")
    active = max(1, np.count_nonzero(energy[0]))
    ranks = np.linspace(0, active - 1, min(SHOWN_CHANNELS, active))
    channels = strongest_first[ranks.round().astype(int)]
    return ActivationSummary(
        channels=channels.astype(np.int32),
        maps_before=np.moveaxis(before[0][..., channels], -1, 0),
        maps_after=np.moveaxis(after[0][..., channels], -1, 0),
        energy_before=energy,
        energy_after=_energy(after),
    )
