"""What networks in the manner of Caffe are made of: chains of layers, its pooling."""

from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
from jax import Array

from . import layers

Layer = Callable[[Array], Array]


def _norms_before_relu(layers: Mapping[str, Layer]) -> dict[str, Layer]:
    """Moves norm1 to just before relu1, and so on."""
    moved = {}
    for name, layer in layers.items():
        norm = name.replace("relu", "norm")
        if name.startswith("relu") and norm in layers:
            moved[norm] = layers[norm]
        moved.setdefault(name, layer)
    return moved


def chain(
    module: nn.Module,
    layers: Mapping[str, Layer],
    x: Array,
    *,
    norm_before_relu: bool = False,
) -> Array:
    """Applies one layer after the other and keeps every activation by its name."""
    if norm_before_relu:
        layers = _norms_before_relu(layers)
    for name, layer in layers.items():
        x = layer(x)
        module.sow(
            "intermediates",
            "activations",
            {name: x},
            init_fn=dict,
            reduce_fn=lambda kept, new: {**kept, **new},
        )
    return x


def _padding(x: Array, size: int, stride: int, padding: int) -> Any:
    """Returns the padding, in height and in width, that places windows as Caffe does.

    A last window that does not fit is cut off at the border instead of being left out,
    unless it starts beyond the image and its padding on the left. PyTorch calls that
    ``ceil_mode=True``. (Flax declares paddings as a string.)
    """

    def both_sides(length: int) -> tuple[int, int]:
        count = -((size - length - 2 * padding) // stride) + 1
        if (count - 1) * stride >= length + padding:
            count -= 1
        reach = (count - 1) * stride + size
        return padding, max(0, reach - length - padding)

    _, height, width, _ = x.shape
    return both_sides(height), both_sides(width)


def max_pool(x: Array, size: int = 3, stride: int = 2, padding: int = 0) -> Array:
    """Maximum over square windows, placed as Caffe places them."""
    both = _padding(x, size, stride, padding)
    return layers.max_pool(x, (size, size), (stride, stride), both)


def average_pool(x: Array, size: int = 3, stride: int = 2) -> Array:
    """Mean over square windows, placed as Caffe places them.

    Of a window that is cut off at the border it is the mean of what is left.
    """
    both = _padding(x, size, stride, 0)
    return layers.average_pool(x, (size, size), (stride, stride), both)
