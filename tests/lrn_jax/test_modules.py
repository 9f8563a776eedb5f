"""The flax modules: `lrn` itself, without parameters, in either library."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, nnx

import lrn_jax.linen
import lrn_jax.nnx
from lrn_jax import lrn

pytestmark = pytest.mark.usefixtures("strict_dtypes")

X = np.random.default_rng(0).standard_normal((2, 3, 7)).astype(np.float32)
ARGUMENTS: dict[str, Any] = {
    "depth_radius": (2, 1),
    "bias": 1.3,
    "alpha": 0.4,
    "beta": 0.6,
    "axis": 1,
}


def linen_layer(**arguments):
    module = lrn_jax.linen.LocalResponseNorm(**arguments)
    return lambda x: module.apply({}, x)


both = pytest.mark.parametrize(
    "layer", [linen_layer, lrn_jax.nnx.LocalResponseNorm], ids=["linen", "nnx"]
)


@both
def test_layer_is_the_function(layer, kind):
    x = jnp.asarray(kind.x(), jnp.float32)
    np.testing.assert_array_equal(layer(**kind.arguments)(x), lrn(x, **kind.arguments))


@both
def test_layer_passes_its_implementation_on(layer, implementation):
    y = layer(**ARGUMENTS, implementation=implementation)(X)
    expected = lrn(X, **ARGUMENTS, implementation=implementation)
    np.testing.assert_array_equal(y, expected)
    with pytest.raises(ValueError, match=r"`implementation` must be .* got 'fast'"):
        layer(implementation="fast")(X)


@both
@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_layer_keeps_the_dtype_and_works_under_jit(layer, dtype):
    x = jnp.asarray(X, dtype)
    y = jax.jit(layer(**ARGUMENTS))(x)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, lrn(x, **ARGUMENTS))


@both
def test_layer_takes_array_hyperparameters(layer):
    """Traced ones too: gradients with respect to them flow through the layer."""

    def loss(layer, bias):
        return jnp.sum(layer(**dict(ARGUMENTS, bias=bias))(X))

    bias = jnp.linspace(0.5, 1.5, 7)
    gradient = jax.grad(lambda bias: loss(layer, bias))(bias)
    expected = jax.grad(lambda bias: loss(lambda **a: lambda x: lrn(x, **a), bias))
    np.testing.assert_array_equal(gradient, expected(bias))


def test_linen_has_no_parameters():
    module = lrn_jax.linen.LocalResponseNorm(**ARGUMENTS)
    assert module.init(jax.random.key(0), X) == {}


def test_linen_in_a_sequence():
    module = lrn_jax.linen.LocalResponseNorm(**ARGUMENTS)
    model = linen.Sequential([linen.relu, module.copy(), module.clone(beta=1.0)])
    y = lrn(lrn(jax.nn.relu(X), **ARGUMENTS), **dict(ARGUMENTS, beta=1.0))
    np.testing.assert_array_equal(model.apply({}, X), y)


def test_nnx_has_no_state():
    graph, state = nnx.split(lrn_jax.nnx.LocalResponseNorm(**ARGUMENTS))
    assert jax.tree.leaves(state) == []
    np.testing.assert_array_equal(nnx.merge(graph, state)(X), lrn(X, **ARGUMENTS))


def test_nnx_in_a_sequence():
    module = lrn_jax.nnx.LocalResponseNorm(**ARGUMENTS)
    model = nnx.Sequential(nnx.relu, module, nnx.clone(module))
    y = lrn(lrn(jax.nn.relu(X), **ARGUMENTS), **ARGUMENTS)
    np.testing.assert_array_equal(nnx.jit(lambda model, x: model(x))(model, X), y)


def test_nnx_learns_a_hyperparameter_given_as_a_parameter():
    alpha: Any = nnx.Param(jnp.float32(0.4))
    module = lrn_jax.nnx.LocalResponseNorm(alpha=alpha)
    gradient = nnx.grad(lambda module: jnp.sum(module(X)))(module)
    expected = jax.grad(lambda alpha: jnp.sum(lrn(X, alpha=alpha)))(jnp.float32(0.4))
    np.testing.assert_array_equal(gradient["alpha"][...], expected)


def test_nnx_takes_what_the_norms_of_flax_take():
    """Their first argument by position, and random keys that are not needed."""
    rngs = nnx.Rngs(0)
    layer = lrn_jax.nnx.LocalResponseNorm(**ARGUMENTS, rngs=rngs)
    learned = lrn_jax.nnx.LearnedLocalResponseNorm(7, rngs=rngs)
    np.testing.assert_array_equal(layer(X), lrn(X, **ARGUMENTS))
    assert nnx.state(learned)["log_alpha"].shape == (7,)
    assert len(jax.tree.leaves(nnx.state(learned))) == 3  # no keys are kept
    assert rngs.default.count[...] == 0
