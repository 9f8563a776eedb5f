"""Local response normalization as a `flax.nnx` module."""

from flax import nnx
from jax import Array
from jax.typing import ArrayLike

from ._lrn import lrn


class LocalResponseNorm(nnx.Module):
    """Local response normalization, without parameters: `lrn_jax.lrn` as a layer.

    The formula, the shapes and dtypes, and the errors are those of `lrn_jax.lrn`;
    its arguments are the ones here, with the same defaults.

    Args:
      depth_radius: How far the window reaches to either side, not counting the centre;
        a pair ``(before, after)``, or ``None`` for the whole axis.
      bias: Additive constant, not negative (k in the paper; not a learned bias).
      alpha: Weight of the plain sum of squares, not negative.
      beta: Exponent.
      axis: The axis, or axes, the window lies along.
      implementation: A name from `lrn_jax.IMPLEMENTATIONS`, or ``None``.

    Example:
      >>> import jax.numpy as jnp
      >>> from flax import nnx
      >>> from lrn_jax.nnx import LocalResponseNorm
      >>> conv = nnx.Conv(3, 96, (11, 11), 4, rngs=nnx.Rngs(0))
      >>> model = nnx.Sequential(conv, nnx.relu, LocalResponseNorm())
      >>> model(jnp.ones((1, 64, 64, 3))).shape
      (1, 16, 16, 96)

    References:
      Krizhevsky, Sutskever, Hinton: ImageNet classification with deep convolutional
      neural networks, NIPS 2012, section 3.3.
    """

    def __init__(
        self,
        *,
        depth_radius: int | tuple[int, int] | None = 2,
        bias: ArrayLike = 2.0,
        alpha: ArrayLike = 1e-4,
        beta: ArrayLike = 0.75,
        axis: int | tuple[int, ...] = -1,
        implementation: str | None = None,
    ):
        self.depth_radius = depth_radius
        self.bias = bias
        self.alpha = alpha
        self.beta = beta
        self.axis = axis
        self.implementation = implementation

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
