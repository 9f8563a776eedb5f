"""An average pooling with a fast gradient on CPU.

It takes the place of ``flax.linen.avg_pool(..., count_include_pad=False)``. Values and
gradients are the same up to rounding; what differs is the program that XLA gets for a
CPU.

XLA:CPU takes long for the gradient of its own, a sum over windows of an array with
holes. Here an axis is cut into steps of a stride, so that a window begins at each step
and nothing is left out; a sum over windows is then one of shifted steps, and so is its
gradient.
"""

from collections.abc import Sequence
from functools import reduce
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import Array, lax

from .spatial import Pair, paddings, pair


def average_pool(
    inputs: Array,
    window_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    padding: str | Sequence[Pair] = "VALID",
) -> Array:
    """Returns the mean of what each window holds of an image, without the padding.

    Args:
      inputs: Images (batch, height, width, channels) of float32. Others are left to
        ``flax.linen.avg_pool``.
      window_shape: Height and width of the window.
      strides: A stride for each of the two; 1 if not given.
      padding: The name of a padding, or a pair for each of the two.

    Returns:
      An array. The mean of a window that holds nothing is not a number.
    """

    def plainly(x: Array) -> Array:
        pool: Any = nn.avg_pool  # whose padding is declared as a string
        return pool(x, window_shape, strides, padding, count_include_pad=False)

    if inputs.ndim != 4 or inputs.dtype != jnp.float32:
        return plainly(inputs)
    size, strides = pair(window_shape), pair(strides or (1, 1))
    both = paddings(padding, inputs.shape[1:3], size, strides)

    def sums(x: Array) -> Array:
        for axis in (0, 1):
            x = _sum(x, axis + 1, size[axis], strides[axis], both[axis])
        return x

    def on_cpu(x: Array) -> Array:
        return sums(x) / sums(jnp.ones((1, *x.shape[1:3], 1), x.dtype))

    return lax.platform_dependent(inputs, cpu=on_cpu, default=plainly)


def _sum(x: Array, axis: int, size: int, stride: int, padding: Pair) -> Array:
    """Sums over windows along an axis."""
    before, after = padding
    count = (before + x.shape[axis] + after - size) // stride + 1
    steps = count + (size - 1) // stride
    around = [(0, 0, 0)] * x.ndim
    around[axis] = (before, steps * stride - before - x.shape[axis], 0)
    x = lax.pad(x, jnp.zeros((), x.dtype), around)
    x = x.reshape(*x.shape[:axis], steps, stride, *x.shape[axis + 1 :])

    def at(place: int) -> Array:
        """Returns the elements of all windows at one place."""
        later, place = divmod(place, stride)
        return x[(*(slice(None),) * axis, slice(later, later + count), place)]

    return reduce(jnp.add, map(at, range(size)))
