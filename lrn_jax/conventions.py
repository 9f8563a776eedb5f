"""What others call this operation, as arguments of `lrn`.

Each function takes its source's own parameters, by its own names and with its own
defaults, and returns the keyword arguments of `lrn_jax.lrn` and of the modules
that mean the same: ``lrn(x, **whole_map(a=4.0, b=5.0))``.
"""

from typing import TypedDict


class Arguments(TypedDict):
    """Keyword arguments of `lrn_jax.lrn`."""

    depth_radius: int | tuple[int, int] | None
    bias: float
    alpha: float
    beta: float
    axis: int | tuple[int, ...]


def whole_map(
    *, a: float = 4.0, b: float = 5.0, axis: int | tuple[int, ...] = (1, 2)
) -> Arguments:
    r"""The layer that divides each feature map by its own energy.

    .. math:: y = \frac{x}{\sqrt{a + b \sum_{\text{height, width}} x^2}}

    It is the layer of the introductory article this project started from, which calls
    it local response normalization. It is not the operation of the AlexNet paper: its
    window is the whole map of one channel, not some channels at one position, so it
    is closer to an instance normalization without the mean. Three things in that
    article are wrong: its list of steps multiplies by the factor where its formula
    divides (the formula is what is meant, and what this does); its code takes
    parameters k and n and uses neither; and it credits the formula to the paper on
    batch normalization, where local response normalization is due to Krizhevsky et
    al. 2012, section 3.3.

    Args:
      a: Additive constant, not negative.
      b: Weight of the sum of squares, not negative.
      axis: The spatial axes; the default fits arrays of shape (batch, height, width,
        channels), ``(2, 3)`` those of shape (batch, channels, height, width).

    Returns:
      Keyword arguments of `lrn_jax.lrn`.

    Example:
      >>> import jax.numpy as jnp
      >>> from lrn_jax import conventions, lrn
      >>> x = jnp.ones((1, 3, 3, 8))
      >>> bool(jnp.allclose(lrn(x, **conventions.whole_map()), 1 / (4 + 5 * 9) ** 0.5))
      True
    """
    return {"depth_radius": None, "bias": a, "alpha": b, "beta": 0.5, "axis": axis}
