"""The table of implementations: every way there is to compute a window sum.

Each is one file, named as its key here, with a function ``window_sum(x, window, of)``:
for every element of ``x``, the sum of what ``of`` makes of the elements in its window,
in ordinary operations of `jax.lax`. "plain" is "reduce_window" without the primitive:
JAX sees its operations.
"""

from collections.abc import Callable
from typing import Literal

from jax import Array, lax

from .._window import Each, Isolate, Window, itself, split_whole_axes, windowed_axes
from . import doubling, masked_shifts, padded_shifts, reduce_window

Implementation = Literal[
    "reduce_window", "doubling", "masked_shifts", "padded_shifts", "plain"
]
IMPLEMENTATIONS: dict[Implementation, Callable[..., Array]] = {
    "reduce_window": reduce_window.window_sum,
    "doubling": doubling.window_sum,
    "masked_shifts": masked_shifts.window_sum,
    "padded_shifts": padded_shifts.window_sum,
    "plain": reduce_window.window_sum,
}


def window_sum(
    x: Array,
    window: Window,
    of: Each = itself,
    *,
    implementation: Implementation,
    anew: bool,
    isolate: Isolate,
) -> Array:
    """Sums `x`, or what `of` makes of it, over the window around every element.

    Along a whole axis all sums are equal: the result has one, and broadcasts. `anew` is
    whether XLA is to sum again what it summed before, `isolate` what makes a kernel.
    """
    whole, window = split_whole_axes(window, x.shape)
    if whole:
        x = lax.expand_dims(lax.reduce_sum(of(x), axes=whole), whole)
        of = itself
    if not windowed_axes(window):
        return of(x)
    sum_over = IMPLEMENTATIONS[implementation]
    return sum_over(x, window, of, anew=anew, isolate=isolate)
