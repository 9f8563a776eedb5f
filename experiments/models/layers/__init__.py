"""Layers that the networks share, made fast on CPU as well; one technique a file.

Each takes the place of one of Flax's, with the same parameters and values. Networks
that are traced within ``with plain(names):`` have Flax's own instead (``"all"`` names
all), to see what each technique is worth.
"""

from collections.abc import Callable
from functools import partial, update_wrapper
from typing import Any, ParamSpec, TypeVar, get_args

import flax.linen as nn
import jax

from .. import LayerName
from . import average_pooling, convolution, locally_connected, max_pooling

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

NAMES = tuple(name for name in get_args(LayerName) if name != "all")
"""Techniques, by the names of their files."""

plain: Any = jax.make_user_context(())
"""Names of the techniques that are off; JAX traces anew when they change."""


def _layer(
    name: str, ours: Callable[Arguments, Result], flax: Callable[..., Any]
) -> Callable[Arguments, Result]:
    def layer(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        return (flax if {name, "all"} & {*plain.value} else ours)(*args, **kwargs)

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
