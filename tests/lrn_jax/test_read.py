"""Model files: what is read of each format, what is warned of, what damage does."""

import io
import json
import os
import random
import struct
import sys
from dataclasses import replace

import flatbuffers
import numpy as np
import pytest
import scipy.io
import tflite

import lrn_jax
from lrn_jax import conventions
from lrn_jax.conventions import Layer, ModelFileError, _read, read
from lrn_jax.conventions.__main__ import main
from lrn_jax.conventions._read import _mat

# Layers of networks as they were published: the deploy.prototxt of each.
ALEXNET_FILE = """
name: "AlexNet"
layer {
  name: "data"
  type: "Input"
  top: "data"
  input_param { shape: { dim: 10 dim: 3 dim: 227 dim: 227 } }
}
layer {
  name: "conv1"
  type: "Convolution"
  bottom: "data"
  top: "conv1"
  param {
    lr_mult: 1
    decay_mult: 1
  }
  convolution_param {
    num_output: 96
    kernel_size: 11
    stride: 4
  }
}
layer {
  name: "norm1"
  type: "LRN"
  bottom: "conv1"
  top: "norm1"
  lrn_param {
    local_size: 5
    alpha: 0.0001
    beta: 0.75
  }
}
"""
NETWORKS = {
    "norm1": ALEXNET_FILE,
    # CaffeNet has the norm after the pooling, GoogLeNet has another name.
    "norm2": ALEXNET_FILE.replace("norm1", "norm2").replace('"conv1"', '"pool2"'),
    "pool1/norm1": ALEXNET_FILE.replace("norm1", "pool1/norm1"),
}


@pytest.mark.parametrize("syntax", ["new", "old"])
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_of_caffe(name, syntax, tmp_path):
    text = NETWORKS[name]
    if syntax == "old":
        text = text.replace("layer {", "layers {").replace('"LRN"', "LRN")
        text = text.replace('"Convolution"', "CONVOLUTION")
    (layer,) = read_bytes(tmp_path, "deploy.prototxt", text.encode())
    assert layer.name == name
    assert layer.written == {"local_size": 5, "alpha": 1e-4, "beta": 0.75}
    assert layer.arguments == conventions.caffe_alexnet(axis=1)
    assert layer.warnings == ("Not in the file, Caffe's default: k=1.",)


def read_bytes(folder, name, data):
    path = folder / name
    path.write_bytes(data)
    return read(path)


# One file of each format, made by hand, and the layers in it.


def field(number, value):
    """A field of a message in the binary format of Protocol Buffers."""
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value % 2**64)
    data = value.encode() if isinstance(value, str) else b"".join(value)
    return varint(number << 3 | 2) + varint(len(data)) + data


def varint(value):
    low, high = value & 127, value >> 7
    return bytes([low | 128]) + varint(high) if high else bytes([low])


def onnx_value(name, shape):
    dims = [field(1, [field(1, dim)]) for dim in shape]
    tensor = [field(1, 1), field(2, dims)]
    return [field(1, name), field(2, [field(1, tensor)])]


def onnx_node(name, source, target, operator="LRN", **attributes):
    kinds = {int: (3, 2), float: (2, 1), list: (6, 5)}
    made = []
    for key, value in attributes.items():
        number, kind = kinds[type(value)]
        made.append([field(1, key), field(number, value), field(20, kind)])
    return [
        *(field(1, source), field(2, target), field(3, name), field(4, operator)),
        *(field(5, attribute) for attribute in made),
    ]


def onnx_model(nodes, producer="by hand", functions=()):
    graph = [
        *(field(1, node) for node in nodes),
        field(2, "graph"),
        field(11, onnx_value("x", [1, 96, 55, 55])),
        field(11, onnx_value("c", [])),
        field(12, onnx_value("y", [1, 96, 55, 55])),
    ]
    return b"".join(
        [
            *(
                field(1, 8),
                field(2, producer),
                field(7, graph),
                field(8, [field(2, 13)]),
            ),
            *(field(25, function) for function in functions),
        ]
    )


