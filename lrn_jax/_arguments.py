"""Checks of the arguments of `lrn`: everything behind this door trusts its input.

Every message names the argument, what was expected, what came, and the way out.
"""

import math
import numbers
import operator
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from ._implementations import IMPLEMENTATIONS


def _describe(value: object) -> str:
    if isinstance(value, jax.Array | np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    return f"{value!r} (of type {type(value).__name__})"


def _is_integer(value: object) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _as_array(name: str, value: Any) -> Array:
    """Returns `value` as an array of real floating numbers, traced or not."""
    if not isinstance(value, jax.Array):
        # `__jax_array__` is how flax.nnx variables offer their array.
        if not isinstance(value, np.ndarray | np.generic) and not hasattr(
            value, "__jax_array__"
        ):
            raise TypeError(
                f"`{name}` must be an array, but got {_describe(value)}. "
                "Convert it with `jnp.asarray`."
            )
        value = jnp.asarray(value)
    if not _is_real_floating(value.dtype):
        raise TypeError(
            f"`{name}` must have a real floating dtype, but got {value.dtype}. "
            f"Cast it first, for example with `{name}.astype(jnp.float32)`."
        )
    return value


@cache  # the question takes longer than the whole call of the compiled function
def _is_real_floating(dtype: np.dtype) -> bool:
    return jnp.issubdtype(dtype, jnp.floating)


def check_x(x: ArrayLike) -> Array:
    """Returns `x` as an array with at least one axis."""
    array = _as_array("x", x)
    if array.ndim == 0:
        raise ValueError(
            "`x` must have at least one axis to normalize along, but got a scalar of "
            "shape (). Reshape it first, for example with `x.reshape(1)`."
        )
    return array


def check_hyperparameter(name: str, value: ArrayLike) -> float | Array:
    """Returns a number as a float, anything else as an array."""
    if isinstance(value, bool | complex | str | None):
        raise TypeError(
            f"`{name}` must be a real number or an array, but got {_describe(value)}."
        )
    if not isinstance(value, numbers.Real):
        return _as_array(name, value)
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"`{name}` must be finite, but got {number}.")
    if name != "beta" and number < 0:
        raise ValueError(
            f"`{name}` must not be negative, but got {number}: the sum that is raised "
            "to the power of -beta would not be positive for every input."
        )
    return number


def check_broadcastable(name: str, value: Array, shape: tuple[int, ...]) -> None:
    """Checks that an array hyperparameter has a value for every element of x."""
    try:
        fits = jnp.broadcast_shapes(value.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"`{name}` must be a scalar or broadcastable to the shape of `x`, "
            f"{shape}, but got shape {value.shape}. A value for each channel of an "
            "array with channels on axis 1 needs trailing axes of size 1."
        )


def check_depth_radius(depth_radius: Any) -> tuple[int, int] | None:
    """Returns how far the window reaches ``(before, after)``; None is everywhere."""
    if depth_radius is None:
        return None
    pair = (
        tuple(depth_radius)
        if isinstance(depth_radius, tuple | list)
        else (depth_radius, depth_radius)
    )
    expected = (
        "`depth_radius` must be a non-negative integer, a pair of them (before, "
        "after), or None for the whole axis"
    )
    if len(pair) != 2 or not all(_is_integer(extent) for extent in pair):
        hint = (
            ""
            if isinstance(depth_radius, tuple | list)
            else " The radius fixes the shape of the computation, so it can be neither "
            "traced nor fractional: a window of n channels, n odd, has the radius "
            "(n - 1) // 2."
        )
        raise TypeError(f"{expected}, but got {_describe(depth_radius)}.{hint}")
    before, after = (operator.index(extent) for extent in pair)
    if before < 0 or after < 0:
        raise ValueError(f"{expected}, but got {depth_radius!r}.")
    return before, after


def check_axis(axis: Any) -> tuple[int, ...]:
    """Returns the axes as a tuple of distinct Python integers, signs kept."""
    axes = tuple(axis) if isinstance(axis, tuple | list) else (axis,)
    if not all(_is_integer(one) for one in axes):
        raise TypeError(
            f"`axis` must be an integer or a tuple of integers, but got "
            f"{_describe(axis)}."
        )
    if not axes:
        raise ValueError("`axis` must name at least one axis, but got ().")
    return tuple(operator.index(one) for one in axes)


def resolve_axes(axes: tuple[int, ...], ndim: int) -> tuple[int, ...]:
    """Returns the axes counted from the front, for an array of `ndim` axes."""
    for axis in axes:
        if not -ndim <= axis < ndim:
            raise ValueError(
                f"`axis` must lie between {-ndim} and {ndim - 1} for an array of "
                f"{ndim} axes, but got {axis}."
            )
    resolved = tuple(axis % ndim for axis in axes)
    if len(set(resolved)) != len(resolved):
        raise ValueError(
            f"`axis` must name each axis once, but got {axes} for an array of {ndim} "
            "axes."
        )
    return resolved


def check_implementation(implementation: str | None) -> None:
    """Checks that `implementation` is None or a name from the table."""
    if implementation is not None and implementation not in IMPLEMENTATIONS:
        names = ", ".join(repr(name) for name in IMPLEMENTATIONS)
        raise ValueError(
            f"`implementation` must be None (the library chooses) or one of {names}, "
            f"but got {implementation!r}."
        )
