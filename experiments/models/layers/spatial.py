"""Strides and padding along the height and the width of images."""

from collections.abc import Sequence

from jax import lax

Pair = tuple[int, int]


def pair(numbers: Sequence[int]) -> Pair:
    """Returns a number for the height and one for the width."""
    vertical, horizontal = numbers
    return vertical, horizontal


def paddings(
    padding: str | Sequence[Sequence[int]],
    lengths: Sequence[int],
    sizes: Sequence[int],
    strides: Sequence[int],
) -> tuple[Pair, Pair]:
    """Returns the padding before and behind the height, and the width.

    Args:
      padding: The name of a padding, or the result itself.
      lengths: Of the images.
      sizes: Of the windows.
      strides: From one window to the next.
    """
    if isinstance(padding, str):
        padding = lax.padtype_to_pads(lengths, sizes, strides, padding)
    vertical, horizontal = padding
    return pair(vertical), pair(horizontal)
