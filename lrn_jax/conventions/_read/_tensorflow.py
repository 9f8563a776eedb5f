"""TensorFlow: the operator LRN in a GraphDef or a SavedModel, as bytes or as text."""

import re
from collections.abc import Iterator
from typing import Any

from .. import _frameworks
from . import _text, _wire
from ._layer import Format, Layer, Shape, make_layer, number
from ._text import Message, messages, scalar

# Numbers of fields in tensorflow/core: framework/graph.proto, node_def.proto,
# attr_value.proto, tensor_shape.proto, function.proto; protobuf/saved_model.proto,
# protobuf/meta_graph.proto.
_SHAPE: _wire.Schema = {
    2: ("dim", {1: ("size", "integer")}),
    3: ("unknown_rank", "integer"),
}
_VALUE: _wire.Schema = {
    1: ("list", {7: ("shape", _SHAPE)}),
    3: ("i", "integer"),
    4: ("f", "float"),
    7: ("shape", _SHAPE),
    9: ("placeholder", "text"),
}
_NODE: _wire.Schema = {
    1: ("name", "text"),
    2: ("op", "text"),
    3: ("input", "text"),
    5: ("attr", {1: ("key", "text"), 2: ("value", _VALUE)}),
}
_FUNCTION: _wire.Schema = {
    1: ("signature", {1: ("name", "text")}),
    3: ("node_def", _NODE),
}
_GRAPH: _wire.Schema = {
    1: ("node", _NODE),
    2: ("library", {1: ("function", _FUNCTION)}),
}
_SAVED_MODEL: _wire.Schema = {2: ("meta_graphs", {2: ("graph_def", _GRAPH)})}

_FIELDS = {"depth_radius": "i", "bias": "f", "alpha": "f", "beta": "f"}


def _layers(file: Message) -> Iterator[Layer]:
    graphs = [
        graph
        for meta_graph in messages(file, "meta_graphs")
        for graph in messages(meta_graph, "graph_def")
    ]
    for graph in graphs or [file]:
        yield from _layers_of_nodes(messages(graph, "node"), "")
        for library in messages(graph, "library"):
            for function in messages(library, "function"):
                (signature, *_) = messages(function, "signature") or [{}]
                prefix = f"{scalar(signature, 'name')}/"
                yield from _layers_of_nodes(messages(function, "node_def"), prefix)


def _layers_of_nodes(nodes: list[Message], prefix: str) -> Iterator[Layer]:
    producers = {scalar(node, "name"): node for node in nodes}
    for node in nodes:
        if scalar(node, "op") != "LRN":
            continue
        attributes = _attributes(node)
        written = {
            name: _number(attributes[name], field)
            for name, field in _FIELDS.items()
            if name in attributes
        }
        yield make_layer(
            "TensorFlow",
            _frameworks.tensorflow,
            f"{prefix}{scalar(node, 'name') or ''}",
            written,
            channels=-1,
            input_shape=_input_shape(node, producers),
        )


def _attributes(node: Message) -> dict[str, Message]:
    return {
        scalar(entry, "key"): value
        for entry in messages(node, "attr")
        for value in messages(entry, "value")
    }


def _number(value: Message, field: str) -> int | float | str:
    """Returns the number, or the function's attribute that stands for it."""
    found = scalar(value, field)
    if found is None:
        return f"{scalar(value, 'placeholder')} of the function"
    return number(found) if isinstance(found, str) else found


def _input_shape(node: Message, producers: dict[Any, Message]) -> Shape | None:
    """Returns the shape that the file has of the output, or of the first input."""
    name, _, output = (node.get("input") or [""])[0].partition(":")
    source = producers.get(name, {}) if output.rpartition(":")[2] in ("", "0") else {}
    shapes: list[Message] = []
    for attributes in (_attributes(node), _attributes(source)):
        for each in messages(attributes.get("_output_shapes", {}), "list"):
            shapes += messages(each, "shape")
        shapes += messages(attributes.get("shape", {}), "shape")
    if not shapes or scalar(shapes[0], "unknown_rank") in (1, "true", "1"):
        return None
    lengths = [int(scalar(axis, "size") or 0) for axis in messages(shapes[0], "dim")]
    return tuple(None if length < 0 else length for length in lengths)


def _is_graph(data: bytes) -> bool:
    # The first field is a node, and begins with its name.
    return _wire.outline(data).get(1) == (2, b"\n")


def _is_saved_model(data: bytes) -> bool:
    # A version, then graphs, which begin with what is said about them.
    return _wire.outline(data) == {1: (0, b""), 2: (2, b"\n")}


_IS_TEXT = re.compile(r"\b(?:node|meta_graphs)\s*+:?\s*+\{")

FORMATS = (
    Format(
        "TensorFlow SavedModel",
        ("saved_model.pb",),
        _is_saved_model,
        lambda data: _layers(_wire.parse(data, _SAVED_MODEL)),
        binary=True,
    ),
    Format(
        "TensorFlow GraphDef",
        (".pb",),
        _is_graph,
        lambda data: _layers(_wire.parse(data, _GRAPH)),
        binary=True,
    ),
    Format(
        "TensorFlow text",
        (".pbtxt",),
        lambda text: _IS_TEXT.search(text) is not None,
        lambda text: _layers(_text.parse(text)),
    ),
)
