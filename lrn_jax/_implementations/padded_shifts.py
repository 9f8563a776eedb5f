r"""Window sum as shifted views of the array, with zeros where they leave it.

Each view asks, element by element, whether its place is inside. On a GPU that costs
little, and XLA makes one kernel of the views, what is done before them and what is done
after. A derivative can take views too, of all that its neighbours know, and compute
again what they would have stored.
"""

from collections.abc import Callable
from functools import reduce

from jax import Array, lax

from .._window import Window, windowed_axes

Each = Callable[[Array], Array]


def window_sum(x: Array, window: Window, of: Each | None = None) -> Array:
    """Sums `x` over the window around every element, cut off at the borders.

    With `of`, it sums what that makes of each element, which is 0 of 0.
    """
    # A box is the sum along one axis of the sums along another.
    for axis, (before, after) in windowed_axes(window).items():
        views = (view(x, axis, shift) for shift in range(-before, after + 1))
        x = reduce(lax.add, views if of is None else map(of, views))
        of = None
    return x


def view(x: Array, axis: int, shift: int) -> Array:
    """Returns what has at place i the element i + shift of `x`, or 0 outside."""
    edges = [(0, 0, 0)] * x.ndim
    edges[axis] = (-shift, shift, 0)
    return lax.pad(x, x.dtype.type(0), edges)