BRANCH = [
    field(1, onnx_node("inner", "r", "s", size=3, alpha=0.3, beta=0.5, bias=2.0)),
    field(2, "branch"),
    field(12, onnx_value("s", [1, 96, 55, 55])),
]
FUNCTION = [  # whose LRN has the function's attribute for its own
    field(1, "local"),
    field(7, onnx_node("", "x", "y", size=5)),
    field(7, [*onnx_node("n", "x", "y"), field(5, [field(1, "size"), field(21, "s")])]),
]
ONNX = onnx_model(
    [
        onnx_node("relu", "x", "r", "Relu"),
        onnx_node("norm1", "r", "n", size=5, alpha=1e-4, beta=0.75, bias=1.0),
        onnx_node("if", "c", "y", "If", then_branch=BRANCH, else_branch=BRANCH),
    ],
    functions=[FUNCTION],
)


def attribute(key, value):
    number = 3 if isinstance(value, int) else 4
    value = value if isinstance(value, list) else [field(number, value)]
    return field(5, [field(1, key), field(2, value)])


def tf_shape(*lengths):
    return [field(2, [field(1, length)]) for length in lengths]


TF_NUMBERS = [
    attribute("depth_radius", 2),
    attribute("bias", 1.0),
    attribute("alpha", 2e-5),
    attribute("beta", 0.75),
]
TF_NODES = [
    [
        *(field(1, "x"), field(2, "Placeholder")),
        attribute("shape", [field(7, tf_shape(-1, 55, 55, 96))]),
    ],
    [field(1, "norm1"), field(2, "LRN"), field(3, "x:0"), *TF_NUMBERS],
]
GRAPH = b"".join(field(1, node) for node in TF_NODES)
LIBRARY_NODE = [field(1, "norm"), field(2, "LRN"), field(3, "x"), *TF_NUMBERS[:1]]
LIBRARY_NODE.append(attribute("alpha", [field(9, "a")]))
LIBRARY = [field(1, [field(1, [field(1, "call")]), field(3, LIBRARY_NODE)])]
SAVED_MODEL = b"".join(
    [
        field(1, 1),
        field(2, [field(1, [field(4, "serve")]), field(2, [GRAPH, field(2, LIBRARY)])]),
    ]
)
GRAPH_AS_TEXT = b"""
node { name: "x" op: "Placeholder"
  attr { key: "_output_shapes" value { list {
    shape { dim { size: 8 } dim { size: 55 } dim { size: 55 } dim { size: 96 } } } } } }
node {
  name: "norm1" op: "LRN" input: "x"  # with the default of beta
  attr { key: "T" value { type: DT_FLOAT } }
  attr { key: "depth_radius" value { i: 2 } }
  attr { key: "bias" value { f: 1 } }
  attr { key: "alpha" value { f: 2e-05 } }
}
versions { producer: 1 }
"""


def tflite_model():
    builder = flatbuffers.Builder()

    def vector(items, *, tables=True):
        builder.StartVector(4, len(items), 4)
        for item in reversed(items):
            (builder.PrependUOffsetTRelative if tables else builder.PrependInt32)(item)
        return builder.EndVector()

    def tensor(text):
        name, shape = builder.CreateString(text), vector([1, 55, 55, 96], tables=False)
        tflite.TensorStart(builder)
        tflite.TensorAddShape(builder, shape)
        tflite.TensorAddName(builder, name)
        return tflite.TensorEnd(builder)

    tflite.LocalResponseNormalizationOptionsStart(builder)
    tflite.LocalResponseNormalizationOptionsAddRadius(builder, 2)
    tflite.LocalResponseNormalizationOptionsAddBias(builder, 1.0)
    tflite.LocalResponseNormalizationOptionsAddAlpha(builder, 2e-5)
    tflite.LocalResponseNormalizationOptionsAddBeta(builder, 0.75)
    options = tflite.LocalResponseNormalizationOptionsEnd(builder)
    inputs, outputs = vector([0], tables=False), vector([1], tables=False)
    tflite.OperatorStart(builder)
    tflite.OperatorAddInputs(builder, inputs)
    tflite.OperatorAddOutputs(builder, outputs)
    tflite.OperatorAddBuiltinOptions(builder, options)
    operators = vector([tflite.OperatorEnd(builder)])
    tensors = vector([tensor("x"), tensor("norm1")])
    tflite.SubGraphStart(builder)
    tflite.SubGraphAddTensors(builder, tensors)
    tflite.SubGraphAddOperators(builder, operators)
    subgraphs = vector([tflite.SubGraphEnd(builder)])
    tflite.OperatorCodeStart(builder)
    tflite.OperatorCodeAddDeprecatedBuiltinCode(builder, 13)
    codes = vector([tflite.OperatorCodeEnd(builder)])
    tflite.ModelStart(builder)
    tflite.ModelAddOperatorCodes(builder, codes)
    tflite.ModelAddSubgraphs(builder, subgraphs)
    builder.Finish(tflite.ModelEnd(builder), b"TFL3")
    return bytes(builder.Output())


