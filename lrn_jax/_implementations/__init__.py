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
from . import reduce_window

IMPLEMENTATIONS: dict[str, Callable[[Array, Window], Array]] = {
    "reduce_window": reduce_window.window_sum,
}

DEFAULT_IMPLEMENTATION = "reduce_window"
