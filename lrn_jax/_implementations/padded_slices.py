"""Window sum as shifted views of one padded copy.

The array is padded with zeros once. The sum of the slices that start at each offset of
the window is a single kernel of plain vector loads, which XLA fuses with what is done
to the result. It stores a copy, which pays where the operand is expensive, or where the
windowed axis is the last one: there a shift that pads by itself would have to ask,
element by element, whether it is still inside.
"""

from jax import Array, lax

from .._window import Window, windowed_axes


def window_sum(x: Array, window: Window, *, barriers: int = 1) -> Array:
    """Sums `x` over the window around every element, cut off at the borders.

    Without a barrier XLA computes the padding anew in every slice. With another number
    of barriers it is another copy to XLA, in programs where an equal one is summed.
    """
    # A box is the sum along one axis of the sums along another.
    for axis, (before, after) in windowed_axes(window):
        size = x.shape[axis]
        edges = [(0, 0, 0)] * x.ndim
        edges[axis] = (before, after, 0)
        padded = lax.pad(x, x.dtype.type(0), edges)
        for _ in range(barriers):
            padded = lax.optimization_barrier(padded)
        x = lax.slice_in_dim(padded, 0, size, axis=axis)
        for start in range(1, before + 1 + after):
            x += lax.slice_in_dim(padded, start, start + size, axis=axis)
    return x
