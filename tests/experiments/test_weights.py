"""Weights of networks from ONNX files, and from NumPy's files of ports of Caffe."""

import pickle
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from experiments.data import weights_npy
from experiments.models import from_onnx
from experiments.models.alexnet import AlexNet
from experiments.terminal.errors import DataError

PARAMS = {
    "block": {
        "conv": {
            "kernel": jax.ShapeDtypeStruct((3, 2, 4, 6), jnp.float32),
            "bias": jax.ShapeDtypeStruct((6,), jnp.float32),
        }
    },
    "fc": {
        "kernel": jax.ShapeDtypeStruct((30, 7), jnp.float32),
        "bias": jax.ShapeDtypeStruct((7,), jnp.float32),
    },
}
LAYERS = ("block.conv", "fc")
RANDOM = np.random.default_rng(0)
KERNELS = {  # in Flax's layout
    name: RANDOM.standard_normal(shape).astype(np.float32)
    for name, shape in {"conv": (3, 2, 4, 6), "fc": (30, 7)}.items()
}
BIASES = {"conv": np.arange(6, dtype=np.float32), "fc": np.ones(7, np.float32)}
EXPECTED = {
    "block": {"conv": {"kernel": KERNELS["conv"], "bias": BIASES["conv"]}},
    "fc": {"kernel": KERNELS["fc"], "bias": BIASES["fc"]},
}


def assert_equal(params, expected):
    jax.tree.map(np.testing.assert_array_equal, params, expected)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights"


def save_onnx(path, *, arrays=None, bias="b", **gemm):
    """Saves a convolution and a dense layer, with names that say nothing."""
    arrays = {
        "a": np.moveaxis(KERNELS["conv"], (-1, -2), (0, 1)),
        "b": BIASES["conv"],
        "c": KERNELS["fc"].T if gemm.get("transB") else KERNELS["fc"],
        "d": BIASES["fc"],
    } | (arrays or {})
    nodes = [
        helper.make_node("Conv", ["x", "a", bias], ["y"]),
        helper.make_node("Flatten", ["y"], ["z"]),
        helper.make_node("Gemm", ["z", "c", "d"], ["out"], **gemm),
    ]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, None)],
        [helper.make_tensor_value_info("out", onnx.TensorProto.FLOAT, None)],
        [
            numpy_helper.from_array(np.ascontiguousarray(array), name)
            for name, array in arrays.items()
            if array is not None
        ],
    )
    onnx.save(helper.make_model(graph), path)


@pytest.mark.parametrize("transposed", [0, 1])
def test_onnx(path, transposed):
    save_onnx(path, transB=transposed)
    assert_equal(from_onnx.load(path, PARAMS, LAYERS), EXPECTED)


def test_onnx_of_channels_first(path):
    """The dense layer's inputs are (5, 3, 2) in the file and (3, 2, 5) here."""
    weight = KERNELS["fc"].reshape(3, 2, 5, 7).transpose(2, 0, 1, 3).reshape(30, 7)
    save_onnx(path, arrays={"c": weight})
    assert_equal(from_onnx.load(path, PARAMS, LAYERS, flattened={"fc": 5}), EXPECTED)


def test_beginning_of_a_network_in_onnx(path):
    save_onnx(path)
    block = {"block": PARAMS["block"]}
    params = from_onnx.load(path, block, LAYERS[:1], is_beginning=True)
    assert_equal(params, {"block": EXPECTED["block"]})
    with pytest.raises(DataError, match="expected 1 nodes Conv or Gemm, but it has 2"):
        from_onnx.load(path, block, LAYERS[:1])


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (
            {"arrays": {"b": np.zeros(5)}},
            r"block.conv.bias must have shape \(6,\), but",
        ),
        ({"transB": 1, "arrays": {"c": KERNELS["fc"]}}, r"fc.weight must have shape"),
        ({"arrays": {"e": np.zeros(6)}}, r"e of shape \(6,\) belong to no node"),
        ({"arrays": {"c": None}}, "'c', the weight of fc, among the initializers"),
        ({"bias": "", "arrays": {"b": None}}, r"block.conv.bias .* is missing"),
        ({"alpha": 2.0}, "expected a dense layer for fc, but its Gemm has"),
    ],
)
def test_onnx_that_does_not_fit(path, made, message):
    save_onnx(path, **made)
    with pytest.raises(DataError, match=message):
        from_onnx.load(path, PARAMS, LAYERS)


def test_onnx_that_cannot_be_read(path):
    with pytest.raises(DataError, match="cannot be read"):
        from_onnx.load(path, PARAMS, LAYERS)
    path.write_bytes(b"no such format")
    with pytest.raises(DataError, match="expected an ONNX file, but reading failed"):
        from_onnx.load(path, PARAMS, LAYERS)
    save_onnx(path)
    model = onnx.load(path)
    model.graph.initializer[0].raw_data = b"cut"
    onnx.save(model, path)
    with pytest.raises(DataError, match="is damaged: 'a' cannot be read"):
        from_onnx.load(path, PARAMS, LAYERS)


