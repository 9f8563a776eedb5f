"""Windows: how far each element looks along every axis of its array.

A `Window` has one pair ``(before, after)`` for each axis: element ``i`` sees the
elements ``i - before`` to ``i + after``, both included. An axis with ``(0, 0)`` has no
window. No extent is longer than ``size - 1``, so with two of that length every element
sees the whole axis.
"""

from collections.abc import Sequence

Extents = tuple[int, int]
Window = tuple[Extents, ...]


def mirrored(window: Window) -> Window:
    """Returns the window in which j sees i wherever i sees j in `window`."""
    return tuple((after, before) for before, after in window)


def whole_axes(window: Window, shape: Sequence[int]) -> tuple[int, ...]:
    """Returns the axes along which every element sees every other."""
    whole = [(size - 1, size - 1) for size in shape]
    return tuple(axis for axis, pair in windowed_axes(window) if pair == whole[axis])


def windowed_axes(window: Window) -> list[tuple[int, Extents]]:
    """Returns the axes that have a window, each with its extents."""
    return [(axis, pair) for axis, pair in enumerate(window) if pair != (0, 0)]
