"""Gradients: against the oracle, at hard points, and what they keep in memory."""

import contextlib
import io
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.ad_checkpoint import print_saved_residuals

from lrn_jax import IMPLEMENTATIONS, lrn

from .. import reference
from ..reference import assert_gradients_close

pytestmark = pytest.mark.usefixtures("strict_dtypes")

X = np.random.default_rng(0).standard_normal((2, 3, 7))
DY = np.random.default_rng(1).standard_normal((2, 3, 7))
RAMP = np.linspace(0.5, 1.5, 7)
# Hyperparameters as arrays: three scalars, one for each channel, and some of each.
ARRAYS = {
    "scalars": {
        "bias": np.float64(1.3),
        "alpha": np.float64(0.4),
        "beta": np.float64(0.6),
    },
    "channels": {"bias": 1.3 * RAMP, "alpha": 0.4 * RAMP, "beta": 0.6 * RAMP},
    "mixed": {
        "bias": 1.3 * RAMP[None],
        "alpha": np.float64(0.4),
        "beta": 0.6 * np.ones((2, 1, 1)),
    },
}
# Those that promise what is kept for the backward pass.
PRIMITIVE = [name for name in IMPLEMENTATIONS if name != "plain"]
each_primitive = pytest.mark.parametrize("implementation", PRIMITIVE)
each_array = pytest.mark.parametrize("arrays", ARRAYS.values(), ids=ARRAYS)


def vjp(x, dy, **arguments):
    """Gradient of sum(dy * lrn(x)) with respect to `x`."""

    @jax.jit
    def gradient(x, dy):
        return jax.vjp(lambda x: lrn(x, **arguments), x)[1](dy)[0]

    return gradient(x, dy)


@each_array
def test_oracle_against_finite_differences(arrays):
    x, dy = X[:1, :1], DY[:1, :1]
    arrays = {k: a[:1] if np.ndim(a) == 3 else a for k, a in arrays.items()}
    gradients = reference.lrn_vjp(x, dy, depth_radius=(2, 1), **arrays)

    def loss(x, **arrays):
        return np.sum(dy * reference.lrn(x, depth_radius=(2, 1), **arrays))

    for name, value in dict(x=x, **arrays).items():
        gradient = getattr(gradients, name)
        assert gradient.shape == np.shape(value)
        for i in np.ndindex(np.shape(value)):
            step = np.zeros(np.shape(value))
            step[i] = 1e-6
            ahead, behind = (
                loss(**{**dict(x=x, **arrays), name: value + sign * step})
                for sign in (1, -1)
            )
            difference = (ahead - behind) / 2e-6
            np.testing.assert_allclose(gradient[i], difference, rtol=1e-7, atol=1e-8)


def test_float32(case, choice):
    x, dy = (jnp.asarray(a, jnp.float32) for a in (case.x(), case.dy()))
    dx = vjp(x, dy, **case.arguments, implementation=choice)
    assert dx.dtype == jnp.float32
    assert_gradients_close(dx, reference.lrn_vjp(x, dy, **case.arguments).x)


def test_float32_under_debugging_flags(case, debugging):
    x, dy = (jnp.asarray(a, jnp.float32) for a in (case.x(), case.dy()))
    dx = jax.vjp(lambda x: lrn(x, **case.arguments), x)[1](dy)[0]
    assert_gradients_close(dx, reference.lrn_vjp(x, dy, **case.arguments).x)


@pytest.mark.usefixtures("x64")
def test_float64(kind, choice):
    x, dy = kind.x(), kind.dy()
    dx = vjp(x, dy, **kind.arguments, implementation=choice)
    assert dx.dtype == jnp.float64
    assert_gradients_close(dx, reference.lrn_vjp(x, dy, **kind.arguments).x)


