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

# Lengths of windows on CPU beyond which a pass more costs less than the masks.
_LONGEST_MASKED_WITHIN_ROWS = 7
_LONGEST_MASKED = 15
# Lengths on GPU beyond which a loop over the window costs less than views, and beyond
# which it costs less to store what neighbours send than to compute it again.
_LONGEST_PADDED = 13
_LONGEST_PADDED_ACROSS_ROWS = 7
_LONGEST_RECOMPUTED = 7


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
    if implementation is not None:
        return implementation
    within_rows = x.ndim - 1 in windowed
    length = max((before + 1 + after for before, after in windowed.values()), default=1)
    if platform == "cpu":
        longest = _LONGEST_MASKED_WITHIN_ROWS if within_rows else _LONGEST_MASKED
        masked = isolated and len(windowed) == 1 and length <= longest
        return "masked_shifts" if masked else "doubling"
    if platform == "gpu":
        across = not within_rows and x.dtype.itemsize >= 4
        longest = _LONGEST_PADDED_ACROSS_ROWS if across else _LONGEST_PADDED
        padded = len(windowed) == 1 and length <= longest
        return "padded_shifts" if padded else "reduce_window"
    return "reduce_window"


def recomputes(implementation: Implementation, window: Window) -> bool:
    """Whether the derivative by x is computed with nothing stored in between.

    Then each element computes what its neighbours send, from views of the operands.
    """
    extents = [*windowed_axes(window).values()]
    short = len(extents) == 1 and sum(extents[0]) < _LONGEST_RECOMPUTED
    return implementation == "padded_shifts" and short


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
