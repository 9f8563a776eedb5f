r"""Window sum by doubling the length of partial sums of one padded copy.

A sum of :math:`2m` elements is two neighbouring sums of :math:`m`,

.. math:: S_{2m}[i] = S_m[i] + S_m[i + m],

and a window of :math:`n` elements is one such sum for each binary digit of :math:`n`,
side by side. So the number of operations grows with :math:`\log n`. Nothing is
subtracted: a large value, an infinity or a NaN stays within the windows it is in.

The array is padded with zeros once, and that copy is stored: a shift that pads by
itself asks for each element whether it is inside, and XLA:CPU makes no vectors of it.
"""

from functools import partial, reduce

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
        sums = lax.pad(x, x.dtype.type(0), edges)
        for _ in range(barriers):
            sums = lax.optimization_barrier(sums)
        cut = partial(lax.slice_in_dim, axis=axis)
        digits, length, start, parts = before + 1 + after, 1, 0, []
        while digits:
            if digits % 2:
                parts.append(cut(sums, start, start + size))
                start += length
            digits //= 2
            if digits:
                end = sums.shape[axis]
                sums = cut(sums, 0, end - length) + cut(sums, length, end)
                length *= 2
        x = reduce(lax.add, parts)
    return x
