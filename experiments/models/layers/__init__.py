"""Layers that the networks share, made fast on CPU as well; one technique a file.

Each takes the place of one of Flax's, with the same parameters and values. ``with
plain(NAMES):`` gives networks that are traced inside Flax's own instead, to see what
each technique is worth.
"""

from collections.abc import Callable
from functools import partial, update_wrapper
from typing import Any, ParamSpec, TypeVar

import flax.linen as nn
import jax

from . import average_pooling, convolution, locally_connected, max_pooling

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

NAMES = ("convolution", "locally_connected", "max_pooling", "average_pooling")
"""Of the techniques: their files."""

plain: Any = jax.make_user_context(())
"""The names of those that are not to be used; JAX traces anew where they change."""


def _layer(
    name: str, ours: Callable[Arguments, Result], flax: Callable[..., Any]
) -> Callable[Arguments, Result]:
    def layer(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        return (flax if name in plain.value else ours)(*args, **kwargs)

    return update_wrapper(layer, ours)


Conv = _layer(
    "convolution",
    partial(nn.Conv, conv_general_dilated=convolution.conv_general_dilated),
    nn.Conv,
)
LocallyConnected = _layer(
    "locally_connected", locally_connected.LocallyConnected, nn.ConvLocal
)
max_pool = _layer("max_pooling", max_pooling.max_pool, nn.max_pool)
average_pool = _layer(
    "average_pooling",
    average_pooling.average_pool,
    partial(nn.avg_pool, count_include_pad=False),
)
