"""Window sum as copies of the array, each shifted by a padding of its own.

Nothing is stored on the way: XLA makes one kernel of the shifts, what is done before
them and what is done after. Where the windowed axis is not the last one, whether a
shift is still inside is asked once for many elements, and the loops stay vectors. The
operand is computed anew in every shift, so it should be no more than a product.
"""

from jax import Array, lax

from .._window import Window, windowed_axes


def window_sum(x: Array, window: Window) -> Array:
    """Sums `x` over the window around every element, cut off at the borders."""
    # A box is the sum along one axis of the sums along another.
    for axis, (before, after) in windowed_axes(window):
        shifts = [shift for shift in range(-after, before + 1) if shift != 0]
        x = sum((_shifted(x, axis, shift) for shift in shifts), start=x)
    return x


def _shifted(x: Array, axis: int, shift: int) -> Array:
    edges = [(0, 0, 0)] * x.ndim
    edges[axis] = (shift, -shift, 0)
    return lax.pad(x, x.dtype.type(0), edges)
