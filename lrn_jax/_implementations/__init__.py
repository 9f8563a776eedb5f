"""The table of implementations: every way there is to compute a window sum.

Each is one file, named as its key here, with a function ``window_sum(x, window)`` that
returns, for every element of ``x``, the sum of the elements its window covers. They are
ordinary functions of ``jax.lax`` operations: derivatives and batching are those of the
primitives that call them to be lowered. An implementation may also bring a kernel of
its own for whole formulas: a function ``launch``.
"""

from collections.abc import Callable
from dataclasses import dataclass

from jax import Array

from .._window import Window, windowed_axes
from . import masked_shifts, padded_slices, pallas_rolls, reduce_window


@dataclass(frozen=True)
class Implementation:
    """One way to compute."""

    window_sum: Callable[[Array, Window], Array]
    """(x, window) -> sums, in operations of `jax.lax`."""
    launch: Callable[..., Array] | None = None
    """(formula, window, platform, hyperparameters, *arrays) -> its value, by a kernel
    that is not XLA's; `window_sum` is left for what no formula is written down for."""


IMPLEMENTATIONS: dict[str, Implementation] = {
    "reduce_window": Implementation(reduce_window.window_sum),
    "padded_slices": Implementation(padded_slices.window_sum),
    "masked_shifts": Implementation(masked_shifts.window_sum),
    "pallas_rolls": Implementation(reduce_window.window_sum, pallas_rolls.launch),
}


# Lengths of windows. Beyond the first, within rows, a pass more costs less than the
# masks; beyond the second XLA:CPU makes two kernels of the shifts; beyond the third an
# operation for each offset costs too much to compile.
_LONGEST_MASKED_WITHIN_ROWS = 7
_LONGEST_MASKED = 15
_LONGEST_SLICED = 33


def default(
    window: Window, *, platform: str | None, isolated: bool, widened: bool
) -> str:
    """Returns the name of the implementation for a window, by what was measured.

    On CPU, XLA does not fuse reduce_window with what is before and after it, but does
    fuse slices. `isolated` says that the whole normalization is a program of its own
    there, on one device: then masked shifts, which store nothing, were fastest for a
    short window along one axis; elsewhere slices of a padded copy were. `widened` says
    that the elements are of a narrower dtype in memory: then XLA makes scalar loops of
    masked shifts within rows whose size is a power of two. (`python -m benchmarks`
    compares them.) On other platforms nothing was measured, and the definition stands.
    """
    longest = max(before + 1 + after for before, after in window)
    if platform != "cpu" or longest > _LONGEST_SLICED:
        return "reduce_window"
    within_rows = window[-1] != (0, 0)
    if not isolated or len(windowed_axes(window)) > 1 or (within_rows and widened):
        return "padded_slices"
    longest_masked = _LONGEST_MASKED_WITHIN_ROWS if within_rows else _LONGEST_MASKED
    return "masked_shifts" if longest <= longest_masked else "padded_slices"
