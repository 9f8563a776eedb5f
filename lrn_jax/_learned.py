"""What the modules for both of flax's libraries share: call, parameters, import."""

import math
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from ._arguments import check_axis, check_hyperparameter, check_x
from ._lrn import lrn


def needs_flax(name: str, error: ModuleNotFoundError) -> ModuleNotFoundError:
    """Returns the error that says what to install, where flax is what is missing."""
    if error.name is None or error.name.partition(".")[0] != "flax":
        return error
    message = f"{name} needs flax: pip install 'lrn_jax[flax]'"
    return ModuleNotFoundError(message, name=error.name)


def call(module: Any, x: Array | np.ndarray, **learned: Array) -> Array:
    """Returns `lrn` of `x` with the fields of a module, but for what is learned."""
    given = {"bias": module.bias, "alpha": module.alpha, "beta": module.beta}
    return lrn(
        x,
        depth_radius=module.depth_radius,
        axis=module.axis,
        implementation=module.implementation,
        **given | learned,
    )


def call_learned(
    module: Any, x: Array | np.ndarray, logarithms: Mapping[str, Array]
) -> Array:
    """Returns the same, from logarithms: scalars, or one number for each channel."""
    x = check_x(x)
    learned = {name: jnp.exp(log) for name, log in logarithms.items()}
    for name, value in learned.items():
        if value.ndim:
            trailing = x.ndim - 1 - feature_axis_of(module, x.ndim)
            learned[name] = value.reshape(-1, *(1,) * trailing)
    return call(module, x, **learned)


def initial_logarithms(module: Any) -> dict[str, float]:
    """Returns the logarithm of the initial value of everything that is learned."""
    learn, values = module.learn, ("bias", "alpha", "beta")
    if not isinstance(learn, tuple | list) or not set(learn) <= set(values):
        raise ValueError(
            f"`learn` must be a tuple of names among {', '.join(map(repr, values))}, "
            f"but got {learn!r}."
        )
    logarithms = {}
    for name in learn:
        value = check_hyperparameter(name, getattr(module, name))
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
        logarithms[name] = math.log(value)
    return logarithms


def feature_axis_of(module: Any, ndim: int) -> int:
    """Returns the axis of the channels, counted from the front."""
    given = module.axis if module.feature_axis is None else module.feature_axis
    axes = check_axis(given)
    if len(axes) != 1 or not -ndim <= axes[0] < ndim:
        raise ValueError(
            f"`feature_axis` must be one of the {ndim} axes of `x`, or None where "
            f"`axis` is one, but got {module.feature_axis} with the axis "
            f"{module.axis}."
        )
    return axes[0] % ndim