def test_bfloat16_rounds_once(kind, choice):
    dtype = jnp.bfloat16
    x, dy = (jnp.asarray(a, jnp.float32).astype(dtype) for a in (kind.x(), kind.dy()))
    dx = vjp(x, dy, **kind.arguments, implementation=choice)
    wide = [a.astype(jnp.float32) for a in (x, dy)]
    expected = vjp(*wide, **kind.arguments, implementation=choice)
    assert dx.dtype == dtype
    np.testing.assert_array_equal(dx, expected.astype(dtype))


@pytest.mark.usefixtures("x64")
@each_array
def test_array_hyperparameters(arrays, implementation):
    def loss(x, arrays):
        y = lrn(x, depth_radius=(2, 1), **arrays, implementation=implementation)
        return jnp.sum(DY * y)

    dx, gradients = jax.grad(loss, (0, 1))(X, arrays)
    expected = reference.lrn_vjp(X, DY, depth_radius=(2, 1), **arrays)
    assert_gradients_close(dx, expected.x)
    for name, gradient in gradients.items():
        assert gradient.shape == np.shape(arrays[name])
        assert_gradients_close(gradient, getattr(expected, name))


def test_tangents_of_x_and_an_array_are_rounded_together(implementation):
    """In bfloat16 their parts may cancel: one rounding of the sum, not of each."""
    x, x_dot = jnp.asarray(X, jnp.bfloat16), jnp.asarray(DY, jnp.bfloat16)
    primals = x, jnp.full(7, 1.3)
    dots = x_dot, 3 * jnp.abs(x_dot[0, 0]).astype(jnp.float32)

    def f(x, bias):
        return lrn(x, bias=bias, alpha=0.4, implementation=implementation)

    y_dot = jax.jvp(f, primals, dots)[1]
    wide = [a.astype(jnp.float32) for a in (*primals, *dots)]
    expected = jax.jvp(f, tuple(wide[:2]), tuple(wide[2:]))[1].astype(jnp.bfloat16)
    assert y_dot.dtype == jnp.bfloat16
    if implementation != "plain":  # there JAX rounds what it finds
        np.testing.assert_array_equal(y_dot, expected)


@pytest.mark.parametrize("name", ["bias", "alpha", "beta"])
def test_one_array_hyperparameter_among_numbers(name, implementation):
    numbers = {"bias": 1.3, "alpha": 0.4, "beta": 0.75}
    x, dy = X.astype(np.float32), DY.astype(np.float32)

    def loss(value):
        arguments = {**numbers, name: value}
        return jnp.sum(dy * lrn(x, **arguments, implementation=implementation))

    gradient = jax.grad(loss)(jnp.full(7, numbers[name]))
    arguments = {**numbers, name: np.full(7, numbers[name])}
    expected = getattr(reference.lrn_vjp(x, dy, **arguments), name)
    assert_gradients_close(gradient, expected)


@pytest.mark.parametrize("beta", [0.5, 0.6, 0.75, 2.0])
@pytest.mark.parametrize("value", [0.0, 1e-30])  # whose square is 0 in float32
def test_no_energy_and_no_bias_give_zero_gradients_of_every_order(
    value, beta, implementation
):
    x = jnp.full((1, 7), value)

    def loss(x, bias, alpha, beta):
        arguments = {"bias": bias, "alpha": alpha, "beta": beta}
        return jnp.sum(lrn(x, **arguments, implementation=implementation))

    numbers = jax.grad(lambda x: loss(x, 0.0, 1.0, beta))
    np.testing.assert_array_equal(numbers(x), 0)
    np.testing.assert_array_equal(jax.jacfwd(numbers)(x), 0)
    np.testing.assert_array_equal(jax.jacrev(numbers)(x), 0)
    arrays = (x, *(jnp.float32(h) for h in (0.0, 1.0, beta)))
    for gradient in jax.grad(loss, (0, 1, 2, 3))(*arrays):
        np.testing.assert_array_equal(gradient, 0)


