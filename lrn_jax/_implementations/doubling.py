r"""Window sum by doubling the length of partial sums of one padded copy.

A sum of :math:`2m` elements is two neighbouring sums of :math:`m`,

.. math:: S_{2m}[i] = S_m[i] + S_m[i + m],

and a window of :math:`n` elements is one such sum for each binary digit of :math:`n`,
side by side: a program of about :math:`\log n` operations. Nothing is subtracted: a
large value, an infinity or a NaN stays within the windows it is in.

The array is padded with zeros once, and that copy is stored: a shift that pads by
itself asks for each element whether it is inside, and XLA:CPU makes no vectors of it.
What follows is one kernel, which reads as many elements as the window has. For a long
window, the sums of one length are therefore stored as well: for 33 elements those of 3,
of which 11 make a window.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

from jax import Array, lax

from .._window import Window, windowed_axes

# Makes a function a kernel, whose result is stored; None leaves it to XLA.
Isolate = Callable[..., Any] | None

# The length of a window beyond which it costs less to store sums.
_LONGEST_IN_ONE_KERNEL = 32


def window_sum(
    x: Array,
    window: Window,
    *,
    anew: bool = False,
    isolate: Isolate = None,
) -> Array:
    """Sums `x` over the window around every element, cut off at the borders.

    Without a barrier XLA computes the padding anew in every slice. With another number
    of barriers it is another copy to XLA, in programs where an equal one is summed.
    """
    # A box is the sum along one axis of the sums along another.
    for axis, (before, after) in windowed_axes(window).items():
        size, number = x.shape[axis], before + 1 + after
        edges = [(0, 0, 0)] * x.ndim
        edges[axis] = (before, after, 0)
        padded = lax.pad(x, x.dtype.type(0), edges)
        for _ in range(2 if anew else 1):
            padded = lax.optimization_barrier(padded)
        add = partial(_neighbours, axis=axis)
        if isolate is None or number <= _LONGEST_IN_ONE_KERNEL:
            x = add(padded, number, size=size)
            continue
        length = _length_to_store(number)
        count, rest = divmod(number, length)
        sums = isolate(lambda padded, add=add, m=length: add(padded, m))(padded)
        x = add(sums, count, step=length, size=size)
        if rest:
            start = count * length
            x += add(lax.slice_in_dim(padded, start, None, axis=axis), rest, size=size)
    return x


def _neighbours(
    x: Array, number: int, *, axis: int, step: int = 1, size: int | None = None
) -> Array:
    """Sums, by doubling, `number` elements a step apart, from each element on."""
    cut = partial(lax.slice_in_dim, axis=axis)
    size = x.shape[axis] - (number - 1) * step if size is None else size
    total, start, distance = None, 0, step
    while True:
        if number % 2:
            part = cut(x, start, start + size)
            total = part if total is None else total + part
            start += distance
        number //= 2
        if not number:
            assert total is not None  # the highest digit is 1
            return total
        end = x.shape[axis]
        x = cut(x, 0, end - distance) + cut(x, distance, end)
        distance *= 2


@lru_cache
def _length_to_store(number: int) -> int:
    """Returns the length of sums by which a window takes the fewest additions."""

    def additions(length: int) -> int:
        count, rest = divmod(number, length)
        # A rest is read from another array, which costs about as much as six.
        return length + count + (rest + 6 if rest else 0)

    return min(range(2, number), key=additions)
