"""The table of implementations: every way there is to compute a window sum.

Each is one file, named as its key here, with one function
``window_sum(x, window)`` that returns, for every element of ``x``, the sum of the
elements its window covers. They are ordinary functions of ``jax.lax`` operations:
derivatives and batching are those of the primitive in ``_window_sum.py``, which calls
them to be lowered.
"""

from collections.abc import Callable

from jax import Array

from .._window import Window
from . import padded_slices, reduce_window, shifted_pads

IMPLEMENTATIONS: dict[str, Callable[[Array, Window], Array]] = {
    "reduce_window": reduce_window.window_sum,
    "padded_slices": padded_slices.window_sum,
    "shifted_pads": shifted_pads.window_sum,
}


# Beyond this, an operation for each offset costs more to compile than it saves.
_LONGEST_UNROLLED = 33


def default(window: Window, platform: str | None, *, stored: bool) -> str:
    """Returns the name of the implementation for a window, by what was measured.

    On CPU, XLA does not fuse reduce_window with what is before and after it, but does
    fuse slices and pads. Slices of a padded copy were fastest where the last axis is
    windowed and where the operand has to be stored, elsewhere shifted pads, which store
    nothing. (`python -m benchmarks` compares them.) On other platforms nothing was
    measured, and the definition stands.
    """
    longest = max(before + 1 + after for before, after in window)
    if platform != "cpu" or longest > _LONGEST_UNROLLED:
        return "reduce_window"
    return "padded_slices" if stored or window[-1] != (0, 0) else "shifted_pads"
