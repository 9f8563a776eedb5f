"""Out of JAX: exported to ONNX, as ordinary operations and as the operator LRN."""

from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrn_jax import conventions, lrn
from lrn_jax.linen import LocalResponseNorm

from .. import reference

jax2onnx = pytest.importorskip("jax2onnx", reason="jax2onnx is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

import lrn_jax.onnx  # noqa: E402

lrn_jax.onnx.register()

# jax2onnx asks for float64.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:jax")

X = np.random.default_rng(0).standard_normal((2, 3, 4, 5)).astype(np.float32)
PLAIN: list[dict[str, Any]] = [
    {},
    {"axis": 1, "depth_radius": (1, 0), "alpha": 0.3, "beta": 0.6},
    {"axis": (1, 2), "depth_radius": ((1, 1), (2, 0)), "bias": 1.3, "alpha": 0.3},
    {"axis": (1, 2), "depth_radius": None, "alpha": 0.5, "beta": 0.5},
    {"bias": 0.0, "alpha": 1.0, "beta": 0.5},
]


def run(model, x):
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (y,) = session.run(None, {session.get_inputs()[0].name: x})
    return y


def operators(model):
    return [node.op_type for node in model.graph.node]


@pytest.mark.parametrize("arguments", PLAIN, ids=str)
def test_plain_is_exported(arguments):
    f = partial(lrn, **arguments, implementation="plain")
    model = jax2onnx.to_onnx(f, [X.shape])
    assert "LRN" not in operators(model)
    np.testing.assert_allclose(run(model, X), reference.lrn(X, **arguments), rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        ({"axis": 1}, (2, 7, 3, 4)),
        ({"axis": -1, "depth_radius": 1}, ("batch", 3, 4, 7)),
        ({"axis": 2, "depth_radius": None}, ("batch", 3, 4, 7)),  # all of the axis
        ({"axis": 1, "depth_radius": 0}, (2, 7, 3, 4)),
        ({"axis": 0}, (7,)),
        ({"axis": 0}, (7, 2)),
        ({"axis": -1}, ("batch", 3, 7)),
        ({"axis": 2}, ("batch", 3, 7, 2, 4)),
    ],
    ids=str,
)
def test_operator_is_exported(arguments, shape):
    arguments = {"bias": 1.3, "alpha": 0.4, "beta": 0.6, **arguments}
    model = jax2onnx.to_onnx(partial(lrn, **arguments), [shape])
    assert operators(model).count("LRN") == 1
    sizes = [3 if size == "batch" else size for size in shape]
    x = np.random.default_rng(0).standard_normal(sizes).astype(np.float32)
    y = run(model, x)
    assert y.shape == x.shape
    np.testing.assert_allclose(y, lrn(x, **arguments), rtol=1e-5)


@pytest.mark.parametrize("window", [2, (1, 2)], ids=str)  # onnxruntime runs no (1, 2)
def test_axis_1_needs_the_operator_alone(window, tmp_path):
    x = jax.ShapeDtypeStruct((2, 8, 4, 5), jnp.float32)
    arguments = conventions.alexnet_as_printed(axis=1) | {"depth_radius": window}
    model = jax2onnx.to_onnx(partial(lrn, **arguments), [x])
    assert operators(model) == ["LRN"]
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    (layer,) = conventions.read(tmp_path / "model.onnx")
    assert layer.arguments == arguments


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
def test_narrow_dtypes_are_computed_in_float32(dtype):
    def f(x):
        return lrn(x.astype(dtype), alpha=0.4).astype(x.dtype)

    x = 300 * X  # whose square overflows in float16
    np.testing.assert_allclose(run(jax2onnx.to_onnx(f, [X.shape]), x), f(x), rtol=1e-2)


class Network(nn.Module):
    @nn.compact
    def __call__(self, x):
        for features in (8, 6):
            x = nn.relu(nn.Conv(features, (3, 3))(x))
            x = LocalResponseNorm(bias=1.0, alpha=0.5)(x)
            x = nn.max_pool(x, window_shape=(2, 2), strides=(2, 2))
        return nn.Dense(3)(x.reshape(len(x), -1))


def test_network_is_exported():
    images = 5 * np.random.default_rng(0).standard_normal((2, 8, 8, 3))
    images = images.astype(np.float32)
    variables = Network().init(jax.random.key(0), images)

    def apply(images) -> Any:
        return Network().apply(variables, images)

    with jax.numpy_rank_promotion("allow"):  # jax2onnx adds biases so
        model = jax2onnx.to_onnx(apply, [images.shape])
    assert operators(model).count("LRN") == 2
    np.testing.assert_allclose(run(model, images), apply(images), rtol=1e-5, atol=1e-5)


def gradient(x):
    return jax.grad(lambda x: jnp.sum(lrn(x, axis=1)))(x)


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (partial(lrn, alpha=jnp.ones(5)), "`alpha` must be a number, but got an array"),
        (partial(lrn, axis=(1, 2)), r"`axis` must be one axis, but got \(1, 2\)"),
        (
            partial(lrn, depth_radius=(1, 0)),
            r"reach as far to both sides, or one .*1, 0",
        ),
        (partial(lrn, bias=0.0), "`bias` must be positive in ONNX .* but got 0.0"),
        (partial(lrn, beta=-1.0), "`beta` must be positive in ONNX .* but got -1.0"),
        (partial(lrn, alpha=2e38), "`alpha` must be .* within float32, but got 1e"),
        (gradient, "has no derivative"),
    ],
)
def test_what_onnx_cannot_say_is_refused(f, message):
    with pytest.raises(NotImplementedError, match=message) as raised:
        jax2onnx.to_onnx(f, [X.shape])
    assert str(raised.value).endswith(
        'Export it with `implementation="plain"`, as ordinary operations.'
    )
    assert "\n" not in str(raised.value)


def test_float64_is_refused():
    with pytest.raises(NotImplementedError, match="`x` must not be float64"):
        jax2onnx.to_onnx(lrn, [X.shape], enable_double_precision=True)
