"""Window sum as shifted views of the array, with a mask in place of padding.

A view that is shifted lacks something at its end. Padding it would ask, element by
element, whether a place is inside, and with that branch the loop would not be made of
vectors. Here every place is inside: rows are taken at indices that are clipped to the
array, whatever they hold then, and a mask replaces by zero what does not belong to the
window. Nothing is stored, and XLA makes one kernel of the shifts, what is done before
them and what is done after. It pays for short windows: each shift costs a mask.

A long window across rows is made of stored sums of a few rows side by side: one of 33
rows of its middle, of four sums of 4 before it and of four behind it. There are sums
wherever a window reaches, so that those need no mask.
"""

from functools import partial, reduce
from math import prod
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from .._window import Each, Isolate, Window, itself, windowed_axes
from . import reduce_window

# Indices that are outside are clipped.
_take = partial(jnp.take, mode="clip", indices_are_sorted=True)

# The length of a window beyond which it costs less to store sums of rows.
_LONGEST_IN_ONE_KERNEL = 15


def window_sum(
    x: Array,
    window: Window,
    of: Each = itself,
    *,
    isolate: Isolate = None,
    **_: Any,
) -> Array:
    """Sums `x`, or what `of` makes of it, over the window around every element."""
    # A box is the sum along one axis of the sums along another.
    for axis, extents in windowed_axes(window).items():
        if axis < x.ndim - 1:
            x = _sum_across_rows(x, axis, *extents, of, isolate)
        else:
            # The first axis is often a batch, perhaps in pieces on several devices, or
            # of any size. The others count the rows, one behind the other in memory.
            batch, *outer, size = x.shape if x.ndim > 2 else (1, *x.shape)
            rows = lax.reshape(of(x), (batch, prod(outer), size))
            x = lax.reshape(_sum_within_rows(rows, *extents), x.shape)
        of = itself
    return x


def _sum_across_rows(
    x: Array, axis: int, before: int, after: int, of: Each, isolate: Isolate
) -> Array:
    """Sums along an axis that is not the last one: rows, or sums of rows."""
    size, number = x.shape[axis], before + 1 + after
    others = [i for i in range(x.ndim) if i != axis]
    length = number
    if isolate is not None and number > _LONGEST_IN_ONE_KERNEL:
        length = min(range(2, number), key=partial(_additions, before, after))

    def rows(each: Array, at: np.ndarray) -> Array:
        inside = np.expand_dims((at >= 0) & (at < size), others)
        return jnp.where(inside, _take(each, at.astype(np.int32), axis), 0)

    def neighbours(x: Array) -> Array:
        first, each = np.arange(-before, size + after - length + 1), of(x)
        return reduce(lax.add, [rows(each, first + i) for i in range(length)])

    here = np.arange(size)
    total = each = of(x)
    for shift in range(-(before % length), after % length + 1):
        if shift:
            total += rows(each, here + shift)
    if isolate is not None and length < number:
        sums = isolate(neighbours)(x)
        starts = (
            *range(0, before - length + 1, length),
            *range(before + after % length + 1, number, length),
        )
        for start in starts:
            total += lax.slice_in_dim(sums, start, start + size, axis=axis)
    return total


def _additions(before: int, after: int, length: int) -> int:
    """Returns how many a window takes if the sums of one length are stored."""
    return length + sum(divmod(before, length)) + sum(divmod(after, length))


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

    place, total = np.arange(size)[np.newaxis, np.newaxis], shifted(0)
    for shift in [*range(-before, 0), *range(1, after + 1)]:
        inside = (place + shift >= 0) & (place + shift < size)
        total += jnp.where(inside, shifted(shift), 0)
    ends = lax.slice_in_dim(x, 0, num_rows, num_rows - 1, axis=1)
    ends = reduce_window.window_sum(ends, window)
    ends = _take(ends, row // (num_rows - 1), axis=1)
    is_end = (row == 0) | (row == num_rows - 1)
    return jnp.where(is_end[np.newaxis, :, np.newaxis], ends, total)
