"""The norm of an arm, as a network gets it: one module at each place of a norm."""

from collections.abc import Callable

import flax.linen as nn
from jax import Array

Layer = Callable[[Array], Array]

# A network calls it with a name at each place where a norm goes: norm(name="norm1").
Norm = Callable[..., Layer]


class NormLayer(nn.Module):
    """The layers of an arm, at one place of a network.

    Where the collection "intermediates" is mutable, it keeps what went in as "before"
    and what came out as "after".

    Attributes:
      layers: What makes the layers; none for the arm without a norm.
    """

    layers: tuple[Callable[[], Layer], ...]

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Normalizes `x`, images (batch, height, width, channels)."""
        self.sow("intermediates", "before", x)
        for make in self.layers:
            x = make()(x)
        self.sow("intermediates", "after", x)
        return x
