"""Window sum as shifted views of the array, with a mask in place of padding.

A view that is shifted lacks something at its end. Padding it would ask, element by
element, whether a place is inside, and with that branch the loop would not be made of
vectors. Here every place is inside: rows are taken at indices that are clipped to the
array, whatever they hold then, and a mask replaces by zero what does not belong to the
window. Nothing is stored, and XLA makes one kernel of the shifts, what is done before
them and what is done after. It pays for short windows: each shift costs a mask.
"""

from collections.abc import Callable
from functools import partial
from math import prod

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from .._window import Window, windowed_axes
from . import reduce_window

# Indices that are outside are clipped.
_take = partial(jnp.take, mode="clip", indices_are_sorted=True)


def window_sum(x: Array, window: Window) -> Array:
    """Sums `x` over the window around every element, cut off at the borders."""
    # A box is the sum along one axis of the sums along another.
    for axis, extents in windowed_axes(window).items():
        if axis < x.ndim - 1:
            x = _add_shifted(x, partial(_shifted_rows, x, axis), axis, *extents)
        else:
            # The first axis is often a batch, perhaps in pieces on several devices, or
            # of any size. The others count the rows, one behind the other in memory.
            batch, *outer, size = x.shape if x.ndim > 2 else (1, *x.shape)
            rows = lax.reshape(x, (batch, prod(outer), size))
            x = lax.reshape(_sum_within_rows(rows, *extents), x.shape)
    return x


def _shifted_rows(x: Array, axis: int, shift: int) -> Array:
    return _take(x, np.arange(x.shape[axis], dtype=np.int32) + shift, axis)


def _sum_within_rows(x: Array, before: int, after: int) -> Array:
    """Sums along the last axis of an array (batch, rows, size).

    Rows are one flat array, and a shift by a few elements moves its start. Cut into
    rows again, each has at one end what belongs to its neighbour, which the mask takes
    out. The first and the last row have a neighbour on one side only; those two are
    summed by themselves.
    """
    batch, num_rows, size = x.shape
    if not isinstance(num_rows, int):
        raise NotImplementedError(
            "`implementation` 'masked_shifts' needs all sizes but that of a batch, but "
            f"got an array with {num_rows} rows. Use 'doubling' or None."
        )
    window = ((0, 0), (0, 0), (before, after))
    if num_rows < 3:
        return reduce_window.window_sum(x, window)
    flat = lax.reshape(x, (batch, num_rows * size))
    inner_rows = num_rows - 2
    row = np.arange(num_rows, dtype=np.int32)

    def shifted(shift: int) -> Array:
        # They exist for rows with two neighbours; the first and the last borrow.
        start = size + shift
        view = lax.slice_in_dim(flat, start, start + inner_rows * size, axis=1)
        return _take(lax.reshape(view, (batch, inner_rows, size)), row - 1, axis=1)

    total = _add_shifted(shifted(0), shifted, 2, before, after)
    ends = lax.slice_in_dim(x, 0, num_rows, num_rows - 1, axis=1)
    ends = reduce_window.window_sum(ends, window)
    ends = _take(ends, row // (num_rows - 1), axis=1)
    is_end = (row == 0) | (row == num_rows - 1)
    return jnp.where(is_end[np.newaxis, :, np.newaxis], ends, total)


def _add_shifted(
    total: Array, shifted: Callable[[int], Array], axis: int, before: int, after: int
) -> Array:
    """Adds the views that are shifted along an axis, where what they show is inside."""
    places = np.arange(total.shape[axis])
    others = [i for i in range(total.ndim) if i != axis]
    for shift in [*range(-before, 0), *range(1, after + 1)]:
        inside = (places + shift >= 0) & (places + shift < len(places))
        total += jnp.where(np.expand_dims(inside, others), shifted(shift), 0)
    return total
