"""onnxruntime: the operator LRN, in float32, which is all it has."""

import jax.numpy as jnp
import numpy as np
import pytest

from lrn_jax import conventions, lrn

from . import grid

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")


def session(**attributes):
    """A network of one LRN."""
    node = onnx.helper.make_node("LRN", ["x"], ["y"], **attributes)
    x, y = (
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, "NCHW")
        for name in "xy"
    )
    graph = onnx.helper.make_graph([node], "lrn", [x], [y])
    operators = onnx.helper.make_opsetid("", 13)
    # An old format: the newest onnx may be ahead of the newest onnxruntime.
    model = onnx.helper.make_model(graph, opset_imports=[operators], ir_version=8)
    onnx.checker.check_model(model)
    return onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )


@pytest.mark.parametrize("channels", grid.CHANNELS)
@pytest.mark.parametrize("size", [1, 3, 5, 7, 9])
@pytest.mark.parametrize("row", range(len(grid.NUMBERS)))
def test_values(row, size, channels):
    bias, alpha, beta = grid.numbers(row)
    given = {"size": size, "alpha": alpha, "beta": beta, "bias": bias}
    x = grid.normal(grid.shape(4, channels)).astype(np.float32)
    (peer_y,) = session(**given).run(None, {"x": x})
    y = lrn(jnp.asarray(x), **conventions.onnx(**given))
    np.testing.assert_allclose(y, peer_y, rtol=grid.FLOAT32)


def test_defaults():
    x = grid.normal((2, 7, 3, 2)).astype(np.float32) * 50
    (peer_y,) = session(size=5).run(None, {"x": x})
    y = lrn(jnp.asarray(x), **conventions.onnx(size=5))
    np.testing.assert_allclose(y, peer_y, rtol=grid.FLOAT32)


@pytest.mark.parametrize("given", [{"size": 4}, {"size": 3, "alpha": 0.0}])
def test_what_the_documentation_says_it_refuses(given):
    with pytest.raises(Exception, match=r"size_|alpha_"):
        session(**given)


@pytest.mark.xfail(
    strict=False,
    raises=AssertionError,
    reason="onnxruntime 1.32: a running sum, which 1 + 1e8 - 1e8 makes 0",
)
def test_a_large_value_stays_in_its_windows():
    given = {"size": 3, "alpha": 3.0, "beta": 0.75, "bias": 1.0}
    x = np.full((1, 9, 1, 1), 1e-3, np.float32)
    x[0, 3] = 1e4
    (peer_y,) = session(**given).run(None, {"x": x})
    y = lrn(jnp.asarray(x), **conventions.onnx(**given))
    np.testing.assert_allclose(peer_y, y, rtol=grid.FLOAT32)
