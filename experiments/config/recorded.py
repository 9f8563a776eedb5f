"""A recipe from the first line of a run, which may be of another version."""

from collections.abc import Mapping
from dataclasses import is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from .recipe import Recipe


def _value(kind: Any, value: Any, name: str) -> Any:
    """Returns a value from JSON as one of a field's type.

    Raises:
      ValueError: If it is none.
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        if isinstance(value, Mapping):
            return _instance(kind, value, f"{name}.")
    elif origin is UnionType or type(None) in arguments:
        return None if value is None else _value(arguments[0], value, name)
    elif origin is Literal:
        if value in arguments:
            return value
    elif origin is tuple and isinstance(value, list):
        kinds = arguments[:1] * len(value) if arguments[-1] is ... else arguments
        if len(kinds) == len(value):
            return tuple(
                _value(each, inner, name)
                for each, inner in zip(kinds, value, strict=True)
            )
    elif kind is float and type(value) is int:
        return float(value)
    elif kind is Path and isinstance(value, str | Path):
        return Path(value)
    elif type(value) is kind:
        return value
    raise ValueError(f"its {name} is {value!r:.40}")


def _instance(kind: Any, content: Mapping[str, Any], name: str = "") -> Any:
    kinds = get_type_hints(kind)
    unknown = [each for each in content if each not in kinds]
    if unknown:
        raise ValueError(f"its {name}{unknown[0]} is unknown to this version")
    return kind(
        **{
            each: _value(kinds[each], value, f"{name}{each}")
            for each, value in content.items()
        }
    )


def recipe(content: Mapping[str, Any]) -> Recipe:
    """Returns the recipe that was recorded.

    What an earlier version did not record gets its default.

    Raises:
      ValueError: If a field is unknown, or of another type.
      UserError: If a value is impossible.
    """
    return _instance(Recipe, content)