PARAM = {"param": np.array([5, 2, 1e-4, 0.75])}


def mat_file(variables, *, compressed):
    file = io.BytesIO()
    scipy.io.savemat(file, variables, do_compression=compressed)
    return file.getvalue()


def simple_network(compressed=True):
    layers = [
        {"type": "conv", "name": "conv1", "weights": np.ones((11, 11, 3, 96))},
        {"type": "normalize", "name": "norm1", **PARAM},
        {"type": "lrn", **PARAM},
    ]
    cells = np.array(layers, dtype=object)
    return mat_file({"layers": cells, "meta": {}}, compressed=compressed)


def graph_network():
    layers = np.empty(2, [("name", "O"), ("type", "O"), ("block", "O")])
    layers[0] = ("relu1", "dagnn.ReLU", {"leak": 0.0})
    layers[1] = ("norm1", "dagnn.LRN", PARAM)
    return mat_file({"net": {"layers": layers}}, compressed=False)


DARKNET = b"""
# with comments
[net]
batch=1

[convolutional]
filters=96
size=11

[normalization]
size = 5
alpha=.0001
"""

NNEF = b"""
version 1.0;

graph network( external1 ) -> ( y )
{
  external1 = external(shape = [1, 96, 55, 55]);  # not local_response_normalization(
  n = local_response_normalization(external1, size = [1, 5, 1, 1], alpha = 0.0001,
    beta = 0.75, bias = 1.0);
  y = relu(local_response_normalization(n, [1, 1, 1, 5], 1e-4, beta = b));
}
"""

ALEXNET = conventions.caffe_alexnet(axis=1)
PAPER = conventions.alexnet_as_printed(axis=2)
LAST = conventions.caffe_alexnet()
NUMBERS = {"size": 5, "alpha": 1e-4, "beta": 0.75, "bias": 1.0}
RADIUS = {"depth_radius": 2, "bias": 1.0, "alpha": 2e-5, "beta": 0.75}
INNER_NUMBERS = {"size": 3, "alpha": 0.3, "beta": 0.5, "bias": 2.0}
INNER = conventions.onnx(**INNER_NUMBERS)
LITE = {"radius": 2, "bias": 1.0, "alpha": 2e-5, "beta": 0.75}
MATCONVNET = {"param": [5.0, 2.0, 1e-4, 0.75]}
SHAPE = (1, 96, 55, 55)

