"""The table of implementations: every way there is to compute a window sum.

Each is one file, named as its key here, with a function ``window_sum(x, window)`` that
returns, for every element of ``x``, the sum of the elements its window covers: ordinary
functions of ``jax.lax`` operations, which the primitive is lowered to. "plain" is the
sum of "reduce_window" without the primitive: what JAX sees is ordinary operations.
"""

from collections.abc import Callable

import jax
from jax import Array, lax

from .._power import Platform
from .._window import Window, whole_axes, windowed_axes
from . import masked_shifts, padded_slices, reduce_window

IMPLEMENTATIONS: dict[str, Callable[[Array, Window], Array]] = {
    "reduce_window": reduce_window.window_sum,
    "padded_slices": padded_slices.window_sum,
    "masked_shifts": masked_shifts.window_sum,
    "plain": reduce_window.window_sum,
}

# Lengths of windows. Beyond the first, within rows, a pass more costs less than the
# masks; beyond the second XLA:CPU makes two kernels of the shifts; beyond the third an
# operation for each offset costs too much to compile.
_LONGEST_MASKED_WITHIN_ROWS = 7
_LONGEST_MASKED = 15
_LONGEST_SLICED = 33


def choose(
    x: Array,
    window: Window,
    implementation: str | None,
    *,
    platform: Platform,
    isolated: bool,
) -> str:
    """Returns the name of the implementation: the given one, or what was measured.

    On CPU, XLA does not fuse reduce_window with what is before and after it, but does
    fuse slices. `isolated` says that the whole normalization is a program of its own
    there, on one device: then masked shifts, which store nothing, were fastest for a
    short window along one axis; elsewhere slices of a padded copy were. Of elements
    that are narrower in memory, XLA makes scalar loops of masked shifts within rows
    whose size is a power of two. (`python -m benchmarks` compares them.) On other
    platforms nothing was measured, and the definition stands.

    Raises:
      NotImplementedError: If the named implementation cannot do it.
    """
    window = _without(whole_axes(window, x.shape), window)
    if _is_sharded_along(x, window):
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
    longest = max(before + 1 + after for before, after in window)
    if platform != "cpu" or longest > _LONGEST_SLICED:
        return "reduce_window"
    within_rows = window[-1] != (0, 0)
    narrow = x.dtype.itemsize < 4
    if not isolated or len(windowed_axes(window)) > 1 or (within_rows and narrow):
        return "padded_slices"
    longest_masked = _LONGEST_MASKED_WITHIN_ROWS if within_rows else _LONGEST_MASKED
    return "masked_shifts" if longest <= longest_masked else "padded_slices"


def window_sum(
    x: Array, window: Window, *, implementation: str, anew: bool = False
) -> Array:
    """Sums `x` over the window around every element, cut off at the borders.

    With `anew`, XLA does not find an equal sum of padded slices, and store that.
    """
    axes = whole_axes(window, x.shape)
    total, window = x, _without(axes, window)
    if axes:
        # Every element along these axes has the same sum: form it once, for all of
        # them, instead of once for each (a quadratic cost).
        total = lax.expand_dims(lax.reduce_sum(x, axes=axes), axes)
    if windowed_axes(window):
        if anew and implementation == "padded_slices":
            total = padded_slices.window_sum(total, window, barriers=2)
        else:
            total = IMPLEMENTATIONS[implementation](total, window)
    return lax.broadcast_in_dim(total, x.shape, range(x.ndim))


def _without(axes: tuple[int, ...], window: Window) -> Window:
    return tuple((0, 0) if i in axes else pair for i, pair in enumerate(window))


def _is_sharded_along(x: Array, window: Window) -> bool:
    """Whether JAX knows, by explicit sharding, that a windowed axis is in pieces."""
    spec = jax.typeof(x).sharding.spec
    return any(spec[axis] is not None for axis, _ in windowed_axes(window))
