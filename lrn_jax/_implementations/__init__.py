"""The table of implementations: every way there is to compute a window sum.

Each is one file, named as its key here, with a function ``window_sum(x, window)``: for
every element of ``x``, the sum of the elements in its window, in ordinary operations of
`jax.lax`. "plain" is "reduce_window" without the primitive: JAX sees its operations.
"""

from collections.abc import Callable
from typing import Any, Literal

import jax
from jax import Array, lax

from .._power import Platform
from .._window import Window, whole_axes, windowed_axes
from . import doubling, masked_shifts, reduce_window

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
    """Returns the name of the implementation: the given one, or the fastest measured.

    On CPU, XLA fuses slices with what is before and after them, and reduce_window with
    nothing. `isolated` says that the whole normalization is a program of its own there,
    on one device: then masked shifts, which store nothing, are fastest for a short
    window along one axis, and doubling elsewhere. Of elements that are narrower in
    memory, XLA makes scalar loops of masked shifts within rows whose size is a power of
    two. (`python -m benchmarks` compares them.) On other platforms they were not
    compared, and the definition stands.

    Raises:
      NotImplementedError: If the named implementation cannot do it.
    """
    windowed = windowed_axes(_without(whole_axes(window, x.shape), window))
    sharding = jax.typeof(x).sharding.spec
    if any(sharding[axis] is not None for axis, _ in windowed):
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
    if platform != "cpu":
        return "reduce_window"
    if not isolated or len(windowed) != 1:
        return "doubling"
    ((axis, (before, after)),) = windowed
    longest = _LONGEST_MASKED
    if axis == x.ndim - 1:
        size = x.shape[axis]
        scalar = x.dtype.itemsize < 4 and size & (size - 1) == 0
        longest = 0 if scalar else _LONGEST_MASKED_WITHIN_ROWS
    return "masked_shifts" if before + 1 + after <= longest else "doubling"


def window_sum(
    x: Array,
    window: Window,
    *,
    implementation: Implementation,
    anew: bool = False,
    isolate: Callable[..., Any] | None = None,
) -> Array:
    """Sums `x` over the window around every element, cut off at the borders.

    Along a whole axis all sums are equal: the result has one, and broadcasts. With
    `anew`, XLA does not find that an equal sum by doubling exists, and store that.
    `isolate` makes a kernel of a function, on CPU in a program for one device.
    """
    axes = whole_axes(window, x.shape)
    if axes:
        x = lax.expand_dims(lax.reduce_sum(x, axes=axes), axes)
    window = _without(axes, window)
    if not windowed_axes(window):
        return x
    if implementation == "doubling":
        barriers = 2 if anew else 1
        return doubling.window_sum(x, window, barriers=barriers, isolate=isolate)
    return IMPLEMENTATIONS[implementation](x, window)


def _without(axes: tuple[int, ...], window: Window) -> Window:
    return tuple((0, 0) if i in axes else pair for i, pair in enumerate(window))
