"""The table of implementations: every way there is to compute a window sum.

Each is one file, named as its key here, with one function
``window_sum(x, window)`` that returns, for every element of ``x``, the sum of the
elements its window covers. They are ordinary functions of ``jax.lax`` operations:
derivatives and batching are those of the primitive in ``_window_sum.py``, which calls
them to be lowered.
"""

from collections.abc import Callable

from jax import Array

from .._window import Window, windowed_axes
from . import padded_slices, reduce_window, shifted_pads

IMPLEMENTATIONS: dict[str, Callable[[Array, Window], Array]] = {
    "reduce_window": reduce_window.window_sum,
    "padded_slices": padded_slices.window_sum,
    "shifted_pads": shifted_pads.window_sum,
}


# Lengths of windows. Beyond the first, XLA:CPU no longer makes one kernel of the
# shifts; beyond the second, an operation for each offset costs too much to compile.
_LONGEST_SHIFTED = 9
_LONGEST_SLICED = 33


def default(window: Window, platform: str | None, *, stored: bool) -> str:
    """Returns the name of the implementation for a window, by what was measured.

    On CPU, XLA does not fuse reduce_window with what is before and after it, but does
    fuse slices and pads. Shifted pads, which store nothing, were fastest for a short
    window along a single axis that is not the last one, of an operand that need not be
    stored; elsewhere slices of a padded copy. (`python -m benchmarks` compares them.)
    On other platforms nothing was measured, and the definition stands.
    """
    longest = max(before + 1 + after for before, after in window)
    if platform != "cpu" or longest > _LONGEST_SLICED:
        return "reduce_window"
    shifts_are_cheap = (
        longest <= _LONGEST_SHIFTED
        and len(windowed_axes(window)) == 1  # along a second axis it would be of sums
        and window[-1] == (0, 0)
        and not stored
    )
    return "shifted_pads" if shifts_are_cheap else "padded_slices"
