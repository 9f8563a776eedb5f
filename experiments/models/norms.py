"""The norm of an arm, as a network gets it: one module at each place of a norm."""

from collections.abc import Callable

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

Layer = Callable[[Array], Array]

# A network calls it with a name at each place where a norm goes: norm(name="norm1").
Norm = Callable[..., Layer]

SCALE = "scale"
"""The collection of the factors that `Scaled` measured."""


class NormLayer(nn.Module):
    """The layers of an arm, at one place of a network.

    Where the collection "intermediates" is mutable, it keeps what went in as "before",
    and in "after" what came out of each layer.

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


class Scaled(nn.Module):
    """The control of a layer that multiplies by a gain: y = c x.

    c is the median gain that the layer has on the images of `init`. Where the module is
    initialized, it returns what the layer does, so that the next place is measured
    behind that layer as well.

    Attributes:
      layer: Makes the layer.
    """

    layer: Callable[[], Layer]

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Multiplies `x`, images (batch, height, width, channels)."""
        if self.is_initializing():
            y = self.layer()(x)
            self.variable(SCALE, "factor", lambda: _median_gain(x, y))
            return y
        factor: Array = self.get_variable(SCALE, "factor")
        return x * factor.astype(x.dtype)


def _median_gain(x: Array, y: Array) -> Array:
    """Returns the median of y / x where x is not 0; 1 where it is 0 everywhere."""
    x, y = x.astype(jnp.float32), y.astype(jnp.float32)
    gain = jnp.nanmedian(jnp.where(x == 0, jnp.nan, y / x))
    return jnp.nan_to_num(gain, nan=1.0)
