"""Layers as facts that fit the terminal, or as JSON."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from .. import _terminal
from ._layer import Layer, shown


def tabulate(layers: Sequence[Layer], width: int) -> str:
    """Returns a line or more for each fact, one layer below the other."""
    return _terminal.facts(map(_facts, layers), width)


def to_json(layers: Sequence[Layer]) -> str:
    """Returns a list with an object for each layer, by the names of its fields."""
    return json.dumps([_finite(asdict(layer)) for layer in layers], indent=2)


def _facts(layer: Layer) -> _terminal.Facts:
    shape = [
        "?" if length is None else str(length) for length in layer.input_shape or ()
    ]
    return [
        ("Layer", shown(layer.name) or "(no name)"),
        ("Framework", layer.framework),
        ("Written", _call(layer.written) or "nothing"),
        ("lrn", "unknown" if layer.arguments is None else _call(layer.arguments)),
        ("Input", " x ".join(shape) or "unknown"),
        *(("Check", warning) for warning in layer.warnings),
    ]


def _call(arguments: Mapping[str, Any]) -> str:
    return shown(
        ", ".join(
            # A name without quotes is one: WITHIN_CHANNEL.
            f"{name}={value if isinstance(value, str) else repr(value)}"
            for name, value in arguments.items()
        )
    )


def _finite(value: Any) -> Any:
    """Returns text for infinities and NaN, which JSON does not have."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return (
        str(value) if isinstance(value, float) and not math.isfinite(value) else value
    )
