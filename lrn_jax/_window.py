"""Windows: how far each element looks along every axis, and where that is cut off.

A `Window` holds one pair ``(before, after)`` for each axis of an array: element
``i`` of that axis sees elements ``i - before`` to ``i + after``, both included,
and an axis with the pair ``(0, 0)`` is not windowed at all. Extents are never
longer than the axis allows (``size - 1``), so a pair that says ``size - 1`` twice
means that every element sees the whole axis.
"""

from collections.abc import Sequence

Extents = tuple[int, int]
Window = tuple[Extents, ...]


def make_window(
    shape: Sequence[int], axes: Sequence[int], extents: Sequence[Extents] | None
) -> Window:
    """Returns the window that looks along `axes` of an array of this shape.

    `extents` has a pair ``(before, after)`` for each of them; ``None`` is the whole of
    each.
    """
    window = [(0, 0)] * len(shape)
    for i, axis in enumerate(axes):
        last = shape[axis] - 1
        before, after = (last, last) if extents is None else extents[i]
        window[axis] = min(before, last), min(after, last)
    return tuple(window)


def mirrored(window: Window) -> Window:
    """Returns the window in which j sees i wherever i sees j in `window`."""
    return tuple((after, before) for before, after in window)


def whole_axes(window: Window, shape: Sequence[int]) -> tuple[int, ...]:
    """Returns the axes along which every element sees every other."""
    return tuple(
        axis
        for axis, (size, extents) in enumerate(zip(shape, window, strict=True))
        if extents != (0, 0) and extents == (size - 1, size - 1)
    )


def windowed_axes(window: Window) -> list[tuple[int, Extents]]:
    """Returns the axes that have a window, each with its extents."""
    return [(axis, pair) for axis, pair in enumerate(window) if pair != (0, 0)]
