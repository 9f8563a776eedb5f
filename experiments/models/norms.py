"""The arms of the ablation: one layer each, and nothing else that differs."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from lrn_jax import conventions
from lrn_jax.linen import LearnedLocalResponseNorm, LocalResponseNorm

from ..config.config import NormName, Recipe

Layer = Callable[[Array], Array]

# A network calls it with a name at each place where a norm goes: norm(name="norm1").
Norm = Callable[..., Layer]

# What makes the layers of an arm, which are applied one after the other; some layers
# treat training and evaluation apart.
_Layers = tuple[Callable[[], Layer], ...]


class NormLayer(nn.Module):
    """The layers of an arm, at one place of a network.

    Where the collection "intermediates" is mutable, it keeps what went in as "before"
    and what came out as "after".

    Attributes:
      layers: What makes the layers; none for the arm without a norm.
    """

    layers: _Layers

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Normalizes `x`, images (batch, height, width, channels)."""
        self.sow("intermediates", "before", x)
        for make in self.layers:
            x = make()(x)
        self.sow("intermediates", "after", x)
        return x


def _lrn(recipe: Recipe, train: bool) -> _Layers:
    del train
    return (partial(LocalResponseNorm, **asdict(recipe.lrn)),)


def _lrn_within(recipe: Recipe, train: bool) -> _Layers:
    del train
    arguments = conventions.caffe(
        local_size=recipe.lrn_within.size,
        alpha=recipe.lrn_within.alpha,
        beta=recipe.lrn_within.beta,
        norm_region="WITHIN_CHANNEL",
    )
    arguments["axis"] = (1, 2)  # Caffe's channels are on axis 1
    return (partial(LocalResponseNorm, **arguments),)


def _whole_map(recipe: Recipe, train: bool) -> _Layers:
    del train
    arguments = conventions.whole_map(a=recipe.whole_map.a, b=recipe.whole_map.b)
    return (partial(LocalResponseNorm, **arguments),)


def _divisive(recipe: Recipe, train: bool) -> _Layers:
    del train
    arguments = asdict(recipe.lrn)
    return (partial(LearnedLocalResponseNorm, **arguments, per_channel=True),)


def _batch_norm(recipe: Recipe, train: bool) -> _Layers:
    # flax's momentum of 0.99 would need hundreds of steps to forget the first batch,
    # more than a small data set has in its first epochs; 0.9 is PyTorch's default.
    return (
        partial(
            nn.BatchNorm,
            use_running_average=not train,
            momentum=0.9,
            dtype=jnp.dtype(recipe.dtype),
        ),
    )


def _lrn_batch_norm(recipe: Recipe, train: bool) -> _Layers:
    return _lrn(recipe, train) + _batch_norm(recipe, train)


# Over an image's height, width and channels, as in the comparisons of norms in
# convolutional networks; flax's default is the channels of one position.
_IMAGE_AXES = (1, 2, 3)


def _layer_norm(recipe: Recipe, train: bool) -> _Layers:
    del train
    dtype = jnp.dtype(recipe.dtype)
    return (partial(nn.LayerNorm, reduction_axes=_IMAGE_AXES, dtype=dtype),)


def _group_norm(recipe: Recipe, train: bool) -> _Layers:
    del train
    return (
        partial(
            nn.GroupNorm,
            num_groups=None,
            group_size=recipe.group_size,
            dtype=jnp.dtype(recipe.dtype),
        ),
    )


def _rms_norm(recipe: Recipe, train: bool) -> _Layers:
    del train
    return (partial(nn.RMSNorm, dtype=jnp.dtype(recipe.dtype)),)


NORMS: dict[NormName, Callable[[Recipe, bool], _Layers]] = {
    "none": lambda recipe, train: (),
    "lrn": _lrn,
    "lrn_within": _lrn_within,
    "whole_map": _whole_map,
    "divisive": _divisive,
    "batch_norm": _batch_norm,
    "lrn_batch_norm": _lrn_batch_norm,
    "layer_norm": _layer_norm,
    "group_norm": _group_norm,
    "rms_norm": _rms_norm,
}

TITLES: dict[NormName, str] = {
    "none": "no norm",
    "lrn": "LRN",
    "lrn_within": "LRN within channels",
    "whole_map": "whole-map",
    "divisive": "learned divisive",
    "batch_norm": "BatchNorm",
    "lrn_batch_norm": "LRN + BatchNorm",
    "layer_norm": "LayerNorm",
    "group_norm": "GroupNorm",
    "rms_norm": "RMSNorm",
}


def make_norm(recipe: Recipe, norm: NormName, train: bool) -> Norm:
    """Returns what makes the norm layers of an arm, for training or for evaluation."""
    return partial(NormLayer, NORMS[norm](recipe, train))


def title(arm: str) -> str:
    """Returns what to call an arm (`Config.arm`) wherever people read of it."""
    norm, _, variant = arm.partition("-")
    titles: dict[str, str] = {**TITLES}
    name = titles.get(norm, norm)
    return f"{name}, {variant}" if variant else name
