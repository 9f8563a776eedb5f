"""Windows: how far each element looks along every axis of its array.

A `Window` has one pair ``(before, after)`` for each axis: element ``i`` sees the
elements ``i - before`` to ``i + after``, both included. An axis with ``(0, 0)`` has no
window. No extent is longer than ``size - 1``, so with two of that length every element
sees the whole axis.
"""

from collections.abc import Callable
from typing import Any

from jax import Array

Extents = tuple[int, int]
Window = tuple[Extents, ...]

# What a window sum is of: a function of each element, which is 0 at 0.
Each = Callable[[Array], Array]

# Makes a function a kernel, whose result is stored; None leaves it to XLA.
Isolate = Callable[..., Any] | None


def itself(x: Array) -> Array:
    """Returns `x`: what a sum of elements is of."""
    return x


def mirrored(window: Window) -> Window:
    """Returns the window in which j sees i wherever i sees j in `window`."""
    return tuple((after, before) for before, after in window)


def windowed_axes(window: Window) -> dict[int, Extents]:
    """Returns the extents of the axes that have a window."""
    return {axis: pair for axis, pair in enumerate(window) if pair != (0, 0)}


def split_whole_axes(
    window: Window, shape: tuple[int, ...]
) -> tuple[list[int], Window]:
    """Returns the axes along which every element sees every other, and the rest."""
    last = [(size - 1, size - 1) for size in shape]
    whole = [axis for axis, pair in windowed_axes(window).items() if pair == last[axis]]
    return whole, tuple((0, 0) if i in whole else pair for i, pair in enumerate(window))
