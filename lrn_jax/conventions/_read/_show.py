"""Layers as a table that fits the terminal, or as JSON."""

import json
import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ._layer import Layer, shown


def tabulate(layers: Sequence[Layer], width: int) -> str:
    """Returns a table with a row for each fact, one layer below the other."""
    return "\n\n".join(
        "\n".join(
            line
            for head, text in _facts(layer)
            for line in textwrap.wrap(
                text,
                max(width, 24),
                initial_indent=head.ljust(11),
                subsequent_indent=" " * 11,
            )
        )
        for layer in layers
    )


def to_json(layers: Sequence[Layer]) -> str:
    """Returns a list with an object for each layer, by the names of its fields."""
    return json.dumps([_finite(asdict(layer)) for layer in layers], indent=2)


def _facts(layer: Layer) -> Iterator[tuple[str, str]]:
    yield "Layer", shown(layer.name) or "(no name)"
    yield "Framework", layer.framework
    yield "Written", _call(layer.written) or "nothing"
    yield "lrn", "unknown" if layer.arguments is None else _call(layer.arguments)
    shape = [
        "?" if length is None else str(length) for length in layer.input_shape or ()
    ]
    yield "Input", " x ".join(shape) or "unknown"
    for warning in layer.warnings:
        yield "Check", warning


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
