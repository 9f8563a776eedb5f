"""OpenCV: the layer LRN of its module dnn, from prototxt and from ONNX, in float32."""

import jax.numpy as jnp
import numpy as np
import pytest

from lrn_jax import conventions, lrn

from . import grid

cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")

# The power by exp and log: each costs some units in the last place.
TOLERANCE = 5e-6


def run(net, x):
    net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
    net.setInput(x)
    return net.forward()


@pytest.fixture
def prototxt(tmp_path):
    """Makes a network of one LRN, out of the fields of its `lrn_param`."""
    if not hasattr(cv2.dnn, "readNetFromCaffe"):
        pytest.skip(f"OpenCV {cv2.__version__} reads no prototxt: install 4.x")

    def make(shape, **fields):
        # It takes the words true and false for 0, both of them.
        numbers = {n: int(v) if isinstance(v, bool) else v for n, v in fields.items()}
        given = " ".join(f"{name}: {value}" for name, value in numbers.items())
        dimensions = " ".join(f"input_dim: {size}" for size in shape)
        layer = 'name: "n" type: "LRN" bottom: "x" top: "y"'
        path = tmp_path / "net.prototxt"
        path.write_text(
            f'input: "x" {dimensions} layer {{ {layer} lrn_param {{ {given} }} }}'
        )
        return cv2.dnn.readNetFromCaffe(str(path))

    return make


@pytest.mark.parametrize("channels", grid.CHANNELS)
@pytest.mark.parametrize("norm_region", ["ACROSS_CHANNELS", "WITHIN_CHANNEL"])
@pytest.mark.parametrize("size", [1, 3, 5, 7])
def test_values(prototxt, size, norm_region, channels):
    bias, alpha, beta = grid.numbers(size + channels)
    given = {
        "local_size": size,
        "alpha": alpha,
        "beta": beta,
        "bias": bias,
        "norm_region": norm_region,
        "norm_by_size": size != 5,
    }
    x = grid.normal((2, channels, 6, 5)).astype(np.float32)
    y = lrn(jnp.asarray(x), **conventions.opencv(**given))
    np.testing.assert_allclose(y, run(prototxt(x.shape, **given), x), rtol=TOLERANCE)


@pytest.mark.parametrize(
    "given", [{}, {"k": 3.0}, {"engine": "CAFFE"}, {"norm_region": "WITHIN_CHANNEL"}]
)
def test_defaults_and_what_has_no_effect(prototxt, given):
    x = 50 * grid.normal((2, 7, 6, 5)).astype(np.float32)
    peer_y = run(prototxt(x.shape, **given), x)
    y = lrn(jnp.asarray(x), **conventions.opencv(**given))
    np.testing.assert_allclose(y, peer_y, rtol=TOLERANCE)
    as_caffe = lrn(jnp.asarray(x), **conventions.caffe())
    assert np.max(np.abs(as_caffe / peer_y - 1)) > 0.5


@pytest.mark.parametrize("size", [2, 4])
def test_even_sizes_are_refused_there_too(prototxt, size):
    shape = (1, 4, 3, 3)
    with pytest.raises(cv2.error, match="only positive odd values"):
        run(prototxt(shape, local_size=size), np.ones(shape, np.float32))
    with pytest.raises(ValueError, match=f"odd integer, at least 1, but got {size}"):
        conventions.opencv(local_size=size)


@pytest.mark.parametrize("given", [{}, {"alpha": 0.3, "beta": 0.6, "bias": 2.5}])
def test_from_onnx(given):
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    x = 20 * grid.normal((2, 7, 6, 5)).astype(np.float32)
    node = onnx.helper.make_node("LRN", ["x"], ["y"], size=5, **given)
    value_x, value_y = (
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, x.shape)
        for name in "xy"
    )
    graph = onnx.helper.make_graph([node], "lrn", [value_x], [value_y])
    operators = onnx.helper.make_opsetid("", 13)
    model = onnx.helper.make_model(graph, opset_imports=[operators], ir_version=8)
    buffer = np.frombuffer(model.SerializeToString(), np.uint8)
    peer_y = run(cv2.dnn.readNetFromONNX(buffer), x)
    y = lrn(jnp.asarray(x), **conventions.opencv(**given))
    np.testing.assert_allclose(y, peer_y, rtol=TOLERANCE)
