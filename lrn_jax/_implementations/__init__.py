"""The table of implementations: every way there is to compute a window sum.

Each is one file, named as its key here, with a function ``window_sum(x, window)``: for
every element of ``x``, the sum of the elements in its window, in ordinary operations of
`jax.lax`. "plain" is "reduce_window" without the primitive: JAX sees its operations.
"""

from collections.abc import Callable
from typing import Literal

import jax
from jax import Array, lax

from .._power import Platform
from .._window import Window, split_whole_axes, windowed_axes
from . import doubling, masked_shifts, reduce_window
from .doubling import Isolate

Implementation = Literal["reduce_window", "doubling", "masked_shifts", "plain"]
IMPLEMENTATIONS: dict[Implementation, Callable[[Array, Window], Array]] = {
    "reduce_window": reduce_window.window_sum,
    "doubling": doubling.window_sum,
    "masked_shifts": masked_shifts.window_sum,
    "plain": reduce_window.window_sum,
}

# Lengths of windows beyond which a pass more costs less than the masks.
_LONGEST_MASKED_WITHIN_ROWS = 7
_LONGEST_MASKED = 15


def choose(
    x: Array,
    window: Window,
    implementation: Implementation | None,
    *,
    platform: Platform,
    isolated: bool,
) -> Implementation:
    """Returns the given name, or that of the fastest implementation measured on CPU.

    `isolated` says that the whole normalization is a program of its own there, on one
    device: then masked shifts, which store nothing, are fastest for a short window
    along one axis, and doubling elsewhere. (`python -m benchmarks` compares them.)

    Raises:
      NotImplementedError: If the named implementation cannot do it.
    """
    _, rest = split_whole_axes(window, x.shape)
    windowed = windowed_axes(rest)
    sharding = jax.typeof(x).sharding.spec
    if any(sharding[axis] is not None for axis in windowed):
        # With explicit sharding JAX refuses to slice an axis in pieces.
        if implementation not in (None, "reduce_window", "plain"):
            raise NotImplementedError(
                f"`implementation` {implementation!r} cannot sum over an axis with "
                f"explicit sharding, but got {jax.typeof(x)}. Use 'reduce_window' or "
                "None."
            )
        return "reduce_window"
    if implementation is not None or platform != "cpu":
        return implementation or "reduce_window"
    if not isolated or len(windowed) != 1:
        return "doubling"
    ((axis, (before, after)),) = windowed.items()
    within_rows = axis == x.ndim - 1
    longest = _LONGEST_MASKED_WITHIN_ROWS if within_rows else _LONGEST_MASKED
    return "masked_shifts" if before + 1 + after <= longest else "doubling"


def window_sum(
    x: Array,
    window: Window,
    *,
    implementation: Implementation,
    anew: bool,
    isolate: Isolate,
) -> Array:
    """Sums `x` over the window around every element, cut off at the borders.

    Along a whole axis all sums are equal: the result has one, and broadcasts. The
    last two arguments are for doubling.
    """
    whole, window = split_whole_axes(window, x.shape)
    if whole:
        x = lax.expand_dims(lax.reduce_sum(x, axes=whole), whole)
    if implementation == "doubling":
        return doubling.window_sum(x, window, anew=anew, isolate=isolate)
    return IMPLEMENTATIONS[implementation](x, window) if windowed_axes(window) else x
