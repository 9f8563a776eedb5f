"""The table of implementations: every way there is to compute a window sum.

Each is one file, named as its key here, with a function ``window_sum(x, window)``: for
every element of ``x``, the sum of the elements in its window, in ordinary operations of
`jax.lax`. "plain" is "reduce_window" without the primitive: JAX sees its operations.
"""

from collections.abc import Callable
from typing import Literal

from jax import Array, lax

from .._window import Window, split_whole_axes, windowed_axes
from . import doubling, masked_shifts, padded_shifts, reduce_window
from .doubling import Isolate
from .padded_shifts import Each

Implementation = Literal[
    "reduce_window", "doubling", "masked_shifts", "padded_shifts", "plain"
]
IMPLEMENTATIONS: dict[Implementation, Callable[[Array, Window], Array]] = {
    "reduce_window": reduce_window.window_sum,
    "doubling": doubling.window_sum,
    "masked_shifts": masked_shifts.window_sum,
    "padded_shifts": padded_shifts.window_sum,
    "plain": reduce_window.window_sum,
}


def window_sum(
    x: Array,
    window: Window,
    of: Each | None = None,
    *,
    implementation: Implementation,
    anew: bool,
    isolate: Isolate,
) -> Array:
    """Sums `x` over the window around every element, cut off at the borders.

    With `of`, it sums what that makes of each element, which is 0 of 0. Along a whole
    axis all sums are equal: the result has one, and broadcasts. The last two arguments
    are for doubling.
    """
    whole, window = split_whole_axes(window, x.shape)
    if implementation == "padded_shifts" and not whole and windowed_axes(window):
        return padded_shifts.window_sum(x, window, of)
    x = x if of is None else of(x)
    if whole:
        x = lax.expand_dims(lax.reduce_sum(x, axes=whole), whole)
    if implementation == "doubling":
        return doubling.window_sum(x, window, anew=anew, isolate=isolate)
    return IMPLEMENTATIONS[implementation](x, window) if windowed_axes(window) else x
