"""Gradients: against the oracle, at hard points, and what they keep in memory."""

import contextlib
import io
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.ad_checkpoint import print_saved_residuals

from lrn_jax import IMPLEMENTATIONS, _primitive, lrn
from lrn_jax._programs import run

from .. import reference
from ..cases import KINDS
from ..reference import assert_gradients_close, assert_values_close

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


def value_and_vjp(**arguments):
    """A program for y, and the gradient of sum(dy * y) with respect to `x`."""

    @jax.jit
    def program(x, dy):
        y, pullback = jax.vjp(lambda x: lrn(x, **arguments), x)
        return y, pullback(dy)[0]

    return program


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


def check(case, dtype, implementation=None):
    x, dy = (jnp.asarray(a, dtype) for a in (case.x(), case.dy()))
    y, dx = value_and_vjp(**case.arguments, implementation=implementation)(x, dy)
    assert y.dtype == dx.dtype == dtype
    assert_values_close(y, reference.lrn(x, **case.arguments))
    assert_gradients_close(dx, reference.lrn_vjp(x, dy, **case.arguments).x)


def test_float32(case):
    check(case, jnp.float32)


@pytest.mark.usefixtures("x64")
def test_float64(kind):
    check(kind, jnp.float64)


def test_each_implementation(kind, implementation):
    check(kind, jnp.float32, implementation)


@pytest.fixture
def as_on_gpu(monkeypatch):
    """Compiles for this machine what a GPU gets: its choice, power and division."""

    def for_gpu(*operands, **given):
        return run(*operands, **{**given, "platform": "gpu", "isolated": False})

    monkeypatch.setattr(_primitive, "run", for_gpu)


@pytest.mark.usefixtures("as_on_gpu")
def test_what_a_gpu_gets(case):
    check(case, jnp.float32)


def test_under_debugging_flags(kind, debugging):
    """Outside jit, JAX evaluates and checks operation by operation."""
    x, dy = (jnp.asarray(a, jnp.float32) for a in (kind.x(), kind.dy()))
    y, pullback = jax.vjp(lambda x: lrn(x, **kind.arguments), x)
    assert_values_close(y, reference.lrn(x, **kind.arguments))
    assert_gradients_close(
        pullback(dy)[0], reference.lrn_vjp(x, dy, **kind.arguments).x
    )


def test_bfloat16_rounds_once(choice):
    kind, dtype = KINDS[1], jnp.bfloat16
    x, dy = (jnp.asarray(a, jnp.float32).astype(dtype) for a in (kind.x(), kind.dy()))
    program = value_and_vjp(**kind.arguments, implementation=choice)
    _, dx = program(x, dy)
    _, expected = program(*(a.astype(jnp.float32) for a in (x, dy)))
    assert dx.dtype == dtype
    np.testing.assert_array_equal(dx, expected.astype(dtype))


@pytest.mark.usefixtures("x64")
@each_array
def test_array_hyperparameters(arrays, rules):
    check_arrays(arrays, rules)


@pytest.mark.usefixtures("x64", "as_on_gpu")
@each_array
def test_array_hyperparameters_on_a_gpu(arrays):
    check_arrays(arrays)


def check_arrays(arrays, implementation=None):
    def loss(x, arrays):
        y = lrn(x, depth_radius=(2, 1), **arrays, implementation=implementation)
        return jnp.sum(DY * y)

    dx, gradients = jax.jit(jax.grad(loss, (0, 1)))(X, arrays)
    expected = reference.lrn_vjp(X, DY, depth_radius=(2, 1), **arrays)
    assert_gradients_close(dx, expected.x)
    for name, gradient in gradients.items():
        assert gradient.shape == np.shape(arrays[name])
        assert_gradients_close(gradient, getattr(expected, name))


def test_tangents_of_x_and_an_array_are_rounded_together():
    """In bfloat16 their parts may cancel: one rounding of the sum, not of each."""
    x, x_dot = jnp.asarray(X, jnp.bfloat16), jnp.asarray(DY, jnp.bfloat16)
    primals = x, jnp.full(7, 1.3)
    dots = x_dot, 3 * jnp.abs(x_dot[0, 0]).astype(jnp.float32)

    def f(x, bias):
        return lrn(x, bias=bias, alpha=0.4)

    y_dot = jax.jvp(f, primals, dots)[1]
    wide = [a.astype(jnp.float32) for a in (*primals, *dots)]
    expected = jax.jvp(f, tuple(wide[:2]), tuple(wide[2:]))[1].astype(jnp.bfloat16)
    assert y_dot.dtype == jnp.bfloat16
    np.testing.assert_array_equal(y_dot, expected)