FILES = {
    "model.onnx": (
        ONNX,
        [
            Layer("norm1", "ONNX", NUMBERS, ALEXNET, SHAPE),
            Layer("if/then_branch/inner", "ONNX", INNER_NUMBERS, INNER, SHAPE),
            Layer("if/else_branch/inner", "ONNX", INNER_NUMBERS, INNER, SHAPE),
            Layer("local/y", "ONNX", {"size": 5}, ALEXNET),
            Layer("local/n", "ONNX", {"size": "s of the function"}, None),
        ],
    ),
    "net.prototxt": (
        ALEXNET_FILE.encode(),
        [
            Layer(
                "norm1",
                "Caffe",
                {"local_size": 5, "alpha": 1e-4, "beta": 0.75},
                ALEXNET,
            )
        ],
    ),
    "graph.pb": (
        GRAPH,
        [Layer("norm1", "TensorFlow", RADIUS, LAST, (None, 55, 55, 96))],
    ),
    "saved_model.pb": (
        SAVED_MODEL,
        [
            Layer("norm1", "TensorFlow", RADIUS, LAST, (None, 55, 55, 96)),
            Layer(
                "call/norm",
                "TensorFlow",
                {"depth_radius": 2, "alpha": "a of the function"},
                None,
            ),
        ],
    ),
    "graph.pbtxt": (
        GRAPH_AS_TEXT,
        [
            Layer(
                "norm1",
                "TensorFlow",
                {"depth_radius": 2, "bias": 1, "alpha": 2e-5},
                conventions.tensorflow(depth_radius=2, alpha=2e-5),
                (8, 55, 55, 96),
            )
        ],
    ),
    "model.tflite": (
        tflite_model(),
        [Layer("norm1", "TensorFlow Lite", LITE, LAST, (1, 55, 55, 96))],
    ),
    "simple.mat": (
        simple_network(),
        [
            Layer("norm1", "MatConvNet", MATCONVNET, PAPER),
            Layer("layer 3", "MatConvNet", MATCONVNET, PAPER),
        ],
    ),
    "plain.mat": (
        simple_network(compressed=False),
        [
            Layer("norm1", "MatConvNet", MATCONVNET, PAPER),
            Layer("layer 3", "MatConvNet", MATCONVNET, PAPER),
        ],
    ),
    "graph.mat": (
        graph_network(),
        [Layer("norm1", "MatConvNet", MATCONVNET, PAPER)],
    ),
    "net.cfg": (
        DARKNET,
        [
            Layer(
                "layer 1",
                "Darknet",
                {"size": 5, "alpha": 1e-4},
                conventions.darknet(),
            )
        ],
    ),
    "graph.nnef": (
        NNEF,
        [
            Layer(
                "n",
                "NNEF",
                {"size": [1, 5, 1, 1], "alpha": 1e-4, "beta": 0.75, "bias": 1.0},
                ALEXNET,
            ),
            Layer(
                "local_response_normalization",
                "NNEF",
                {"size": [1, 1, 1, 5], "alpha": 1e-4, "beta": "b"},
                None,
            ),
        ],
    ),
}


@pytest.mark.parametrize("suffix", ["as it is", "another"])
@pytest.mark.parametrize("name", FILES)
def test_layers(name, suffix, tmp_path):
    data, expected = FILES[name]
    name = name if suffix == "as it is" else "model.bin"
    found = read_bytes(tmp_path, name, data)
    assert [replace(layer, warnings=()) for layer in found] == expected


@pytest.mark.parametrize("name", ["saved_model.pb", "graph.nnef"])
def test_folders(name, tmp_path):
    data, expected = FILES[name]
    read_bytes(tmp_path, name, data)
    assert len(read(tmp_path)) == len(expected)


def test_arguments_are_those_of_lrn(tmp_path):
    x = np.ones((2, 7, 3, 3), np.float32)
    (layer,) = read_bytes(tmp_path, "net.cfg", DARKNET)
    assert layer.arguments is not None
    assert lrn_jax.lrn(x, **layer.arguments).shape == x.shape


# Syntax.


def caffe(parameters, name="norm1"):
    return f'layer {{ name: "{name}" type: "LRN" lrn_param {{ {parameters} }} }}'


SYNTAX = {
    "brackets": caffe("local_size: 3").replace("{", "<").replace("}", ">") + "layer {}",
    "separators": caffe("local_size: 3, alpha: 1; beta: 0.5"),
    "comments": "# layer {\n" + caffe("local_size: 3 # 5\n"),
    "last prevails": caffe("local_size: 5 local_size: 3"),
    "colons": caffe("local_size: 3").replace(" {", ": {"),
    "lists": "a: [1, 2] b: [] c: [{d: 1}, {d: 2}] " + caffe("local_size: 3"),
    "extensions": "[some.name] { a: 1 } [other]: 'b' " + caffe("local_size: 3"),
    "strings": "a: 'b' \"c\" 'it\\'s' " + caffe("local_size: 3"),
    "type as a number": 'layers { type: 15 name: "norm1" lrn_param { local_size: 3 } }',
    "oldest": 'layers { layer { name: "norm1" type: "lrn" local_size: 3 } top: "a" }',
    "byte order mark": "\ufeff" + caffe("local_size: 3"),
}


