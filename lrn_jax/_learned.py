"""What the two modules with learned parameters share: where they start, their shape."""

import math
from collections.abc import Mapping
from typing import Any

from jax import Array

from ._arguments import check_axis, check_hyperparameter


def initial_logarithms(learn: Any, values: Mapping[str, Any]) -> dict[str, float]:
    """Returns the logarithm of each value that is learned."""
    if not isinstance(learn, tuple | list) or not values.keys() >= set(learn):
        raise ValueError(
            f"`learn` must be a tuple of names among {', '.join(map(repr, values))}, "
            f"but got {learn!r}."
        )
    for name in learn:
        value = check_hyperparameter(name, values[name])
        if isinstance(value, Array):
            raise TypeError(
                f"`{name}` is learned and must start from a number, but got an array "
                f"of shape {value.shape}. Replace `log_{name}` after the start instead."
            )
        if value <= 0:
            raise ValueError(
                f"`{name}` is learned by its logarithm and must be positive, but got "
                f"{value}. Start from a small number, or take it out of `learn`."
            )
    return {name: math.log(values[name]) for name in learn}


def feature_axis_of(feature_axis: int | None, axis: Any, ndim: int) -> int:
    """Returns the axis of the channels, counted from the front."""
    axes = check_axis(axis if feature_axis is None else feature_axis)
    if len(axes) != 1 or not -ndim <= axes[0] < ndim:
        raise ValueError(
            f"`feature_axis` must be one of the {ndim} axes of `x`, or None where "
            f"`axis` is one, but got {feature_axis} with the axis {axis}."
        )
    return axes[0] % ndim
