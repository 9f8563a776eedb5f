"""ONNX: the operator LRN, in the graph, in graphs within it and in functions."""

from collections.abc import Iterator
from typing import Any

from .. import _frameworks
from . import _wire
from ._layer import Format, Layer, Shape, make_layer, require, shortest

_PYTORCH = (
    "PyTorch made the file, but writes no LRN itself: another program did, and may "
    "have divided alpha by the size or not. Compare this layer."
)


def _layers(data: bytes) -> Iterator[Layer]:
    onnx = require("onnx", "ONNX files")
    model = onnx.load_model_from_string(data)
    functions = [*model.functions]
    found = [*_nodes(model.graph, "", {})]
    if found:
        found = [*_nodes(_with_shapes(onnx, model).graph, "", {})]
    for function in functions:
        found += _nodes(function, f"{function.name}/", {})
    warnings = [_PYTORCH] * model.producer_name.lower().startswith("pytorch")
    for name, node, shape in found:
        written = {each.name: _value(each) for each in node.attribute}
        yield make_layer(
            "ONNX",
            _frameworks.onnx,
            name,
            written,
            channels=1,
            input_shape=shape,
            warnings=warnings,
        )


def _with_shapes(onnx: Any, model: Any) -> Any:
    """Returns the model with the shapes that the onnx package infers, where it can."""
    try:
        # It would follow every call of a function; a small file can make billions.
        del model.functions[:]
        return onnx.shape_inference.infer_shapes(model)
    except Exception:  # the shapes in the file remain; the package has many errors
        return model


def _nodes(
    graph: Any, prefix: str, known: dict[str, Shape | None]
) -> Iterator[tuple[str, Any, Shape | None]]:
    """Yields names, nodes and the shapes of their inputs: graphs within graphs, too."""
    if hasattr(graph, "initializer"):  # a function has neither those nor shapes
        described = (*graph.input, *graph.value_info, *graph.output)
        known = known | {each.name: _shape(each) for each in described}
    for node in graph.node:
        if node.op_type == "LRN" and node.domain in ("", "ai.onnx"):
            name = node.name or (node.output[0] if node.output else "")
            yield prefix + name, node, known.get(node.input[0] if node.input else "")
        for each in node.attribute:
            for inner in (each.g, *each.graphs):
                yield from _nodes(inner, f"{prefix}{node.name}/{each.name}/", known)


def _shape(described: Any) -> Shape | None:
    tensor = described.type.tensor_type
    if not tensor.HasField("shape"):
        return None
    return tuple(
        axis.dim_value if axis.HasField("dim_value") else None
        for axis in tensor.shape.dim
    )


def _value(attribute: Any) -> Any:
    if attribute.ref_attr_name:
        return f"{attribute.ref_attr_name} of the function"
    kinds = attribute.AttributeType
    if attribute.type == kinds.FLOAT:
        return shortest(attribute.f)
    if attribute.type == kinds.INT:
        return attribute.i
    return f"a value of type {attribute.type}"


def _recognises(data: bytes) -> bool:
    # ModelProto: the version of the format, the graph or the versions of operators.
    found = _wire.outline(data)
    return found.get(1, (None,))[0] == 0 and (7 in found or 8 in found)


FORMAT = Format("ONNX", (".onnx",), _recognises, _layers, binary=True)