@pytest.mark.parametrize("syntax", SYNTAX)
def test_syntax_of_text(syntax, tmp_path):
    (layer,) = read_bytes(tmp_path, "a", SYNTAX[syntax].encode())
    assert layer.name == "norm1"
    assert layer.written["local_size"] == 3


@pytest.mark.parametrize("text", ["1e-4", "0.0001", "9.99999974738e-05"])
def test_numbers_are_those_of_float32(text, tmp_path):
    (layer,) = read_bytes(tmp_path, "a", caffe(f"alpha: {text}").encode())
    assert layer.written == {"alpha": 1e-4}


def test_escapes_in_text(tmp_path):
    text = caffe("", r"\"\t\303\251\x41\'\\")
    (layer,) = read_bytes(tmp_path, "a", text.encode())
    assert layer.name == "\"\té\x41'\\"


# Warnings.

WITHIN = "norm_region: WITHIN_CHANNEL"
WRONG_AXIS = onnx_model([onnx_node("norm", "x", "y", size=5)]).replace(
    b"".join(onnx_value("x", SHAPE)), b"".join(onnx_value("x", [1, 55, 55, 96]))
)
CHANNELS_FIRST = GRAPH_AS_TEXT.replace(b"size: 96", b"size: 55")
CHANNELS_FIRST = CHANNELS_FIRST.replace(b"size: 55", b"size: 96", 1)

WARNINGS = {
    "default": (caffe("beta: 1"), "default: local_size=5, alpha=1, k=1."),
    "refused": (caffe("local_size: 4"), "`local_size` must be an odd integer"),
    "refused within": (caffe(f"{WITHIN} k: 2"), "`k` must be 1 in WITHIN_CHANNEL"),
    "unknown": (caffe("size: 4"), "`caffe` has no parameter `size`"),
    "text": (caffe("alpha: often"), "`alpha` is no number in the file: often."),
    "within": (caffe(WITHIN), "over the axes (2, 3), not over the channels alone."),
    "even": (DARKNET.replace(b"= 5", b"= 4"), "one element further after the centre"),
    "darknet": (DARKNET, "leaves the square of channel size // 2 out"),
    "axis": (NNEF.replace(b"= b", b"= 1"), "along axis 3, where the channels are on 1"),
    "pytorch": (
        onnx_model([onnx_node("a", "x", "y", size=5)], "pytorch"),
        "PyTorch made",
    ),
    "shape": (WRONG_AXIS, "along axis 1, but the input (1, 55, 55, 96) looks as if"),
    "first": (CHANNELS_FIRST, "looks as if its channels were on axis 1."),
    "matconvnet": (
        mat_file({"layers": {"type": "lrn", "param": [5, 1]}}, compressed=True),
        "`param` must be four numbers, but got [5",
    ),
    "onnx": (onnx_model([onnx_node("a", "x", "y")]), "`size` is not in the file."),
}


@pytest.mark.parametrize("case", WARNINGS)
def test_warnings(case, tmp_path):
    content, warning = WARNINGS[case]
    data = content if isinstance(content, bytes) else content.encode()
    layer = read_bytes(tmp_path, "a", data)[-1]
    assert any(warning in each for each in layer.warnings), layer.warnings
    refused = case in (
        "refused",
        "refused within",
        "unknown",
        "text",
        "matconvnet",
        "onnx",
    )
    assert (layer.arguments is None) is refused


def test_no_warning_without_a_reason(tmp_path):
    for name in ("graph.pb", "model.tflite", "simple.mat"):
        assert not read_bytes(tmp_path, name, FILES[name][0])[0].warnings
    assert not read_bytes(tmp_path, "model.onnx", ONNX)[0].warnings


# Damage.


