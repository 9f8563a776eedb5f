"""Window sum as shifted views of the array, with a mask in place of padding.

A view that is shifted lacks something at its end. Padding it would ask, element by
element, whether a place is inside, and with that branch the loop would not be made of
vectors. Here every place is inside: rows are taken at indices that are clipped to the
array, whatever they hold then, and a mask replaces by zero what does not belong to the
window. Nothing is stored, and XLA makes one kernel of the shifts, what is done before
them and what is done after. It pays for short windows: each shift costs a mask.
"""

from math import prod

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from .._window import Window, windowed_axes
from . import reduce_window


def window_sum(x: Array, window: Window) -> Array:
    """Sums `x` over the window around every element, cut off at the borders."""
    # A box is the sum along one axis of the sums along another.
    for axis, extents in windowed_axes(window):
        if axis < x.ndim - 1:
            x = _sum_of_rows(x, axis, *extents)
        else:
            # The first axis is often a batch, perhaps in pieces on several devices, or
            # of any size. The others count the rows, one behind the other in memory.
            batch = x.shape[0] if x.ndim > 2 else 1
            num_rows = prod(x.shape[1:-1] if x.ndim > 2 else x.shape[:-1])
            rows = lax.reshape(x, (batch, num_rows, x.shape[-1]))
            x = lax.reshape(_sum_within_rows(rows, *extents), x.shape)
    return x


def _sum_of_rows(x: Array, axis: int, before: int, after: int) -> Array:
    """Sums along an axis of which every element is a row of elements."""
    places = np.arange(x.shape[axis])
    total = x
    for shift in [*range(-before, 0), *range(1, after + 1)]:
        inside = np.clip(places + shift, 0, places[-1])
        total += _masked(_take(x, inside, axis), inside == places + shift, axis)
    return total


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
    if num_rows < 3:
        return reduce_window.window_sum(x, ((0, 0), (0, 0), (before, after)))
    flat = lax.reshape(x, (batch, num_rows * size))
    inner_rows = num_rows - 2
    # Shifted rows exist for those with two neighbours; the first and the last borrow.
    borrowed = np.clip(np.arange(num_rows) - 1, 0, inner_rows - 1)
    places = np.arange(size)

    def shifted(shift: int) -> Array:
        start = size + shift
        view = lax.slice_in_dim(flat, start, start + inner_rows * size, axis=1)
        return _take(lax.reshape(view, (batch, inner_rows, size)), borrowed, axis=1)

    total = shifted(0)
    for shift in [*range(-before, 0), *range(1, after + 1)]:
        inside = (places + shift >= 0) & (places + shift < size)
        total += _masked(shifted(shift), inside, axis=2)

    ends = lax.slice_in_dim(x, 0, num_rows, num_rows - 1, axis=1)
    ends = reduce_window.window_sum(ends, ((0, 0), (0, 0), (before, after)))
    row = np.arange(num_rows)
    is_end = (row == 0) | (row == num_rows - 1)
    which_end = (row == num_rows - 1).astype(np.int32)
    return jnp.where(
        is_end[np.newaxis, :, np.newaxis], _take(ends, which_end, axis=1), total
    )


def _take(x: Array, indices: np.ndarray, axis: int) -> Array:
    """Returns the slices of `x` at ascending indices, which are inside."""
    return lax.gather(
        x,
        indices.astype(np.int32)[:, np.newaxis],
        lax.GatherDimensionNumbers(
            offset_dims=_other_axes(x, axis),
            collapsed_slice_dims=(axis,),
            start_index_map=(axis,),
        ),
        slice_sizes=tuple(1 if i == axis else n for i, n in enumerate(x.shape)),
        indices_are_sorted=True,
        mode=lax.GatherScatterMode.PROMISE_IN_BOUNDS,
    )


def _masked(x: Array, keep: np.ndarray, axis: int) -> Array:
    """Returns `x`, and 0 at the places along an axis that are not kept."""
    return jnp.where(np.expand_dims(keep, _other_axes(x, axis)), x, 0)


def _other_axes(x: Array, axis: int) -> tuple[int, ...]:
    return tuple(i for i in range(x.ndim) if i != axis)
