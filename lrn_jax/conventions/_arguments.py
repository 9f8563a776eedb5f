"""What conventions are made of: windows from sizes, and refusals that say why."""

import operator
from typing import Any, Literal, TypedDict


class Arguments(TypedDict):
    """Keyword arguments of `lrn_jax.lrn`."""

    depth_radius: int | tuple[int, int] | None
    bias: float
    alpha: float
    beta: float
    axis: int | tuple[int, ...]


# The side, or sides, an even size counts its extra neighbour on.
Longer = Literal["before", "after", "both", "neither"]


def from_size(
    size: int,
    *,
    bias: float,
    alpha: float,
    beta: float,
    axis: int | tuple[int, ...],
    longer: Longer = "neither",
) -> Arguments:
    """Returns the arguments for a window of `size` elements around the centre.

    All agree on an odd size: ``(size - 1) / 2`` to either side. An even one leaves
    that half-way, and it is rounded up on the side that is `longer`.
    """
    before = size // 2 if longer in ("before", "both") else (size - 1) // 2
    after = size // 2 if longer in ("after", "both") else (size - 1) // 2
    return {
        "depth_radius": before if before == after else (before, after),
        "bias": bias,
        "alpha": alpha,
        "beta": beta,
        "axis": axis,
    }


def refusal(name: str, limit: str, value: object, origin: str) -> ValueError:
    """Returns the error for a value that `origin`, a sentence, does not take."""
    return ValueError(f"`{name}` must be {limit}, but got {value!r}. {origin}")


def check_size(
    name: str,
    value: Any,
    origin: str,
    *,
    odd: bool = False,
    smallest: int = 1,
    largest: int | None = None,
) -> int:
    """Returns the size (or radius) of a window as an integer, within its limits."""
    try:
        size = operator.index(value)
    except TypeError:
        size = None
    if size is None or isinstance(value, bool):
        raise TypeError(
            f"`{name}` must be an integer, but got {value!r} (of type "
            f"{type(value).__name__})."
        )
    limit = ("an odd integer" if odd else "an integer") + f", at least {smallest}"
    if largest is not None:
        limit += f" and at most {largest}"
    too_large = largest is not None and size > largest
    if size < smallest or too_large or (odd and size % 2 == 0):
        raise refusal(name, limit, size, origin)
    return size


def check_range(
    name: str, value: float, origin: str, smallest: float, largest: float | None = None
) -> None:
    """Checks that a number lies in a range that includes its ends."""
    if not value >= smallest or (largest is not None and value > largest):
        limit = f"at least {smallest:g}"
        if largest is not None:
            limit += f" and at most {largest:g}"
        raise refusal(name, limit, value, origin)


def check_choice(name: str, value: str, choices: tuple[str, ...], origin: str) -> None:
    """Checks that a word is one of those on offer."""
    if value not in choices:
        raise refusal(name, " or ".join(map(repr, choices)), value, origin)
