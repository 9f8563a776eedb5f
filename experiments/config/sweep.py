"""--sweep: a number of the recipe, and the values that make arms of their own."""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from functools import cache
from types import UnionType
from typing import Any, get_args, get_type_hints

from .arms import ARMS
from .recipe import LRNHyperparameters, NormName, Recipe, check
from .source import Source

# LRN's constants are varied in these arms alone, the others that share them stay.
_LRN_ARMS = ("lrn", "scaled")


@cache
def _numbers(kind: type = Recipe) -> dict[str, type]:
    """Returns the type of each number of a recipe, by name; nested names have a dot."""
    found: dict[str, type] = {}
    for name, each in get_type_hints(kind).items():
        # None in place of a number has a meaning of its own.
        each = get_args(each)[0] if isinstance(each, UnionType) else each
        if is_dataclass(each):
            found |= {f"{name}.{inner}": t for inner, t in _numbers(each).items()}
        elif each in (int, float):
            found[name] = each
    for field in fields(Source):  # other images would be another data set
        found.pop(field.name, None)
    return found


def parse(sweep: str) -> tuple[str, list[Any]]:
    """Returns the full name of the number that is varied, and its values.

    Raises:
      UserError: If there is no such number, or the values are none of it.
    """
    given, _, values = sweep.partition("=")
    name = given.replace("-", "_")
    if name in {each.name for each in fields(LRNHyperparameters)}:
        name = f"lrn.{name}"
    known = ", ".join(_numbers())
    expected = f"NAME=VALUE,VALUE,... with a NAME of {known}"
    check(name in _numbers() and values != "", "sweep", expected, sweep)
    kind = _numbers()[name]
    try:
        numbers = [kind(value) for value in values.split(",")]
    except ValueError:
        numbers = []
    check(
        bool(numbers) and len(set(numbers)) == len(numbers),
        "sweep",
        f"{given}=VALUE,VALUE,... of different numbers ({kind.__name__})",
        sweep,
    )
    return name, numbers


def swept(norms: Sequence[NormName], sweep: str) -> list[NormName]:
    """Returns the norms whose arms a sweep varies.

    Raises:
      UserError: If there is none, or the sweep is none.
    """
    section = parse(sweep)[0].partition(".")[0]
    sharing = [norm for norm, arm in ARMS.items() if arm.constants == section]
    able = _LRN_ARMS if section == "lrn" else sharing or ARMS
    found = [norm for norm in norms if norm in able]
    expected = f"a selection with {' or '.join(able)}, which --sweep varies"
    check(bool(found), "norms", expected, " ".join(norms))
    return found


def _in_digits(number: float) -> str:
    short = f"{number:g}"  # may be that of another number, too
    return short if float(short) == number else repr(number)


def variants(recipe: Recipe, sweep: str) -> dict[str, Recipe]:
    """Returns a recipe for each value of a sweep, by the name of the variant."""
    name, numbers = parse(sweep)
    return {
        f"{name.rpartition('.')[2]}={_in_digits(number)}": with_value(
            recipe, name, number
        )
        for number in numbers
    }


def value_of(recipe: Recipe, name: str) -> Any:
    """Returns the value that a recipe has, by its full name."""
    section, _, inner = name.rpartition(".")
    return getattr(getattr(recipe, section) if section else recipe, inner)


def with_value(recipe: Recipe, name: str, value: Any) -> Recipe:
    """Returns the recipe with another value, by its full name."""
    section, _, inner = name.rpartition(".")
    if section:
        inner, value = section, replace(getattr(recipe, section), **{inner: value})
    return replace(recipe, **{inner: value})
