"""TensorFlow: values and gradients of `tf.nn.local_response_normalization`."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrn_jax import conventions, lrn

from . import grid

tensorflow = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
peer = tensorflow.nn.local_response_normalization


@pytest.mark.parametrize("channels", grid.CHANNELS)
@pytest.mark.parametrize("depth_radius", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("row", range(len(grid.NUMBERS)))
def test_values_and_gradients(row, depth_radius, channels):
    bias, alpha, beta = grid.numbers(row)
    given = {"depth_radius": depth_radius, "bias": bias, "alpha": alpha, "beta": beta}
    shape = (2, 3, 4, channels)
    x, dy = (grid.normal(shape, role).astype(np.float32) for role in ("x", "dy"))

    peer_x = tensorflow.constant(x)
    with tensorflow.GradientTape() as tape:
        tape.watch(peer_x)
        peer_y = peer(peer_x, **given)
    peer_dx = tape.gradient(peer_y, peer_x, output_gradients=dy)

    y, vjp = jax.vjp(
        lambda x: lrn(x, **conventions.tensorflow(**given)), jnp.asarray(x)
    )
    (dx,) = vjp(jnp.asarray(dy))
    np.testing.assert_allclose(y, peer_y.numpy(), rtol=grid.FLOAT32)
    # A difference of two terms: compared with what was subtracted.
    largest = np.abs(peer_dx.numpy()).max()
    np.testing.assert_allclose(dx, peer_dx.numpy(), rtol=0, atol=grid.FLOAT32 * largest)


@pytest.mark.parametrize("axis", [-1, 3])
def test_the_way_back(axis):
    arguments = {
        "depth_radius": 3,
        "bias": 1.3,
        "alpha": 0.4,
        "beta": 0.6,
        "axis": axis,
    }
    x = grid.normal((2, 3, 2, 11)).astype(np.float32)
    peer_y = peer(x, **conventions.to_tensorflow(**arguments))
    y = lrn(jnp.asarray(x), **arguments)
    np.testing.assert_allclose(y, peer_y.numpy(), rtol=grid.FLOAT32)


def test_defaults():
    theirs = inspect.signature(peer).parameters
    ours = inspect.signature(conventions.tensorflow).parameters
    assert {"input", "name", *ours} == set(theirs)
    assert {n: ours[n].default for n in ours} == {n: theirs[n].default for n in ours}


def test_negative_radius_is_refused_there_too():
    with pytest.raises(tensorflow.errors.InvalidArgumentError, match="depth_radius"):
        peer(np.ones((1, 1, 1, 3), np.float32), depth_radius=-1)
    with pytest.raises(ValueError, match="at least 0, but got -1"):
        conventions.tensorflow(depth_radius=-1)


@pytest.mark.xfail(
    strict=False,
    raises=AssertionError,
    reason="TensorFlow 2.21: multiplies by a band matrix, where 0 * inf is NaN",
)
def test_an_infinity_stays_in_its_windows():
    x = np.ones((1, 1, 1, 9), np.float32)
    x[..., 6] = np.inf
    y = lrn(jnp.asarray(x), **conventions.tensorflow(depth_radius=1))
    np.testing.assert_allclose(peer(x, depth_radius=1).numpy(), y, rtol=grid.FLOAT32)


@pytest.fixture
def run_lite():
    """Runs the operator of TensorFlow Lite, by one or the other of its kernels."""
    lite = tensorflow.lite

    def run(x, resolver, **given):
        spec = tensorflow.TensorSpec(x.shape, tensorflow.float32)
        function = tensorflow.function(lambda x: peer(x, **given))
        concrete = [function.get_concrete_function(spec)]
        model = lite.TFLiteConverter.from_concrete_functions(concrete).convert()
        kernels = getattr(lite.experimental.OpResolverType, resolver)
        interpreter = lite.Interpreter(
            model_content=model, experimental_op_resolver_type=kernels
        )
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
        interpreter.invoke()
        return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])

    return run


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning")
@pytest.mark.parametrize(
    "resolver",
    [
        "AUTO",
        pytest.param(
            "BUILTIN_REF",
            marks=pytest.mark.xfail(
                strict=False,
                raises=AssertionError,
                reason="TensorFlow Lite 2.21: leaves out the last of every window",
            ),
        ),
    ],
)
def test_lite(run_lite, resolver):
    numbers = {"bias": 1.5, "alpha": 0.4, "beta": 0.6}
    x = grid.normal((2, 3, 4, 11)).astype(np.float32)
    peer_y = run_lite(x, resolver, depth_radius=2, **numbers)
    y = lrn(jnp.asarray(x), **conventions.tflite(radius=2, **numbers))
    np.testing.assert_allclose(y, peer_y, rtol=grid.FLOAT32)