@pytest.mark.parametrize("beta", [0.6, 0.75])
@pytest.mark.parametrize("bias", [0.0, 1.0])
@pytest.mark.parametrize("scale", [1e-10, 1e-3, 1e4, 1e10])
def test_small_and_large_inputs(scale, bias, beta, implementation):
    x = (scale * X).astype(np.float32)
    dy = DY.astype(np.float32)
    arguments = {"bias": bias, "alpha": 0.4, "beta": beta}
    dx = vjp(x, dy, **arguments, implementation=implementation)
    assert_gradients_close(dx, reference.lrn_vjp(x, dy, **arguments).x)


def test_float16_squares_do_not_overflow(implementation):
    x = jnp.full((2, 7), 300, jnp.float16)
    arguments: dict[str, Any] = {"bias": 1.0, "alpha": 2e-5}
    dx = vjp(x, jnp.ones_like(x), **arguments, implementation=implementation)
    expected = reference.lrn_vjp(x, np.ones(x.shape), **arguments).x
    np.testing.assert_array_equal(dx, expected.astype(np.float16))


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan, 1e30], ids=str)
def test_bad_elements_reach_their_neighbours_windows_only(bad, implementation):
    """The derivative at i collects from all j that see i, and they see others."""
    x, dy = np.random.default_rng(0).standard_normal((2, 3, 14)).astype(np.float32)
    arguments = {"depth_radius": (2, 1), "alpha": 0.5, "implementation": implementation}
    clean = np.asarray(vjp(x, dy, **arguments))
    x[1, 6] = bad
    dx = np.asarray(vjp(x, dy, **arguments))
    reached = np.zeros(x.shape, bool)
    reached[1, (6 - 1) - 2 : (6 + 2) + 1 + 1] = True  # seen by those who see 6
    np.testing.assert_array_equal(dx[~reached], clean[~reached])
    # Only its square overflows: still no NaN, but in JAX's own derivative.
    if bad == 1e30 and implementation != "plain":
        assert np.all(np.isfinite(dx))


@each_primitive
@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float32])
def test_reverse_mode_keeps_x_and_nothing_else(dtype, implementation):
    x = jnp.asarray(X, dtype)
    _, pullback = jax.vjp(lambda x: lrn(x, implementation=implementation), x)
    (residual,) = jax.tree.leaves(pullback)
    assert residual.dtype == dtype
    np.testing.assert_array_equal(residual, x)


@each_primitive
def test_reverse_mode_keeps_array_hyperparameters_as_they_are(implementation):
    arrays = [jnp.asarray(X, jnp.float32), jnp.ones(7), jnp.ones((3, 1)), jnp.ones(())]

    def f(x, bias, alpha, beta):
        arguments = {"bias": bias, "alpha": alpha, "beta": beta}
        return lrn(x, **arguments, implementation=implementation)

    residuals = jax.tree.leaves(jax.vjp(f, *arrays)[1])
    assert sorted(r.size for r in residuals) == sorted(a.size for a in arrays)


@each_primitive
def test_print_saved_residuals_reports_x_only(implementation):
    def f(x):
        return jnp.sum(lrn(x, implementation=implementation))

    with contextlib.redirect_stdout(io.StringIO()) as report:
        print_saved_residuals(f, jnp.asarray(X, jnp.float32))
    assert report.getvalue().splitlines() == ["f32[2,3,7] from the argument x"]


@pytest.mark.parametrize("choice", [None, *PRIMITIVE], ids=str)
def test_forward_and_backward_store_little(choice):
    """XLA must not merge the s of one pass with that of the other, and keep it."""

    def value_and_pullback(x, dy):
        y, pullback = jax.vjp(lambda x: lrn(x, implementation=choice), x)
        return y, pullback(dy)

    x = jnp.zeros((4, 16, 16, 64))
    compiled = jax.jit(value_and_pullback).lower(x, x).compile()
    memory = compiled.memory_analysis()
    assert memory is not None
    # What goes back to the windows, and for some a window sum or a padded copy of it.
    most = 1.1 if choice in (None, "masked_shifts") else 2.2
    assert memory.temp_size_in_bytes <= most * x.nbytes
