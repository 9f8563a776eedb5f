"""A max pooling with a fast gradient on CPU.

It takes the place of ``flax.linen.max_pool``. Values and gradients are the same; what
differs is the program that XLA gets for a CPU.

XLA:CPU computes the gradient of its own by way of the indices of all maxima, one array
of them for each axis, and a scatter. Here each element of the image collects from the
few windows that cover it. What is given up: derivatives in forward mode.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from .spatial import Pair, paddings, pair


def max_pool(
    inputs: Array,
    window_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    padding: str | Sequence[Pair] = "VALID",
) -> Array:
    """Pools as ``flax.linen.max_pool`` does.

    Of equal elements in a window the first gets the gradient, as there. There is no
    derivative in forward mode.

    Args:
      inputs: Images (batch, height, width, channels) of floating numbers. Others are
        left to that function.
      window_shape: Height and width of the window.
      strides: A stride for each of the two; 1 if not given.
      padding: The name of a padding, or a pair for each of the two.

    Returns:
      An array.
    """
    if inputs.ndim != 4 or not jnp.issubdtype(inputs.dtype, jnp.floating):
        plain: Any = nn.max_pool  # whose padding is declared as a string
        return plain(inputs, window_shape, strides, padding)
    size, strides = pair(window_shape), pair(strides or (1, 1))
    both = paddings(padding, inputs.shape[1:3], size, strides)
    return _max_pool(inputs, _Windows(size, strides, both))


@dataclass(frozen=True)
class _Windows:
    size: Pair
    strides: Pair
    padding: tuple[Pair, Pair]

    @property
    def places(self) -> list[Pair]:
        """Where an element can be in a window, row by row."""
        return [(i, j) for i in range(self.size[0]) for j in range(self.size[1])]


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def _max_pool(x: Array, windows: _Windows) -> Array:
    return _max_pool_forward(x, windows)[0]


def _max_pool_forward(x: Array, windows: _Windows) -> tuple[Array, tuple[Array, Array]]:
    padding = [(0, 0), *windows.padding, (0, 0)]
    padded = jnp.pad(x, padding, constant_values=-jnp.inf)
    y = lax.platform_dependent(
        padded,
        cpu=lambda x: reduce(jnp.maximum, _views(x, windows)),
        default=lambda x: nn.max_pool(x, windows.size, windows.strides),
    )
    return y, (padded, y)


def _max_pool_backward(
    windows: _Windows, residuals: tuple[Array, Array], g: Array
) -> tuple[Array]:
    (top, bottom), (left, right) = windows.padding

    def plainly(padded: Array, y: Array, g: Array) -> Array:
        del y
        pool = partial(nn.max_pool, window_shape=windows.size, strides=windows.strides)
        (gradient,) = jax.vjp(pool, padded)[1](g)
        _, height, width, _ = padded.shape
        return gradient[:, top : height - bottom, left : width - right]

    collect = partial(_collect, windows=windows)
    return (lax.platform_dependent(*residuals, g, cpu=collect, default=plainly),)


_max_pool.defvjp(_max_pool_forward, _max_pool_backward)


def _views(padded: Array, windows: _Windows) -> list[Array]:
    """Returns, for each place in a window, what all windows have there."""
    _, height, width, _ = padded.shape
    bottom, right = height - windows.size[0] + 1, width - windows.size[1] + 1
    down, across = windows.strides
    return [
        padded[:, i : i + bottom : down, j : j + right : across]
        for i, j in windows.places
    ]


@dataclass(frozen=True)
class _Steps:
    """An axis of an image in steps of a stride, and the windows that meet each step.

    What is true of the elements of one step, each at its place in the windows that
    reach it, is true of those of the next step and the next windows.
    """

    first: int
    count: int
    reach: int
    """The number of windows that start before a step and reach into it."""
    missing: int
    """The number of steps after the last window's."""

    @classmethod
    def along(cls, axis: int, length: int, count: int, windows: _Windows) -> "_Steps":
        """Returns the steps of a padded axis with `count` windows."""
        stride, (before, after) = windows.strides[axis], windows.padding[axis]
        first, end = before // stride, -(-(length - after) // stride)
        reach = (windows.size[axis] - 1) // stride
        return cls(first, end - first, reach, max(0, end - count))

    def windows(self, back: int) -> slice:
        """Returns the window each step meets, `back` before its own, among padded."""
        start = self.reach + self.first - back
        return slice(start, start + self.count)


def _collect(padded: Array, y: Array, g: Array, windows: _Windows) -> Array:
    """Returns the gradient of the image: what its elements get from their windows."""
    nowhere = len(windows.places)
    place = jnp.full(y.shape, nowhere, np.min_scalar_type(nowhere))
    for number, view in reversed(list(enumerate(_views(padded, windows)))):
        place = jnp.where(view == y, np.asarray(number, place.dtype), place)

    images, height, width, channels = padded.shape
    rows = _Steps.along(0, height, y.shape[1], windows)
    columns = _Steps.along(1, width, y.shape[2], windows)
    around = [(0, 0), *((axis.reach, axis.missing) for axis in (rows, columns)), (0, 0)]
    place = jnp.pad(place, around, constant_values=nowhere)
    g = jnp.pad(g, around)
    # Stored, instead of computed again for each of their uses.
    place, g = lax.optimization_barrier((place, g))

    def collect(row: int, column: int) -> Array:
        """For the elements that are so far into their steps."""
        total = jnp.zeros((images, rows.count, columns.count, channels), g.dtype)
        for number, (i, j) in enumerate(windows.places):
            (up, i), (left, j) = map(divmod, (i, j), windows.strides)
            if (i, j) == (row, column):
                at = (slice(None), rows.windows(up), columns.windows(left))
                total += jnp.where(place[at] == number, g[at], 0)
        return total

    down, across = windows.strides
    gradient = jnp.stack(
        [jnp.stack([collect(i, j) for j in range(across)], 3) for i in range(down)], 2
    ).reshape(images, rows.count * down, columns.count * across, channels)
    top, left = windows.padding[0][0] % down, windows.padding[1][0] % across
    return gradient[
        :,
        top : top + height - sum(windows.padding[0]),
        left : left + width - sum(windows.padding[1]),
    ]
