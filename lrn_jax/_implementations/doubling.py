r"""Window sum by doubling the length of partial sums of one padded copy.

A sum of :math:`2m` elements is two neighbouring sums of :math:`m` elements, and a
window of :math:`n` elements is one such sum for each binary digit of :math:`n`, side by
side: a program of about :math:`\log n` operations. Nothing is subtracted: a large
value, an infinity or a NaN stays within the windows it is in.

The array is padded with zeros once, and that copy is stored: a shift that pads by
itself asks for each element whether it is inside, and XLA:CPU makes no vectors of it.
What follows is one kernel, which reads as many elements as the window has. For a long
window, the sums of one length are therefore stored as well: for 33 elements those of 3,
of which 11 make a window.
"""

from functools import partial, reduce
from math import isqrt

from jax import Array, lax

from .._window import Each, Isolate, Window, itself, windowed_axes

# The length of a window beyond which it costs less to store sums.
_LONGEST_IN_ONE_KERNEL = 32


def window_sum(
    x: Array,
    window: Window,
    of: Each = itself,
    *,
    anew: bool = False,
    isolate: Isolate = None,
) -> Array:
    """Sums `x`, or what `of` makes of it, over the window around every element."""
    x = of(x)
    # A box is the sum along one axis of the sums along another.
    for axis, (before, after) in windowed_axes(window).items():
        size, number, length = x.shape[axis], before + 1 + after, 1
        edges = [(0, 0, 0)] * x.ndim
        edges[axis] = (before, after, 0)
        padded = lax.pad(x, x.dtype.type(0), edges)
        # Without a barrier XLA computes the padding anew in every slice. With two it is
        # another copy to XLA, which does not store a sum to use it again for this one.
        for _ in range(2 if anew else 1):
            padded = lax.optimization_barrier(padded)
        sums = padded
        if isolate is not None and number > _LONGEST_IN_ONE_KERNEL:
            lengths = range(2, isqrt(number) + 1)  # none beyond takes fewer additions
            length = min(lengths, key=partial(_additions, number))
            sums = isolate(partial(_neighbours, axis=axis, number=length))(padded)
        count, rest = divmod(number, length)
        x = _neighbours(sums, axis, count, step=length)
        if rest:
            padded = lax.slice_in_dim(padded, count * length, None, axis=axis)
            x = lax.slice_in_dim(x, 0, size, axis=axis)
            x += _neighbours(padded, axis, rest)
    return x


def _neighbours(x: Array, axis: int, number: int, *, step: int = 1) -> Array:
    """Sums, by doubling, `number` elements a step apart, from each element on."""
    cut = partial(lax.slice_in_dim, axis=axis)
    size, start, parts = x.shape[axis] - (number - 1) * step, 0, []
    while True:
        if number % 2:
            parts.append(cut(x, start, start + size))
            start += step
        number //= 2
        if not number:
            return reduce(lax.add, parts)
        x = cut(x, 0, -step) + cut(x, step, None)
        step *= 2


def _additions(number: int, length: int) -> int:
    """Returns how many a window takes if the sums of one length are stored."""
    count, rest = divmod(number, length)
    # A rest is read from another array, which costs about as much as six.
    return length + count + (rest + 6 if rest else 0)
