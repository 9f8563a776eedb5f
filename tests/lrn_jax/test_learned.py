"""Divisive normalization with learned parameters, in linen and in nnx."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from jax.test_util import check_grads

import lrn_jax.linen
import lrn_jax.nnx
from lrn_jax import lrn

from .. import reference

pytestmark = pytest.mark.usefixtures("strict_dtypes")

X = np.random.default_rng(0).standard_normal((2, 3, 5, 7)).astype(np.float32)
WINDOW: dict[str, Any] = {"depth_radius": (2, 1), "axis": -1}
START: dict[str, Any] = {"bias": 1.3, "alpha": 0.4, "beta": 0.6}
NAMES = tuple(START)
ARGUMENTS: dict[str, Any] = WINDOW | START


def linen_layer(x=X, *, num_features=None, **arguments) -> tuple[dict[str, Any], Any]:
    """Returns initial parameters, and a function of parameters and input."""
    module = lrn_jax.linen.LearnedLocalResponseNorm(
        per_channel=num_features is not None, **arguments
    )
    params: Any = module.init(jax.random.key(0), x).get("params", {})
    return params, lambda params, x: module.apply({"params": params}, x)


def nnx_layer(x=X, **arguments) -> tuple[dict[str, Any], Any]:
    """The same with nnx, and the same parameters."""
    del x
    module = lrn_jax.nnx.LearnedLocalResponseNorm(**arguments)
    graph, state, rest = nnx.split(module, nnx.Param, ...)
    structure = jax.tree.structure(state)

    def apply(params, x):
        state = jax.tree.unflatten(structure, jax.tree.leaves(params))
        return nnx.merge(graph, state, rest)(x)

    return nnx.to_pure_dict(state), apply


both = pytest.mark.parametrize("layer", [linen_layer, nnx_layer], ids=["linen", "nnx"])


def values(params) -> dict[str, Any]:
    """Returns bias, alpha and beta from their logarithms."""
    return {name.removeprefix("log_"): jnp.exp(log) for name, log in params.items()}


@both
@pytest.mark.parametrize("learn", [(), ("alpha",), ("beta", "bias"), NAMES], ids=str)
def test_starts_as_the_function(layer, learn):
    params, apply = layer(**ARGUMENTS, learn=learn)
    assert set(params) == {f"log_{name}" for name in learn}
    assert all(log.shape == () and log.dtype == jnp.float32 for log in params.values())
    np.testing.assert_array_equal(
        apply(params, X), lrn(X, **ARGUMENTS | values(params))
    )
    # Logarithm and exponential cost the parameters one unit in the last place each.
    y = apply(params, X)
    np.testing.assert_allclose(
        y, lrn(X, **ARGUMENTS), rtol=reference.tolerance(y.dtype)
    )


@both
def test_defaults_are_those_of_the_function(layer):
    params, _ = layer()
    learned = values(params)
    expected = {"bias": 2.0, "alpha": 1e-4, "beta": 0.75}
    assert set(learned) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(learned[name], value, rtol=5e-7)


@both
@pytest.mark.parametrize(
    ("num_features", "window"),
    [
        (7, {"depth_radius": 1}),
        (7, {"depth_radius": 1, "axis": 3}),
        (3, {"depth_radius": 1, "axis": 1}),
        (3, {"depth_radius": 1, "axis": -1, "feature_axis": 1}),
        (7, {"depth_radius": None, "axis": (1, 2), "feature_axis": -1}),
        (5, {"depth_radius": 0, "feature_axis": -2}),
    ],
    ids=str,
)
def test_per_channel(layer, num_features, window):
    """Each channel of the result has its own values; reference: plain loops."""
    params, apply = layer(**window, **START, num_features=num_features)
    assert {log.shape for log in params.values()} == {(num_features,)}
    params = {
        name: log + jnp.linspace(0.0, 1.0, num_features) for name, log in params.items()
    }
    arguments = {"axis": -1} | window | values(params)
    axis = arguments.pop("feature_axis", arguments["axis"]) % X.ndim
    aligned = [num_features if a == axis else 1 for a in range(X.ndim)]
    arguments |= {name: np.reshape(arguments[name], aligned) for name in NAMES}
    expected = reference.lrn(X, **arguments)
    np.testing.assert_allclose(apply(params, X), expected, rtol=1e-6)


@pytest.mark.parametrize("num_features", [None, 7])
def test_linen_and_nnx_are_the_same(num_features):
    layers = linen_layer, nnx_layer
    (params, linen), (nnx_params, nnx) = (
        layer(**ARGUMENTS, num_features=num_features) for layer in layers
    )
    assert set(params) == set(nnx_params)
    for name in params:
        np.testing.assert_array_equal(params[name], nnx_params[name])
    np.testing.assert_array_equal(linen(params, X), nnx(params, X))


@both
@pytest.mark.parametrize(("learn", "num_features"), [(("alpha",), None), (NAMES, 7)])
def test_training_finds_the_parameters(layer, learn, num_features):
    """From others, and on data that the layer with `goal` has made."""
    goal = {name: 1.5 * value for name, value in START.items() if name in learn}
    x = 3 * X
    desired = lrn(x, **ARGUMENTS | goal)
    params, apply = layer(**ARGUMENTS, learn=learn, num_features=num_features)
    optimizer = optax.adam(0.02)

    def loss(params):
        return jnp.mean(jnp.square(apply(params, x) - desired))

    @jax.jit
    @jax.numpy_dtype_promotion("standard")  # optax needs it
    def step(params, state):
        value, gradient = jax.value_and_grad(loss)(params)
        updates, state = optimizer.update(gradient, state)
        return optax.apply_updates(params, updates), state, value

    start, state, losses = params, optimizer.init(params), []
    for _ in range(40):
        params, state, value = step(params, state)
        losses.append(value)
    assert losses[-1] < losses[0] / 10
    assert set(params) == {f"log_{name}" for name in learn}
    for name in params:
        assert np.all(np.abs(params[name] - start[name]) > 0.01)
        assert np.all(values(params)[name.removeprefix("log_")] > 0)


@both
def test_no_step_makes_a_parameter_negative(layer):
    params, apply = layer(**ARGUMENTS)
    for step in (-60.0, 30.0):
        moved = params | {"log_alpha": params["log_alpha"] + step}
        assert values(moved)["alpha"] > 0
        assert np.all(np.isfinite(apply(moved, X)))


@both
@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("num_features", [None, 7])
def test_gradients_are_those_of_finite_differences(layer, num_features):
    params, apply = layer(
        **ARGUMENTS, num_features=num_features, param_dtype=jnp.float64
    )
    assert {log.dtype for log in params.values()} == {jnp.dtype(jnp.float64)}
    x = jnp.asarray(X[:1, :2, :2], jnp.float64)
    # Central differences with a step of 1e-4 are good for about 1e-8.
    check_grads(apply, (params, x), 1, ["fwd", "rev"], 1e-7, 1e-7, 1e-4)


@both
@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_half_precision_with_single_precision_parameters(layer, dtype):
    x = jnp.asarray(X, dtype)
    params, apply = layer(x, **ARGUMENTS, num_features=7)
    y = jax.jit(apply)(params, x)
    assert y.dtype == dtype
    assert {log.dtype for log in params.values()} == {jnp.dtype(jnp.float32)}
    np.testing.assert_array_equal(y, lrn(x, **WINDOW, **values(params)))


@both
def test_vmap_over_parameters(layer):
    params, apply = layer(**ARGUMENTS)
    several = {name: log + 0.1 * jnp.arange(3.0) for name, log in params.items()}
    y = jax.vmap(apply, (0, None))(several, X)
    for i in range(3):
        one = apply({name: log[i] for name, log in several.items()}, X)
        np.testing.assert_allclose(y[i], one, rtol=1e-6)


@both
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"alpha": 0.0}, ValueError, "`alpha` is learned .* must be positive, but got"),
        ({"beta": -0.5}, ValueError, "`beta` is learned .* must be positive, but got"),
        ({"bias": -1.0}, ValueError, "`bias` must not be negative, but got -1.0"),
        ({"bias": np.inf}, ValueError, "`bias` must be finite"),
        ({"beta": "one"}, TypeError, "`beta` must be a real number"),
        ({"alpha": np.ones(7)}, TypeError, r"`alpha` .* got an array of shape \(7,\)"),
        ({"learn": "alpha"}, ValueError, "`learn` must be a tuple .* got 'alpha'"),
        ({"learn": ("k",)}, ValueError, "`learn` must be .* 'bias', 'alpha', 'beta'"),
        (
            {"num_features": 7, "axis": (1, 2)},
            ValueError,
            "`feature_axis` must be one .* got None",
        ),
        (
            {"num_features": 7, "feature_axis": 4},
            ValueError,
            "`feature_axis` must be one of the 4 axes of `x`, .* but got 4",
        ),
    ],
    ids=str,
)
def test_errors(layer, arguments, error, message):
    def run():
        params, apply = layer(**arguments)
        return apply(params, X)

    with pytest.raises(error, match=message):
        run()


@both
def test_what_is_not_learned_may_be_anything_that_the_function_takes(layer):
    arguments: dict[str, Any] = {
        "alpha": jnp.linspace(0.1, 1.0, 7),
        "bias": 0.0,
        "learn": ("beta",),
    }
    params, apply = layer(**arguments)
    expected = lrn(X, alpha=arguments["alpha"], bias=0.0, **values(params))
    np.testing.assert_array_equal(apply(params, X), expected)


@pytest.mark.parametrize("num_features", [3, 8])
def test_another_number_of_channels_is_refused(num_features):
    params, apply = nnx_layer(num_features=num_features)
    with pytest.raises(ValueError, match="must be a scalar or broadcastable"):
        apply(params, X)