def named(weights, biases):
    return {"weights": weights, "biases": biases}


def as_list(weights, biases):
    return [weights, biases]


# The names of layers have no blocks in such files.
FLAT = PARAMS["block"] | {"fc": PARAMS["fc"]}


def save_npy(path, layers):
    with path.open("wb") as file:
        np.save(file, np.array(layers), allow_pickle=True)


@pytest.mark.parametrize("layer", [named, as_list])
def test_npy(path, layer):
    save_npy(path, {name: layer(KERNELS[name], BIASES[name]) for name in KERNELS})
    params = weights_npy.load(path, FLAT)
    assert_equal(params, EXPECTED["block"] | {"fc": EXPECTED["fc"]})


def test_npy_of_python_2(path):
    """As the published file: strings and contents are bytes, by protocol 2."""
    save_npy(path, {})
    header = path.read_bytes()[:128]
    assert header.endswith(b"\n")

    def text(value):
        return b"U" + bytes([len(value)]) + value

    def array(shape, dtype, content, flags=b"K\x00"):
        sizes = b"".join(b"K" + bytes([size]) for size in shape)
        return (
            b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85"
            + text(b"b")
            + b"tR(K\x01("
            + sizes
            + b"tcnumpy\ndtype\n("
            + text(dtype)
            + b"K\x00K\x01tR(K\x03"
            + text(b"<")
            + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xff"
            + flags
            + b"tb\x89"
            + content
            + b"tb"
        )

    def numbers(value):
        content = value.tobytes()
        return array(
            value.shape, b"f4", b"T" + len(content).to_bytes(4, "little") + content
        )

    layers = b"".join(
        text(name.encode())
        + b"]"
        + numbers(KERNELS[name])
        + b"a"
        + numbers(BIASES[name])
        + b"as"
        for name in KERNELS
    )
    content = b"\x80\x02" + array((), b"O8", b"]}" + layers + b"a", b"K\x3f") + b"."
    path.write_bytes(header + content)
    assert set(np.load(path, allow_pickle=True, encoding="latin1").item()) == set(
        KERNELS
    )
    params = weights_npy.load(path, FLAT)
    assert_equal(params, EXPECTED["block"] | {"fc": EXPECTED["fc"]})


def test_bvlc_alexnet_npy(path):
    """Its layers and shapes, but for narrower dense layers."""
    model = AlexNet(num_classes=10, num_hidden=8)
    images = jnp.ones((1, 67, 67, 3))
    params = jax.eval_shape(model.init, jax.random.key(0), images)["params"]
    layers = {
        name: named(*(RANDOM.random(layer[kind].shape) for kind in ("kernel", "bias")))
        for name, layer in params.items()
    }
    assert set(layers) == set(AlexNet.LAYERS)
    save_npy(path, layers)
    loaded = weights_npy.load(path, params)
    assert jax.eval_shape(lambda: loaded) == params
    kernel = layers["conv2"]["weights"].astype(np.float32)
    np.testing.assert_array_equal(loaded["conv2"]["kernel"], kernel)


def test_nothing_in_a_npy_is_run(path, tmp_path):
    class Evil:
        def __reduce__(self):
            return partial(open), (str(tmp_path / "run"), "w")

    for content in ({"conv": Evil()}, {"conv": [Evil(), KERNELS["conv"]]}, [Evil()]):
        array = np.empty((), object)
        array[()] = content
        save_npy(path, array)
        with pytest.raises(DataError, match=r"is refused: .* Nothing was run"):
            weights_npy.load(path, FLAT)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (np.zeros(3), "a dictionary of layers, but it has an array of float64"),
        ({"conv": named(KERNELS["conv"].astype(str), BIASES["conv"])}, "is damaged"),
        (np.array([1, 2], object), "is damaged, cut short or of another kind"),
        ({"conv": {"scale": BIASES["conv"]}}, r"conv.scale of shape \(6,\) is not a"),
        ({"conv": as_list(KERNELS["conv"], BIASES["fc"])}, r"conv.bias must have"),
        ({"conv": 3}, "something else is in it"),
    ],
)
def test_npy_that_does_not_fit(path, layers, message):
    save_npy(path, layers)
    with pytest.raises(DataError, match=message):
        weights_npy.load(path, FLAT)


def test_npy_that_cannot_be_read(path):
    with pytest.raises(DataError, match="cannot be read"):
        weights_npy.load(path, FLAT)
    for content in (b"", b"\x93NUMPY", pickle.dumps({})):
        path.write_bytes(content)
        with pytest.raises(DataError, match="expected a file of NumPy with"):
            weights_npy.load(path, FLAT)
    save_npy(path, {})
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match="is damaged, cut short"):
        weights_npy.load(path, FLAT)
