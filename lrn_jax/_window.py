"""Windows: how far each element looks along every axis, and where that is cut off.

A `Window` holds one pair ``(before, after)`` for each axis of an array: element
``i`` of that axis sees elements ``i - before`` to ``i + after``, both included,
and an axis with the pair ``(0, 0)`` is not windowed at all. Extents are never
longer than the axis allows (``size - 1``), so a pair that says ``size - 1`` twice
means that every element sees the whole axis.
"""

from collections.abc import Sequence

Window = tuple[tuple[int, int], ...]


def make_window(
    shape: Sequence[int],
    axes: Sequence[int],
    extents: tuple[int, int] | None,
) -> Window:
    """Returns the window that looks along `axes` of an array of this shape.

    `extents` is ``(before, after)``, for each of the axes; ``None`` is the whole axis.
    """

    def clip(size: int) -> tuple[int, int]:
        before, after = (size, size) if extents is None else extents
        return min(before, size - 1), min(after, size - 1)

    return tuple(
        clip(size) if axis in axes else (0, 0) for axis, size in enumerate(shape)
    )


def mirrored(window: Window) -> Window:
    """Returns the window in which j sees i wherever i sees j in `window`."""
    return tuple((after, before) for before, after in window)


def with_batch_axis(window: Window, axis: int) -> Window:
    """Returns the window of an array that has one more axis, not windowed."""
    return (*window[:axis], (0, 0), *window[axis:])


def whole_axes(window: Window, shape: Sequence[int]) -> tuple[int, ...]:
    """Returns the axes along which every element sees every other."""
    return tuple(
        axis
        for axis, (size, extents) in enumerate(zip(shape, window, strict=True))
        if extents != (0, 0) and extents == (size - 1, size - 1)
    )


def windowed_axes(window: Window) -> list[tuple[int, tuple[int, int]]]:
    """Returns the axes that have a window, each with its extents."""
    return [(axis, pair) for axis, pair in enumerate(window) if pair != (0, 0)]