@pytest.mark.parametrize("name", FILES)
def test_damage_is_refused_or_read(name, tmp_path):
    """No other error, whatever is cut off or changed: of both there is some."""
    data, _ = FILES[name]
    draw = random.Random(0)
    damaged = [data[:end] for end in range(0, len(data), 1 + len(data) // 60)]
    for _ in range(60):
        changed = bytearray(data)
        for _ in range(draw.randint(1, 8)):
            changed[draw.randrange(len(changed))] = draw.randrange(256)
        damaged.append(bytes(changed))
    damaged += [data[:8] + draw.randbytes(200), data + draw.randbytes(50)]
    refusals = []
    for each in damaged:
        try:
            read_bytes(tmp_path, name, each)
        except ModelFileError as error:
            refusals.append(str(error))
    assert 0 < len(refusals) < len(damaged)
    assert max(map(len, refusals)) < 600
    assert "\n" not in "".join(refusals)


def element(kind, data):
    return struct.pack("<II", kind, len(data)) + data + b"\0" * (-len(data) % 8)


def nested_cells(depth):
    inner = b""
    for _ in range(depth):
        flags, shape = struct.pack("<II", 1, 0), struct.pack("<ii", 1, 1)
        inner = element(5, shape) + element(1, b"layers") + element(14, inner)
        inner = element(6, flags) + inner
    return b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM" + element(14, inner)


HOSTILE = {
    "deep text": (b"layer {" * 10**5, "nested more than 100 deep"),
    "deep cells": (nested_cells(2000), "nested more than 100 deep"),
    "deep calls": (
        b"graph a(x)" + b"local_response_normalization(" * 10**4,
        "do not end",
    ),
    "string": (b'layer {\nname: "a', "line 2: a string does not end."),
    "mark": (b"layer { } }", "`}` is not expected there."),
    "scalar": (b"layer { lrn_param: 1 } layers: 1", "`layers` must be a message."),
    "message": (b"layer { type { } }", "`type` must not be a message."),
    "tag": (GRAPH + b"\x03", "no field begins there"),
    "varint": (GRAPH + b"\x08" + b"\xff" * 12, "does not end"),
    "other type": (GRAPH + field(1, 5), "the field `node` is of another type"),
    "no layers": (mat_file({"a": 1}, compressed=True), "it has no variable `layers`"),
    "HDF5": (b"MATLAB 7.3 MAT-file" + bytes(99), "save it with `-v7`"),
    "empty": (b"", "is empty."),
    "unknown": (b"\x7fELF" + bytes(99), "none of the known formats: TensorFlow Lite, "),
    "unknown text": (
        b"Hello",
        "none of the known formats: TensorFlow Lite, MatConvNet",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_refusals(case, tmp_path):
    data, message = HOSTILE[case]
    with pytest.raises(ModelFileError) as raised:
        read_bytes(tmp_path, "a", data)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.prototxt", bytes(9)), ("a.ONNX", b"\0"), ("a.mat", b"a"), ("a.tflite", b"a")],
)
def test_the_suffix_tells_what_the_content_does_not(name, data, tmp_path):
    with pytest.raises(ModelFileError, match="cannot be read as "):
        read_bytes(tmp_path, name, data)


def test_what_is_too_large_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / "model.onnx"
    with path.open("wb") as file:
        file.truncate(2**31)  # sparse
    with pytest.raises(ModelFileError, match="is larger than 2 GiB"):
        read(path)
    monkeypatch.setattr(_mat, "_LARGEST", 2**16)
    with pytest.raises(ModelFileError, match="a variable is larger than 1 GiB"):
        read_bytes(tmp_path, "net.mat", simple_network())
    monkeypatch.setattr(_read, "_LARGEST_TEXT", 100)
    with pytest.raises(ModelFileError, match="is text of more than 100 bytes"):
        read_bytes(tmp_path, "net.cfg", DARKNET)


def test_calls_of_functions_are_not_followed(tmp_path):
    """One that calls itself, and a tower that would be called 2^40 times."""
    functions = []
    for level in range(40):
        name, call = f"f{level}", f"f{min(level + 1, 39)}"
        calls = [onnx_node("", "x", "y", call), onnx_node("", "x", "z", call)]
        functions.append(
            [field(1, name), field(4, "x"), *(field(7, node) for node in calls)]
        )
    nodes = [onnx_node("", "x", "r", "f0"), onnx_node("norm", "r", "y", size=5)]
    (layer,) = read_bytes(tmp_path, "a", onnx_model(nodes, functions=functions))
    assert layer.name == "norm"


@pytest.mark.parametrize(
    ("name", "package"), [("model.onnx", "onnx"), ("model.tflite", "tflite")]
)
def test_packages_that_are_not_installed(name, package, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf"need the package {package}: `pip install"):
        read_bytes(tmp_path, name, FILES[name][0])


# The command.


@pytest.mark.parametrize("columns", [40, 80, 120])
@pytest.mark.parametrize("name", FILES)
def test_command_prints_a_table_that_fits(name, columns, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(columns))
    data, layers = FILES[name]
    read_bytes(tmp_path, name, data)
    assert main(["read", str(tmp_path / name)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= columns
    assert sum(line.startswith("Layer ") for line in lines) == len(layers)


def test_command_prints_json(tmp_path, capsys):
    def printed(name, data):
        read_bytes(tmp_path, name, data)
        assert main(["read", "--json", str(tmp_path / name)]) == 0
        return json.loads(capsys.readouterr().out)

    for name, (data, layers) in FILES.items():
        found = printed(name, data)
        assert [each["name"] for each in found] == [layer.name for layer in layers]
        assert all(each["warnings"] for each in found if each["arguments"] is None)
    (layer,) = printed("a", caffe("alpha: nan beta: 1e99").encode())
    assert layer["written"] == {"alpha": "nan", "beta": "inf"}  # JSON has neither


def test_command_says_that_there_is_none(tmp_path, capsys):
    (tmp_path / "a").write_text("layer { }")
    assert main(["read", str(tmp_path / "a")]) == 0
    assert capsys.readouterr().out.startswith("No such layer.\n")


def test_command_shows_text_as_text(tmp_path, capsys):
    name = "\x1b[31m\u202e" + "a" * 10**4
    (tmp_path / "a").write_text(caffe("alpha: \x1b[2J", name), encoding="utf-8")
    assert main(["read", str(tmp_path / "a")]) == 0
    shown = capsys.readouterr().out
    assert "\\x1b[31m\\u202eaaa" in shown
    assert all(each.isprintable() or each == "\n" for each in shown)
    assert len(shown) < 2000


def test_command_ends_in_one_line(tmp_path, capsys):
    (tmp_path / "empty\n").touch()
    (tmp_path / "text").write_text("Hello")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (
        tmp_path / "none",
        tmp_path / "empty\n",
        tmp_path / "text",
        tmp_path,
        pipe,
    ):
        assert main(["read", str(path)]) == 2
        printed = capsys.readouterr()
        assert not printed.out
        assert printed.err.startswith("error: ")
        assert printed.err.count("\n") == 1


def test_command_prints_the_conventions(capsys):
    assert main([]) == 0
    assert capsys.readouterr().out == f"{conventions.describe()}\n"


@pytest.mark.parametrize(
    ("name", "titles"),
    [
        ("torch", ["Framework        PyTorch"]),
        ("PyTorch", ["Framework        PyTorch"]),
        (
            "caffe",
            ["Framework        Caffe", "Framework        Caffe, within a channel"],
        ),
        (
            "AlexNet_as",
            ["Preset        AlexNet as printed", "Preset        AlexNet as t"],
        ),
    ],
)
def test_command_prints_all_of_one(name, titles, capsys):
    """The function of that name alone, or else what holds it."""
    assert main([name]) == 0
    blocks = capsys.readouterr().out.split("\n\n")
    assert len(blocks) == len(titles)
    for block, title in zip(blocks, titles, strict=True):
        assert block.startswith(title)
        assert "\nMore " in block


@pytest.mark.parametrize("name", ["tensorflaw", "\x1b[31m", ""])
def test_command_refuses_another_name_in_a_line(name, capsys):
    with pytest.raises(SystemExit, match="2"):
        main([name])
    _, error = capsys.readouterr().err.splitlines()
    assert "`name` must be that of a framework" in error
    assert "Known are tensorflow, tflite" in error
    assert error.isprintable()


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_table_fits_the_terminal(columns, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main([]) == 0
    head, *rows, _, more = capsys.readouterr().out.splitlines()
    assert max(map(len, [head, *rows])) <= columns
    assert ("Framework" in head) == (columns > 40)
    assert ("Axis" in head) == (columns > 40)
    assert len(rows) > 30
    assert more == "All of one: python -m lrn_jax.conventions NAME"
