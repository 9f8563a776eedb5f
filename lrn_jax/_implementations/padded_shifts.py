r"""Window sum as shifted views of the array, with zeros where they leave it.

Each view asks, element by element, whether its place is inside. On a GPU that costs
little, and XLA makes one kernel of the views, what is done before them and what is done
after. A derivative can take views too, of all that its neighbours know, and compute
again what they would have stored.
"""

from functools import reduce
from typing import Any

from jax import Array, lax

from .._window import Each, Window, itself, windowed_axes


def window_sum(x: Array, window: Window, of: Each = itself, **_: Any) -> Array:
    """Sums `x`, or what `of` makes of it, over the window around every element."""
    # A box is the sum along one axis of the sums along another.
    for axis, (before, after) in windowed_axes(window).items():
        views = (view(x, axis, shift) for shift in range(-before, after + 1))
        x = reduce(lax.add, map(of, views))
        of = itself
    return x


def view(x: Array, axis: int, shift: int) -> Array:
    """Returns what has at place i the element i + shift of `x`, or 0 outside."""
    edges = [(0, 0, 0)] * x.ndim
    edges[axis] = (-shift, shift, 0)
    return lax.pad(x, x.dtype.type(0), edges)
