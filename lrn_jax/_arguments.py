"""Checks of the arguments of `lrn`: the code behind them trusts its input.

Every message names the argument, what was expected, what came, and the way out.
"""

import math
import numbers
import operator
import reprlib
from functools import cache, lru_cache
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike

from ._formula import compute_dtype
from ._implementations import IMPLEMENTATIONS
from ._window import Extents, Window

Pairs = tuple[Extents, ...] | None

# JAX takes longer to answer this than to call the compiled function.
_is_dtype = cache(jnp.isdtype)


def _message(name: str, must: str, got: object, fix: str = "") -> str:
    return f"`{name}` must {must}, but got {got}. {fix}".rstrip()


def _described(value: object) -> str:
    if isinstance(value, Array | np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    return f"{reprlib.repr(value)} (of type {type(value).__name__})"


def _as_array(name: str, value: Any, must: str, *, integers: bool) -> Array:
    """Returns an array, traced or not, of a real dtype."""
    if not isinstance(value, Array):
        # flax.nnx variables offer their array by `__jax_array__`.
        is_array = isinstance(value, np.ndarray | np.generic)
        if not (is_array or hasattr(value, "__jax_array__")):
            fix = "Convert it with `jnp.asarray`."
            raise TypeError(_message(name, must, _described(value), fix))
        value = jnp.asarray(value)
    kinds = ("real floating", "integral") if integers else "real floating"
    if not _is_dtype(value.dtype, kinds):
        must = f"have a real {'' if integers else 'floating '}dtype"
        fix = f"Cast it first, for example with `{name}.astype(jnp.float32)`."
        raise TypeError(_message(name, must, value.dtype, fix))
    return value


def check_x(x: Array | np.ndarray) -> Array:
    """Returns `x` as an array with at least one axis."""
    array = _as_array("x", x, "be an array", integers=False)
    if array.ndim == 0:
        must = "have at least one axis to normalize along"
        fix = "Reshape it first, for example with `x.reshape(1)`."
        raise ValueError(_message("x", must, "a scalar of shape ()", fix))
    return array


def check_hyperparameter(name: str, value: ArrayLike) -> float | Array:
    """Returns a number as a float, anything else as an array of real numbers."""
    must = "be a real number or an array"
    if isinstance(value, bool | complex | str | None):
        raise TypeError(_message(name, must, _described(value)))
    if not isinstance(value, numbers.Real):
        return _as_array(name, value, must, integers=True)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(_message(name, "be finite", reprlib.repr(value)))
    if name != "beta" and number < 0:
        raise ValueError(
            f"`{name}` must not be negative, but got {number}: the sum that is raised "
            "to the power of -beta would not be positive for every input."
        )
    return number


def check_numbers(numbers: dict[str, float], dtype: np.dtype) -> set[str]:
    """Returns the names of those that are 0 in the dtype, which has to hold all."""
    largest = float(jnp.finfo(dtype).max)
    for name, number in numbers.items():
        if abs(number) > largest:
            must = f"be at most {largest:.2g} in {dtype}"
            fix = "Scale `x` instead, or compute in float64."
            raise ValueError(_message(name, must, number, fix))
    zeros = {name for name, number in numbers.items() if dtype.type(number) == 0}
    if zeros == {"bias", "alpha"}:
        raise ValueError(
            f"`bias` and `alpha` must not both be 0 in {dtype}, but got "
            f"{numbers['bias']} and {numbers['alpha']}: their sum is raised to the "
            "power of -beta. A `bias` of 1 leaves x as it is."
        )
    return zeros


def align(name: str, value: Array, x: Array) -> Array:
    """Returns it in the dtype that x is computed in, with the axes of x."""
    missing = x.ndim - value.ndim
    pairs = zip(value.shape[::-1], x.shape[::-1], strict=False)
    if missing < 0 or any(given not in (1, size) for given, size in pairs):
        must = f"be a scalar or broadcastable to the shape of `x`, {x.shape}"
        fix = (
            "A value for each channel of an array with channels on axis 1 needs "
            "trailing axes of size 1."
        )
        raise ValueError(_message(name, must, f"shape {value.shape}", fix))
    value = value.astype(compute_dtype(x))
    # Explicit: JAX may be set to refuse rank promotion.
    return lax.expand_dims(value, range(missing))


def _as_integers(value: Any, depth: int) -> Any:
    """Returns integers, alone or nested so deep, as Python's; else a TypeError."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if depth and isinstance(value, tuple | list):
        return tuple(_as_integers(one, depth - 1) for one in value)
    if isinstance(value, bool | tuple | list):
        raise TypeError
    return operator.index(value)


def check_depth_radius(depth_radius: Any) -> Pairs:
    """Returns pairs ``(before, after)``, of each axis or of all; None is the whole."""
    if depth_radius is None:
        return None
    must = (
        "be a non-negative integer, a pair of them (before, after), a tuple of such "
        "pairs, one for each axis, or None for the whole axis"
    )
    try:
        given = _as_integers(depth_radius, depth=2)
        pair: Any = (given, given) if isinstance(given, int) else given
        pairs = (pair,) if all(isinstance(one, int) for one in pair) else pair
        pairs = tuple((before, after) for before, after in pairs)
    except (TypeError, ValueError):
        fix = (
            "The radius fixes the shape of the computation, so it can be neither "
            "traced nor fractional: (n - 1) // 2 for a window of n channels, n odd."
        )
        if isinstance(depth_radius, tuple | list):
            fix = ""
        got = _described(depth_radius)
        raise TypeError(_message("depth_radius", must, got, fix)) from None
    if any(extent < 0 for pair in pairs for extent in pair):
        raise ValueError(_message("depth_radius", must, reprlib.repr(depth_radius)))
    return pairs


def check_axis(axis: Any) -> tuple[int, ...]:
    """Returns the axes as a tuple of Python's integers, signs kept."""
    try:
        axes = _as_integers(axis, depth=1)
    except TypeError:
        must = "be an integer or a tuple of integers"
        raise TypeError(_message("axis", must, _described(axis))) from None
    if axes == ():
        raise ValueError(_message("axis", "name at least one axis", axes))
    return axes if isinstance(axes, tuple) else (axes,)


@lru_cache
def make_window(shape: tuple[int, ...], axes: tuple[int, ...], pairs: Pairs) -> Window:
    """Returns the window along axes of an array: one pair for all, or one for each."""
    ndim = len(shape)
    array = f"an array of {ndim} axes"
    for axis in axes:
        if not -ndim <= axis < ndim:
            must = f"lie between {-ndim} and {ndim - 1} for {array}"
            raise ValueError(_message("axis", must, axis))
    if len({axis % ndim for axis in axes}) != len(axes):
        raise ValueError(_message("axis", "name each axis once", f"{axes} for {array}"))
    if pairs is not None and len(pairs) not in (1, len(axes)):
        must = "be one pair (before, after) or have one for each axis"
        got = f"{pairs} for the axes {axes}"
        raise ValueError(_message("depth_radius", must, got))
    window = [(0, 0)] * ndim
    for i, axis in enumerate(axes):
        last = shape[axis] - 1
        before, after = (last, last) if pairs is None else pairs[i % len(pairs)]
        window[axis] = min(before, last), min(after, last)
    return tuple(window)


def check_implementation(implementation: str | None) -> None:
    """Checks that `implementation` is None or a name from the table."""
    if implementation is not None and implementation not in IMPLEMENTATIONS:
        names = ", ".join(map(repr, IMPLEMENTATIONS))
        must = f"be None (the library chooses) or one of {names}"
        raise ValueError(_message("implementation", must, reprlib.repr(implementation)))
