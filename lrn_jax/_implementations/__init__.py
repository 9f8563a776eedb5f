"""The table of implementations: every way there is to compute a window sum.

Each is one file, named as its key here, with a function ``window_sum(x, window)``: for
every element of ``x``, the sum of the elements in its window, in ordinary operations of
`jax.lax`. "plain" is "reduce_window" without the primitive: JAX sees its operations.
"""

from collections.abc import Callable
from math import prod
from typing import Literal, NamedTuple

import jax
from jax import Array, lax

from .._arithmetic import Platform
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
# The same on GPU: up to which nothing is stored backward.
_LONGEST_RECOMPUTED = 7


class _Longest(NamedTuple):
    """Numbers of elements in a window on GPU, up to which something costs less."""

    views: int  # than a loop over the window
    sums_twice: int  # than to store them
    loop: int  # than doubling


# By whether the window lies within rows, and the elements are of 16 bits or less.
_ON_GPU = {
    (True, False): _Longest(13, 24, 100),
    (True, True): _Longest(17, 13, 40),
    (False, False): _Longest(7, 7, 40),
    (False, True): _Longest(13, 7, 40),
}


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
    number, within_rows = _number(rest)
    if len(windowed) != 1 or platform not in ("cpu", "gpu"):
        return "doubling" if platform == "cpu" else "reduce_window"
    if platform == "cpu":
        longest = _LONGEST_MASKED_WITHIN_ROWS if within_rows else _LONGEST_MASKED
        return "masked_shifts" if isolated and number <= longest else "doubling"
    on_gpu = _ON_GPU[within_rows, x.dtype.itemsize < 4]
    if number <= on_gpu.views:
        return "padded_shifts"
    return "reduce_window" if number <= on_gpu.loop else "doubling"


def recomputes(implementation: Implementation, window: Window) -> bool:
    """Whether the derivative by x is computed with nothing stored in between.

    Then each element computes what its neighbours send, from views of the operands.
    """
    short = (
        len(windowed_axes(window)) == 1 and _number(window)[0] <= _LONGEST_RECOMPUTED
    )
    return implementation == "padded_shifts" and short


def stores_sums(x: Array, window: Window, platform: Platform) -> bool:
    """Whether the derivative by x stores the sums that its two kernels need."""
    number, within_rows = _number(window)
    longest = _ON_GPU[within_rows, x.dtype.itemsize < 4].sums_twice
    return platform == "gpu" and number > longest


def _number(window: Window) -> tuple[int, bool]:
    """Returns the number of elements in a window, and whether it is within rows."""
    lengths = [before + 1 + after for before, after in window]
    return prod(lengths), lengths[-1] > 1


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
