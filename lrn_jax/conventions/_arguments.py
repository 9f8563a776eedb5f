"""What conventions are made of: arguments as numbers, windows from sizes, refusals."""

import contextlib
import functools
import inspect
import math
import numbers
import reprlib
from collections.abc import Callable
from typing import Any, Literal, ParamSpec, TypedDict

import jax
import numpy as np

# How far a window reaches: the same to both sides, before and after, or that for each
# of several axes; None is the whole of each.
Radius = int | tuple[int, int] | tuple[tuple[int, int], ...] | None


class Arguments(TypedDict):
    """Keyword arguments of `lrn_jax.lrn`."""

    depth_radius: Radius
    bias: float
    alpha: float
    beta: float
    axis: int | tuple[int, ...]


# The side, or sides, an even size counts its extra neighbour on.
Longer = Literal["before", "after", "both", "neither"]

_Parameters = ParamSpec("_Parameters")


def convention(
    function: Callable[_Parameters, Arguments],
) -> Callable[_Parameters, Arguments]:
    """Gives a function Python's own numbers, whatever type they come in, or refuses.

    What a parameter is annotated with decides: an ``int`` may be any whole number, a
    ``float`` any finite real one, a ``bool`` 0 or 1 too, and each a NumPy array with
    one element. A JAX array stays as it is where a ``float`` is expected: it may be
    traced, or learned.
    """
    parameters = inspect.signature(function).parameters

    @functools.wraps(function)
    def checked(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> Arguments:
        for name, value in kwargs.items():
            if name not in parameters:
                raise TypeError(
                    f"`{function.__name__}` has no parameter `{name}`; it has "
                    f"{', '.join(f'`{own}`' for own in parameters)}."
                )
            annotation = parameters[name].annotation
            if annotation in _CONVERSIONS:
                kwargs[name] = _CONVERSIONS[annotation](name, value)
        return function(*args, **kwargs)

    return checked


def check_integer(name: str, value: Any) -> int:
    """Returns a whole number of any type as Python's."""
    number = _element(value)
    if isinstance(number, numbers.Integral) and not isinstance(number, bool):
        return int(number)
    if isinstance(number, float | np.floating) and float(number).is_integer():
        return int(number)
    raise TypeError(f"`{name}` must be an integer, but got {_describe(value)}.")


def check_number(name: str, value: Any) -> Any:
    """Returns a real number of any type as Python's, and a JAX array as it is."""
    if isinstance(value, jax.Array):
        return value
    if hasattr(value, "__jax_array__"):  # how flax.nnx variables offer theirs
        return value.__jax_array__()
    number = _element(value)
    if not isinstance(number, numbers.Real) or isinstance(number, bool):
        text = " Convert text with `float`." if isinstance(number, str) else ""
        raise TypeError(
            f"`{name}` must be a real number, but got {_describe(value)}.{text}"
        )
    try:
        number = float(number)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"`{name}` must be finite, but got {_short(value)}.")
    return number


def check_flag(name: str, value: Any) -> bool:
    """Returns True or False; 0 and 1 stand for them in many a file."""
    flag = _element(value)
    if not isinstance(flag, int | np.integer | np.bool_) or flag not in (0, 1):
        raise TypeError(f"`{name}` must be True or False, but got {_describe(value)}.")
    return bool(flag)


def _element(value: Any) -> Any:
    """Returns the element of an array that has one, and anything else as it is."""
    if isinstance(value, np.ndarray | jax.Array) and value.size == 1:
        with contextlib.suppress(jax.errors.ConcretizationTypeError):  # it is traced
            return value.item()
    return value


_CONVERSIONS = {int: check_integer, float: check_number, bool: check_flag}


