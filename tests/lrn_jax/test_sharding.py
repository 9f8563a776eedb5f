"""Sharded arrays on eight devices: same numbers, same sharding, no needless traffic."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

from lrn_jax import lrn

from .. import reference
from ..reference import assert_gradients_close, assert_values_close

pytestmark = pytest.mark.usefixtures("strict_dtypes")

ARGUMENTS = {"depth_radius": (2, 1), "bias": 1.3, "alpha": 0.4, "beta": 0.6}
X, DY = np.random.default_rng(0).standard_normal((2, 8, 3, 32)).astype(np.float32)
BATCH, CHANNELS = P("devices"), P(None, None, "devices")
each_spec = pytest.mark.parametrize(
    "spec", [BATCH, CHANNELS], ids=["batch", "channels"]
)


def mesh(kind: AxisType) -> jax.sharding.Mesh:
    assert jax.device_count() == 8
    return jax.make_mesh((8,), ("devices",), axis_types=(kind,))


def functions(choice):
    """`lrn` and its gradient."""

    def f(x):
        return lrn(x, **ARGUMENTS, implementation=choice)

    def gradient(x, dy):
        return jax.vjp(f, x)[1](dy)[0]

    return f, gradient


def check(y, dx):
    assert_values_close(y, reference.lrn(X, **ARGUMENTS))
    assert_gradients_close(dx, reference.lrn_vjp(X, DY, **ARGUMENTS).x)


@each_spec
def test_sharded_arrays_keep_their_sharding(spec, choice):
    """A batch needs no traffic between devices; channels exchange their borders."""
    sharding = NamedSharding(mesh(AxisType.Auto), spec)
    x, dy = jax.device_put((X, DY), sharding)
    f, gradient = functions(choice)
    forward = jax.jit(f).lower(x).compile()
    backward = jax.jit(gradient).lower(x, dy).compile()
    y, dx = forward(x), backward(x, dy)
    assert y.sharding.is_equivalent_to(sharding, y.ndim)
    assert dx.sharding.is_equivalent_to(sharding, dx.ndim)
    check(y, dx)
    traffic = _collectives(forward.as_text()) | _collectives(backward.as_text())
    if spec == BATCH:
        assert traffic == set()
    elif choice == "masked_shifts":  # why it is not chosen for programs in pieces
        assert traffic == {"collective-permute", "all-gather"}
    else:
        assert traffic == {"collective-permute"}


def _collectives(program: str | None) -> set[str]:
    assert program
    kinds = "all-gather|all-reduce|all-to-all|collective-[a-z]+|reduce-scatter"
    return set(re.findall(rf"\b(?:{kinds})\b", program))


@each_spec
def test_explicit_sharding(spec, choice):
    f, gradient = functions(choice)
    with jax.set_mesh(mesh(AxisType.Explicit)):
        x, dy = jax.device_put((X, DY), spec)
        if spec == CHANNELS and choice not in (None, "reduce_window", "plain"):
            for call in (lambda: f(x), lambda: gradient(x, dy)):
                with pytest.raises(NotImplementedError, match="with explicit sharding"):
                    call()
            return
        y = f(x)
        if spec == CHANNELS and choice == "plain":
            # JAX cannot pad an axis in pieces, which its derivative of the sum does.
            assert_values_close(y, reference.lrn(X, **ARGUMENTS))
            return
        dx = gradient(x, dy)
    expected = P(*spec, *(None,) * (X.ndim - len(spec)))
    assert jax.typeof(y).sharding.spec == expected
    assert jax.typeof(dx).sharding.spec == expected
    check(y, dx)


def test_shard_map_over_the_batch(choice):
    f, gradient = functions(choice)
    arguments = {"mesh": mesh(AxisType.Auto), "out_specs": BATCH}
    y = jax.jit(jax.shard_map(f, in_specs=BATCH, **arguments))(X)
    dx = jax.jit(jax.shard_map(gradient, in_specs=BATCH, **arguments))(X, DY)
    check(y, dx)


def test_gradient_of_a_replicated_hyperparameter_through_shard_map(rules):
    """Each device has a part of the batch: their gradients have to be summed."""

    def f(x, alpha):
        arguments = dict(ARGUMENTS, alpha=alpha)
        return lrn(x, **arguments, implementation=rules)

    specs = {"mesh": mesh(AxisType.Auto), "in_specs": (BATCH, P()), "out_specs": BATCH}
    alpha = jnp.float32(ARGUMENTS["alpha"])
    _, pullback = jax.vjp(jax.jit(jax.shard_map(f, **specs)), X, alpha)
    dx, dalpha = pullback(DY)
    expected = reference.lrn_vjp(X, DY, **ARGUMENTS)
    assert_gradients_close(dx, expected.x)
    assert_gradients_close(dalpha, expected.alpha)


def test_a_hyperparameter_for_each_device_through_shard_map(rules):
    """The result varies as the hyperparameter does, the gradient of x does not."""
    x = X[0]
    alphas = np.linspace(0.1, 0.9, 8, dtype=np.float32)

    def f(x, alpha):
        arguments = dict(ARGUMENTS, alpha=alpha[0])
        return lrn(x, **arguments, implementation=rules)[np.newaxis]

    specs = {"mesh": mesh(AxisType.Auto), "in_specs": (P(), BATCH), "out_specs": BATCH}
    y, pullback = jax.vjp(jax.jit(jax.shard_map(f, **specs)), x, alphas)
    dx, dalphas = pullback(DY)
    each = [dict(ARGUMENTS, alpha=alpha) for alpha in alphas]
    expected = [reference.lrn_vjp(x, dy, **a) for dy, a in zip(DY, each, strict=True)]
    assert_values_close(y, np.stack([reference.lrn(x, **a) for a in each]))
    assert_gradients_close(dx, sum(one.x for one in expected))
    assert_gradients_close(dalphas, np.stack([one.alpha for one in expected]))
