"""The arms of the ablation: one layer each, and nothing else that differs."""

from collections.abc import Callable

import flax.linen as nn
from jax import Array

from lrn_jax import conventions
from lrn_jax.linen import LocalResponseNorm

from .config import NormName, Recipe

# A model calls it with `train` and its input: only some layers treat the two apart.
Norm = Callable[[bool], Callable[[Array], Array]]


def _none(recipe: Recipe) -> Norm:
    del recipe
    return lambda train: lambda x: x


def _lrn(recipe: Recipe) -> Norm:
    hyperparameters = recipe.lrn
    return lambda train: LocalResponseNorm(
        depth_radius=hyperparameters.depth_radius,
        bias=hyperparameters.bias,
        alpha=hyperparameters.alpha,
        beta=hyperparameters.beta,
        name="norm",
    )


def _batch_norm(recipe: Recipe) -> Norm:
    del recipe
    # flax's momentum of 0.99 would need hundreds of steps to forget the first batch,
    # more than a small data set has in its first epochs; 0.9 is PyTorch's default.
    return lambda train: nn.BatchNorm(
        use_running_average=not train, momentum=0.9, name="norm"
    )


def _whole_map(recipe: Recipe) -> Norm:
    arguments = conventions.whole_map(a=recipe.whole_map.a, b=recipe.whole_map.b)
    return lambda train: LocalResponseNorm(**arguments, name="norm")


NORMS: dict[NormName, Callable[[Recipe], Norm]] = {
    "none": _none,
    "lrn": _lrn,
    "batch_norm": _batch_norm,
    "whole_map": _whole_map,
}

TITLES: dict[NormName, str] = {
    "none": "no norm",
    "lrn": "LRN",
    "batch_norm": "BatchNorm",
    "whole_map": "whole-map",
}