@pytest.mark.parametrize("name", ["bias", "alpha", "beta"])
def test_one_array_hyperparameter_among_numbers(name):
    numbers = {"bias": 1.3, "alpha": 0.4, "beta": 0.75}
    x, dy = X.astype(np.float32), DY.astype(np.float32)

    def loss(value):
        return jnp.sum(dy * lrn(x, **{**numbers, name: value}))

    gradient = jax.jit(jax.grad(loss))(jnp.full(7, numbers[name]))
    arguments = {**numbers, name: np.full(7, numbers[name])}
    expected = getattr(reference.lrn_vjp(x, dy, **arguments), name)
    assert_gradients_close(gradient, expected)


@pytest.mark.parametrize("beta", [0.6, 0.75])
def test_no_energy_and_no_bias_give_zero_gradients_of_every_order(beta, rules):
    def loss(x, bias, alpha, beta):
        arguments = {"bias": bias, "alpha": alpha, "beta": beta}
        return jnp.sum(lrn(x, **arguments, implementation=rules))

    @jax.jit
    def derivatives(x):
        numbers = jax.grad(lambda x: loss(x, 0.0, 1.0, beta))
        arrays = (x, *(jnp.float32(h) for h in (0.0, 1.0, beta)))
        first = numbers(x), *jax.grad(loss, (0, 1, 2, 3))(*arrays)
        return *first, jax.jacfwd(numbers)(x), jax.jacrev(numbers)(x)

    for value in (0.0, 1e-30):  # its square is 0 in float32
        for derivative in derivatives(jnp.full((1, 4), value)):
            np.testing.assert_array_equal(derivative, 0)


@pytest.mark.parametrize(("bias", "beta"), [(0.0, 0.6), (0.0, 0.75), (1.0, 0.6)])
def test_small_and_large_inputs(bias, beta, rules):
    arguments = {"bias": bias, "alpha": 0.4, "beta": beta}
    program = value_and_vjp(**arguments, implementation=rules)
    dy = DY.astype(np.float32)
    for scale in (1e-10, 1e-3, 1e4, 1e10):
        x = (scale * X).astype(np.float32)
        expected = reference.lrn_vjp(x, dy, **arguments).x
        assert_gradients_close(program(x, dy)[1], expected)


def test_float16_squares_do_not_overflow(rules):
    x = jnp.full((2, 7), 300, jnp.float16)
    arguments: dict[str, Any] = {"bias": 1.0, "alpha": 2e-5}
    found = value_and_vjp(**arguments, implementation=rules)(x, jnp.ones_like(x))
    expected = (
        reference.lrn(x, **arguments),
        reference.lrn_vjp(x, np.ones(x.shape), **arguments).x,
    )
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other.astype(np.float16))


def test_bad_elements_reach_their_neighbours_windows_only(implementation):
    """The derivative at i collects from all j that see i, and they see others."""
    x, dy = np.random.default_rng(0).standard_normal((2, 3, 14)).astype(np.float32)
    arguments = {"depth_radius": (2, 1), "alpha": 0.5, "implementation": implementation}
    program = value_and_vjp(**arguments)
    clean = np.asarray(program(x, dy)[1])
    for bad in (np.inf, -np.inf, np.nan, 1e30):
        x[1, 6] = bad
        dx = np.asarray(program(x, dy)[1])
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


def test_reverse_mode_of_the_gradient_keeps_its_operands():
    x, dy = jnp.asarray(X, jnp.float32), jnp.asarray(X[::-1], jnp.float32)

    def gradient(x, dy):
        return jax.vjp(lrn, x)[1](dy)[0]

    residuals = jax.tree.leaves(jax.vjp(gradient, x, dy)[1])
    for residual in residuals:
        assert any(np.array_equal(residual, operand) for operand in (x, dy))


@each_primitive
def test_print_saved_residuals_reports_x_only(implementation):
    def f(x):
        return jnp.sum(lrn(x, implementation=implementation))

    with contextlib.redirect_stdout(io.StringIO()) as report:
        print_saved_residuals(f, jnp.asarray(X, jnp.float32))
    assert report.getvalue().splitlines() == ["f32[2,3,7] from the argument x"]


@pytest.mark.parametrize(
    "choice", [None, "reduce_window", "doubling", "masked_shifts"], ids=str
)
def test_forward_and_backward_store_little(choice):
    """XLA must not merge the s of one pass with that of the other, and keep it.

    Of padded shifts, which are for GPU, XLA:CPU stores a dozen; `tests/aot` has a GPU.
    """

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
