"""NNEF: graphs as text (graph.nnef)."""

import re
from collections.abc import Iterator
from typing import Any

from .. import _frameworks
from ._layer import Format, Layer, ModelFileError, make_layer, number

_GRAPH = re.compile(r"^[ \t]*+graph[ \t]++\w++\s*+\(", re.MULTILINE)
_TOKEN = re.compile(r"""\s++|\#[^\n]*+|("[^"\n]*+"|'[^'\n]*+'|[\w.+-]++|.)""")
_OPERATION = "local_response_normalization"
_PARAMETERS = ("input", "size", "alpha", "beta", "bias")
_DEEPEST = 100


def _layers(text: str) -> Iterator[Layer]:
    tokens = [match[1] for match in _TOKEN.finditer(text) if match[1]]
    for index, token in enumerate(tokens):
        before = tokens[max(0, index - 2) : index]
        if token != _OPERATION or before[-1:] == ["fragment"]:
            continue
        written = {}
        for position, argument in enumerate(_arguments(tokens, index + 1)):
            if argument[1:2] == ["="]:
                written[argument[0]] = _value(argument[2:])
            elif position < len(_PARAMETERS):
                written[_PARAMETERS[position]] = _value(argument)
        written.pop("input", None)
        assigned = len(before) == 2 and before[1] == "="
        yield make_layer(
            "NNEF",
            _frameworks.nnef,
            before[0] if assigned else _OPERATION,
            written,
            channels=1,
        )


def _arguments(tokens: list[str], opening: int) -> list[list[str]]:
    """Returns the tokens of each argument of a call."""
    arguments: list[list[str]] = [[]]
    depth = 0
    for position in range(opening, len(tokens)):
        token = tokens[position]
        depth += (token in "([{") - (token in ")]}")
        if depth == 0:
            return arguments
        if depth > _DEEPEST:
            break
        if depth == 1 and token == ",":
            arguments.append([])
        elif position > opening:
            arguments[-1].append(token)
    raise ModelFileError(f"the arguments of a {_OPERATION} do not end.")


def _value(tokens: list[str]) -> Any:
    """Returns a number, a list of numbers, or any other expression as text."""
    if len(tokens) == 1:
        return number(tokens[0])
    if tokens[:1] == ["["] and tokens[-1:] == ["]"]:
        return [number(token) for token in tokens[1:-1] if token != ","]
    return " ".join(tokens)


FORMAT = Format(
    "NNEF", (".nnef",), lambda text: _GRAPH.search(text) is not None, _layers
)
