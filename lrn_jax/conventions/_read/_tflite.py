"""TensorFlow Lite: the operator LOCAL_RESPONSE_NORMALIZATION."""

from collections.abc import Iterator
from typing import Any

from .. import _frameworks
from ._layer import Format, Layer, ModelFileError, Shape, make_layer, require, shortest

_MOST_AXES = 16


def _layers(data: bytes) -> Iterator[Layer]:
    tflite = require("tflite", "TensorFlow Lite files")
    model = tflite.Model.GetRootAs(data)
    wanted = tflite.BuiltinOperator.LOCAL_RESPONSE_NORMALIZATION
    seen = 0
    for graph in map(model.Subgraphs, range(model.SubgraphsLength())):
        for operator in map(graph.Operators, range(graph.OperatorsLength())):
            # Parts of a file may be used twice, so that it never ends.
            seen += 1
            if seen > len(data):
                raise ModelFileError("it claims to hold more operators than fit in it.")
            if _code(model, operator) == wanted:
                yield _layer(tflite, graph, operator)


def _code(model: Any, operator: Any) -> int:
    if operator.OpcodeIndex() >= model.OperatorCodesLength():
        raise ModelFileError("an operator has no code.")
    code = model.OperatorCodes(operator.OpcodeIndex())
    # The newer field holds codes above 127; older files have the older one alone.
    return max(code.BuiltinCode(), code.DeprecatedBuiltinCode())


def _layer(tflite: Any, graph: Any, operator: Any) -> Layer:
    options = tflite.LocalResponseNormalizationOptions()
    table = operator.BuiltinOptions()
    if table is None:
        raise ModelFileError("an operator has no options.")
    options.Init(table.Bytes, table.Pos)
    written = {
        "radius": options.Radius(),
        "bias": shortest(options.Bias()),
        "alpha": shortest(options.Alpha()),
        "beta": shortest(options.Beta()),
    }
    before, after = (
        _tensor(graph, indices(0) if length() else -1)
        for indices, length in (
            (operator.Inputs, operator.InputsLength),
            (operator.Outputs, operator.OutputsLength),
        )
    )
    return make_layer(
        "TensorFlow Lite",
        _frameworks.tflite,
        (after.Name() or b"").decode(errors="backslashreplace") if after else "",
        written,
        channels=-1,
        input_shape=_shape(before) if before else None,
    )


def _tensor(graph: Any, index: int) -> Any:
    return graph.Tensors(index) if 0 <= index < graph.TensorsLength() else None


def _shape(tensor: Any) -> Shape:
    # Only the signature, where there is one, tells an unknown length from 1.
    length, axis = tensor.ShapeSignatureLength(), tensor.ShapeSignature
    if not length:
        length, axis = tensor.ShapeLength(), tensor.Shape
    if length > _MOST_AXES:
        raise ModelFileError(f"a tensor has {length} axes.")
    lengths = map(axis, range(length))
    return tuple(None if length < 0 else length for length in lengths)


FORMAT = Format(
    "TensorFlow Lite",
    (".tflite",),
    lambda data: data[4:8] == b"TFL3",
    _layers,
    binary=True,
)