def from_size(
    size: int | tuple[int, ...],
    bias: float,
    alpha: float,
    beta: float,
    axis: int | tuple[int, ...],
    *,
    mean: bool,
    longer: Longer = "neither",
) -> Arguments:
    """Returns the arguments for a window of `size` elements around the centre.

    All agree on an odd size: ``(size - 1) / 2`` to either side. An even one leaves
    that half-way, and it is rounded up on the side that is `longer`. Where there are
    several axes, `size` is that of each, or one for all. With `mean`, `alpha` weighs
    the mean of the squares, and is divided by their number.
    """
    axes = (axis,) if isinstance(axis, int) else axis
    sizes = (size,) * len(axes) if isinstance(size, int) else size
    pairs = tuple(_extents(one, longer) for one in sizes)
    before, after = pairs[0]
    uniform = before if before == after else (before, after)
    return {
        "depth_radius": uniform if len(set(pairs)) == 1 else pairs,
        "bias": bias,
        "alpha": alpha / math.prod(sizes) if mean else alpha,
        "beta": beta,
        "axis": axis,
    }


def from_radius(
    name: str,
    radius: int,
    bias: float,
    alpha: float,
    beta: float,
    axis: int,
    *,
    mean: bool,
) -> Arguments:
    """Returns the arguments for `radius` elements to either side, which is checked."""
    origin = "It is a radius: it counts the neighbours to either side."
    check_size(name, radius, origin, smallest=0)
    return from_size(2 * radius + 1, bias, alpha, beta, axis, mean=mean)


def _extents(size: int, longer: Longer) -> tuple[int, int]:
    before = size // 2 if longer in ("before", "both") else (size - 1) // 2
    after = size // 2 if longer in ("after", "both") else (size - 1) // 2
    return before, after


def refusal(name: str, limit: str, value: object, origin: str) -> ValueError:
    """Returns the error for a value that `origin`, a sentence, does not take."""
    return ValueError(f"`{name}` must be {limit}, but got {_short(value)}. {origin}")


def check_size(
    name: str,
    size: int,
    origin: str,
    *,
    odd: bool = False,
    smallest: int = 1,
    largest: int | None = None,
) -> None:
    """Checks the size (or radius) of a window."""
    limit = ("an odd integer" if odd else "an integer") + f", at least {smallest}"
    if largest is not None:
        limit += f" and at most {largest}"
    too_large = largest is not None and size > largest
    if size < smallest or too_large or (odd and size % 2 == 0):
        raise refusal(name, limit, size, origin)


def check_odd(name: str, size: int, framework: str) -> None:
    """Checks the size of a window where even ones are not specified."""
    origin = (
        f"{framework} does not say to which side an even window is longer: give `lrn` "
        "the pair `depth_radius=(before, after)` that you measured."
    )
    check_size(name, size, origin, odd=True)


def check_range(
    name: str, value: float, origin: str, smallest: float, largest: float | None = None
) -> None:
    """Checks that a number lies in a range that includes its ends.

    What a JAX array holds is known when the program runs, so that is not checked.
    """
    if isinstance(value, jax.Array):
        return
    if value < smallest or (largest is not None and value > largest):
        limit = f"at least {smallest:g}"
        if largest is not None:
            limit += f" and at most {largest:g}"
        raise refusal(name, limit, value, origin)


def check_choice(name: str, value: Any, choices: dict[str, int], origin: str) -> str:
    """Returns which of the names is meant, by itself in any case or by its number.

    Names that share a number mean the same, and the first of them is returned. A name
    may be qualified, as in ``NormType::CROSS_MAP`` and ``LRNParameter.WITHIN_CHANNEL``.
    """
    number = None
    if isinstance(value, str):
        word = value.replace("::", ".").rpartition(".")[2].casefold()
        number = {choice.casefold(): choices[choice] for choice in choices}.get(word)
    else:
        with contextlib.suppress(TypeError):
            number = check_integer(name, value)
    names = {number: choice for choice, number in reversed(choices.items())}
    if number not in names:
        one_of = " or ".join(repr(c) for c, n in choices.items() if names[n] == c)
        raise refusal(name, one_of, value, origin)
    return names[number]


def _describe(value: object) -> str:
    return f"{_short(value)} (of type {type(value).__name__})"


def _short(value: object) -> str:
    if isinstance(value, np.ndarray | jax.Array) and value.ndim:
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    return " ".join(reprlib.repr(value).split())
