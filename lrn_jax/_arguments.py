"""Checks of the arguments of `lrn`: everything behind this door trusts its input.

Every message names the argument, what was expected, what came, and the way out.
"""

import math
import numbers
import operator
import reprlib
from collections.abc import Mapping
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from ._implementations import IMPLEMENTATIONS
from ._window import Extents


def _describe(value: object) -> str:
    if isinstance(value, jax.Array | np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    return f"{reprlib.repr(value)} (of type {type(value).__name__})"


# What JAX calls the dtypes that are accepted, and what people do.
_FLOATING = (jnp.floating,), "real floating"
_REAL = (jnp.floating, jnp.integer), "real"


def _as_array(name: str, value: Any, kind: Any, expected: str) -> Array:
    """Returns an array, traced or not, if its dtype is of a kind."""
    if not isinstance(value, jax.Array):
        # `__jax_array__` is how flax.nnx variables offer their array.
        if not isinstance(value, np.ndarray | np.generic) and not hasattr(
            value, "__jax_array__"
        ):
            raise TypeError(
                f"`{name}` must be {expected}, but got {_describe(value)}. "
                "Convert it with `jnp.asarray`."
            )
        value = jnp.asarray(value)
    kinds, words = kind
    if not any(_is_subdtype(value.dtype, one) for one in kinds):
        raise TypeError(
            f"`{name}` must have a {words} dtype, but got {value.dtype}. "
            f"Cast it first, for example with `{name}.astype(jnp.float32)`."
        )
    return value


@cache  # the question takes longer than the whole call of the compiled function
def _is_subdtype(dtype: np.dtype, kind: Any) -> bool:
    return jnp.issubdtype(dtype, kind)


def check_x(x: ArrayLike) -> Array:
    """Returns `x` as an array with at least one axis."""
    array = _as_array("x", x, _FLOATING, "an array")
    if array.ndim == 0:
        raise ValueError(
            "`x` must have at least one axis to normalize along, but got a scalar of "
            "shape (). Reshape it first, for example with `x.reshape(1)`."
        )
    return array


def check_hyperparameter(name: str, value: ArrayLike) -> float | Array:
    """Returns a number as a float, anything else as an array of real numbers."""
    expected = "a real number or an array"
    if isinstance(value, bool | complex | str | None):
        raise TypeError(f"`{name}` must be {expected}, but got {_describe(value)}.")
    if not isinstance(value, numbers.Real):
        return _as_array(name, value, _REAL, expected)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"`{name}` must be finite, but got {reprlib.repr(value)}.")
    if name != "beta" and number < 0:
        raise ValueError(
            f"`{name}` must not be negative, but got {number}: the sum that is raised "
            "to the power of -beta would not be positive for every input."
        )
    return number


def check_numbers(hyperparameters: Mapping[str, float], dtype: np.dtype) -> None:
    """Checks the hyperparameters that are numbers, as the computation rounds them."""
    largest = float(jnp.finfo(dtype).max)
    for name, number in hyperparameters.items():
        if abs(number) > largest:
            raise ValueError(
                f"`{name}` must be at most {largest:.2g} in {dtype}, but got {number}. "
                "Scale `x` instead, or compute in float64."
            )
    rounded = {name: dtype.type(hyperparameters[name]) for name in hyperparameters}
    if rounded.get("bias") == 0 and rounded.get("alpha") == 0 != rounded.get("beta"):
        raise ValueError(
            f"`bias` and `alpha` must not both be 0 in {dtype}, but got "
            f"{hyperparameters['bias']} and {hyperparameters['alpha']}: their sum is "
            "raised to the power of -beta. A `bias` of 1 leaves x as it is."
        )


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


def _as_integers(value: Any) -> Any:
    """Returns integers of any type, alone or in nested sequences, as Python's own.

    Raises:
      TypeError: If something else is among them.
    """
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, tuple | list):
        return tuple(map(_as_integers, value))
    if isinstance(value, bool):
        raise TypeError
    return operator.index(value)


def check_depth_radius(depth_radius: Any) -> tuple[Extents, ...] | None:
    """Returns pairs ``(before, after)``, of each axis or of all; None is the whole."""
    if depth_radius is None:
        return None
    expected = (
        "`depth_radius` must be a non-negative integer, a pair of them (before, "
        "after), a tuple of such pairs, one for each axis, or None for the whole axis"
    )
    try:
        given: Any = _as_integers(depth_radius)
    except TypeError:
        given = ()
    pair: Any = (given, given) if isinstance(given, int) else given
    pairs: Any = (pair,) if all(isinstance(one, int) for one in pair) else pair
    if not all(
        isinstance(pair, tuple) and [*map(type, pair)] == [int, int] for pair in pairs
    ):
        hint = (
            ""
            if isinstance(depth_radius, tuple | list)
            else " The radius fixes the shape of the computation, so it can be neither "
            "traced nor fractional: a window of n channels, n odd, has the radius "
            "(n - 1) // 2."
        )
        raise TypeError(f"{expected}, but got {_describe(depth_radius)}.{hint}")
    if any(extent < 0 for pair in pairs for extent in pair):
        raise ValueError(f"{expected}, but got {reprlib.repr(depth_radius)}.")
    return pairs


def extents_of_axes(
    pairs: tuple[Extents, ...] | None, axes: tuple[int, ...]
) -> tuple[Extents, ...] | None:
    """Returns the pair of each axis; None if that is the whole axis."""
    if pairs is None or len(pairs) == len(axes):
        return pairs
    if len(pairs) == 1:
        return pairs * len(axes)
    raise ValueError(
        "`depth_radius` must be one pair (before, after) or have one for each axis, "
        f"but got {pairs} for the axes {axes}."
    )


def check_axis(axis: Any) -> tuple[int, ...]:
    """Returns the axes as a tuple of Python's integers, signs kept."""
    try:
        given = _as_integers(axis)
        axes: Any = given if isinstance(given, tuple) else (given,)
    except TypeError:
        axes = (None,)
    if not all(isinstance(one, int) for one in axes):
        raise TypeError(
            f"`axis` must be an integer or a tuple of integers, but got "
            f"{_describe(axis)}."
        )
    if not axes:
        raise ValueError("`axis` must name at least one axis, but got ().")
    return axes


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
            f"but got {reprlib.repr(implementation)}."
        )
