"""Local response normalization as a `flax.linen` module."""

import flax.linen as nn
from jax import Array
from jax.typing import ArrayLike

from ._lrn import lrn


class LocalResponseNorm(nn.Module):
    """Local response normalization, without parameters: `lrn_jax.lrn` as a layer.

    The formula, the shapes and dtypes, and the errors are those of `lrn_jax.lrn`;
    its arguments are the fields here, with the same defaults.

    Attributes:
      depth_radius: How far the window reaches to either side, not counting the centre;
        a pair ``(before, after)``, or ``None`` for the whole axis.
      bias: Additive constant, not negative (k in the paper; not a learned bias).
      alpha: Weight of the plain sum of squares, not negative.
      beta: Exponent.
      axis: The axis, or axes, the window lies along.
      implementation: A name from `lrn_jax.IMPLEMENTATIONS`, or ``None``.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from flax import linen as nn
      >>> from lrn_jax.linen import LocalResponseNorm
      >>> conv = nn.Conv(96, (11, 11), 4)
      >>> model = nn.Sequential([conv, nn.relu, LocalResponseNorm()])
      >>> x = jnp.ones((1, 64, 64, 3))
      >>> variables = model.init(jax.random.key(0), x)
      >>> model.apply(variables, x).shape
      (1, 16, 16, 96)

    References:
      Krizhevsky, Sutskever, Hinton: ImageNet classification with deep convolutional
      neural networks, NIPS 2012, section 3.3.
    """

    depth_radius: int | tuple[int, int] | None = 2
    bias: ArrayLike = 2.0
    alpha: ArrayLike = 1e-4
    beta: ArrayLike = 0.75
    axis: int | tuple[int, ...] = -1
    implementation: str | None = None

    def __call__(self, x: ArrayLike) -> Array:
        """Normalizes `x`; the result has its shape and dtype."""
        return lrn(
            x,
            depth_radius=self.depth_radius,
            bias=self.bias,
            alpha=self.alpha,
            beta=self.beta,
            axis=self.axis,
            implementation=self.implementation,
        )
