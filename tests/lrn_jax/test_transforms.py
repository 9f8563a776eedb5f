"""JAX transformations: every one, nested, and how often they compile."""

from functools import partial
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lrn_jax
from lrn_jax import lrn

from .. import reference
from ..reference import assert_gradients_close, assert_values_close

pytestmark = pytest.mark.usefixtures("strict_dtypes")

X = np.random.default_rng(0).standard_normal((2, 6))
WEIGHTS = np.random.default_rng(1).standard_normal((2, 6))
BASIS = np.eye(X.size).reshape(X.size, *X.shape)
# Uneven window, off-default numbers.
ARGUMENTS = {"depth_radius": (2, 1), "bias": 1.3, "alpha": 0.4, "beta": 0.6}


def _columns(f):
    """Jacobian of a function of X from its directional derivatives."""

    def jacobian(x):
        columns = jnp.stack([f(x, direction) for direction in BASIS])
        return jnp.moveaxis(columns, 0, -1).reshape(*columns.shape[1:], *x.shape)

    return jacobian


JACOBIANS = {
    "jacfwd": jax.jacfwd,
    "jacrev": jax.jacrev,
    "jvp": lambda f: _columns(lambda x, dx: jax.jvp(f, (x,), (dx,))[1]),
    "linearize": lambda f: _columns(lambda x, dx: jax.linearize(f, x)[1](dx)),
    "linear_transpose": lambda f: (
        lambda x: jnp.stack(
            [
                jax.linear_transpose(jax.linearize(f, x)[1], x)(dy)[0]
                for dy in jnp.asarray(BASIS)
            ]
        ).reshape(*x.shape, *x.shape)
    ),
    "jit_jacrev": lambda f: jax.jit(jax.jacrev(f)),
    "checkpoint_jacrev": lambda f: jax.jacrev(jax.checkpoint(f)),
}

HESSIANS = {
    "hessian": jax.hessian,
    "forward_over_reverse": lambda f: jax.jacfwd(jax.jacrev(f)),
    "reverse_over_forward": lambda f: jax.jacrev(jax.jacfwd(f)),
    "forward_over_forward": lambda f: jax.jacfwd(jax.jacfwd(f)),
    "reverse_over_reverse": lambda f: jax.jacrev(jax.jacrev(f)),
    "jvp_of_grad": lambda f: _columns(
        lambda x, dx: jax.jvp(jax.grad(f), (x,), (dx,))[1]
    ),
    "grad_of_jvp": lambda f: _columns(
        lambda x, dx: jax.grad(lambda x: jax.jvp(f, (x,), (dx,))[1])(x)
    ),
    "jit_grad_of_checkpoint": lambda f: jax.jit(
        jax.jacfwd(jax.grad(jax.checkpoint(f)))
    ),
}


def each_with(names: dict, *few: str):
    """All of them with the primitive's rules, and few with JAX's own."""
    rows = [(f, None) for f in names.values()]
    rows += [(names[one], "plain") for one in few]
    ids = [*names, *(f"{one}-plain" for one in few)]
    return pytest.mark.parametrize(("transform", "implementation"), rows, ids=ids)


@pytest.mark.usefixtures("x64")
@each_with(JACOBIANS, "jacfwd", "jacrev")
def test_jacobian(transform, implementation):
    f = partial(lrn, **ARGUMENTS, implementation=implementation)
    assert_gradients_close(transform(f)(X), reference.lrn_jacobian(X, **ARGUMENTS))


@pytest.mark.usefixtures("x64")
@each_with(HESSIANS, "hessian")
def test_hessian(transform, implementation):
    def f(x):
        return jnp.sum(WEIGHTS * lrn(x, **ARGUMENTS, implementation=implementation))

    def gradient(x):
        return reference.lrn_vjp(x, WEIGHTS, **ARGUMENTS).x

    differences = [(gradient(X + 1e-5 * d) - gradient(X - 1e-5 * d)) for d in BASIS]
    expected = np.stack(differences, axis=-1).reshape(X.shape * 2) / 2e-5
    np.testing.assert_allclose(transform(f)(X), expected, rtol=0, atol=1e-8)


@pytest.mark.usefixtures("x64")
def test_the_transpose_of_the_pullback_is_the_pushforward():
    _, pullback = jax.vjp(partial(lrn, **ARGUMENTS), X)
    (found,) = jax.linear_transpose(lambda y_bar: pullback(y_bar)[0], X)(WEIGHTS)
    _, expected = jax.jvp(partial(lrn, **ARGUMENTS), (X,), (WEIGHTS,))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def check_to_order(last, f, x):
    """Each derivative against differences of the one before it, by many nestings."""
    f = jax.jit(lambda x, g=f: jnp.sum(jnp.cos(g(x))))  # no element drops out
    order = {1: [jax.grad(f), jax.jacfwd(f)]}
    order[2] = [jax.jacfwd(order[1][0]), jax.jacrev(order[1][1])]
    order[3] = [jax.jacrev(order[2][0]), jax.jacfwd(order[2][1])]
    lower = f
    for number in range(1, last + 1):
        steps = 1e-5 * np.eye(x.size)
        differences = [(lower(x + d) - lower(x - d)) / 2e-5 for d in steps]
        expected = np.stack(differences, axis=-1)
        for derivative in order[number]:
            found = jax.jit(derivative)(x)
            np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)
        lower = jax.jit(order[number][0])


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("bias", "beta"), [(1.3, 0.6), (0.0, 0.75)])
def test_third_order(bias, beta):
    """The rules know nothing of implementations."""
    x = np.asarray([1.0, -0.7, 1.2, 0.8])  # away from 0, where s^-beta has its pole
    check_to_order(3, partial(lrn, **dict(ARGUMENTS, bias=bias, beta=beta)), x)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("last", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_high_order_with_array_hyperparameters(last):
    """Mixed derivatives too."""

    def f(all_of_them):
        x, bias, alpha, beta = jnp.split(all_of_them, [4, 8, 9])
        return lrn(x, depth_radius=(2, 1), bias=bias, alpha=alpha, beta=beta)

    ramp = np.linspace(0.5, 1.5, 4)
    x = np.concatenate([X[0, :4], 1.3 * ramp, [0.4], 0.6 * ramp])
    check_to_order(last, f, x)


@pytest.mark.parametrize(
    ("in_axis", "out_axis", "axis"),
    [(0, -1, 0), (1, 0, -1), (2, 2, (0, 2)), (-1, 1, (0, 2))],
)
def test_vmap_over_any_axis_of_x(in_axis, out_axis, axis, rules):
    x, dy = np.random.default_rng(0).standard_normal((2, 2, 3, 4, 5), np.float32)
    arguments = dict(ARGUMENTS, axis=axis)
    f = partial(lrn, **arguments, implementation=rules)
    pairs = [*zip(*(np.moveaxis(a, in_axis, 0) for a in (x, dy)), strict=True)]

    def value_and_gradient(x, dy):
        y, pullback = jax.vjp(f, x)
        return y, pullback(dy)[0]

    y, dx = jax.jit(jax.vmap(value_and_gradient, in_axis, out_axis))(x, dy)
    expected = np.stack([reference.lrn(x, **arguments) for x, _ in pairs])
    assert_values_close(y, np.moveaxis(expected, 0, out_axis))
    expected = np.stack([reference.lrn_vjp(*pair, **arguments).x for pair in pairs])
    assert_gradients_close(dx, np.moveaxis(expected, 0, out_axis))


@pytest.mark.parametrize(
    ("names", "batched_x"),
    [
        (("bias",), True),
        (("alpha",), False),
        (("beta",), False),
        (("bias", "alpha", "beta"), True),
        (("alpha", "beta"), False),
    ],
)
def test_vmap_over_hyperparameters(names, batched_x, rules):
    """Values, and gradients with respect to x and what is mapped over."""
    x, dy = np.random.default_rng(0).standard_normal((2, 3, 2, 6)).astype(np.float32)
    numbers = {"bias": 1.3, "alpha": 0.4, "beta": 0.6}
    factors = np.asarray([0.5, 1.0, 2.0], np.float32)
    arrays = {name: numbers[name] * factors for name in names}

    def value_and_gradients(x, arrays, dy):
        def f(x, arrays):
            return lrn(x, **{**numbers, **arrays}, implementation=rules)

        y, pullback = jax.vjp(f, x, arrays)
        return y, *pullback(dy)

    x = x if batched_x else x[0]
    in_axes = (0 if batched_x else None, 0, 0)
    program = jax.jit(jax.vmap(value_and_gradients, in_axes))
    y, dx, gradients = program(x, arrays, dy)
    for i in range(3):
        one = x[i] if batched_x else x
        arguments = {**numbers, **{name: a[i] for name, a in arrays.items()}}
        expected = reference.lrn_vjp(one, dy[i], **arguments)
        assert_values_close(y[i], reference.lrn(one, **arguments))
        assert_gradients_close(dx[i], expected.x)
        for name in names:
            assert_gradients_close(gradients[name][i], getattr(expected, name))


def test_nested_vmap(rules):
    """A grid of hyperparameters for a batch of inputs."""
    x = np.random.default_rng(0).standard_normal((2, 6)).astype(np.float32)
    alpha = np.asarray([0.1, 0.4, 1.6], np.float32)
    beta = np.asarray([0.5, 0.9], np.float32)

    def f(x, alpha, beta):
        return lrn(x, alpha=alpha, beta=beta, implementation=rules)

    over_beta = jax.vmap(f, (None, None, 0))
    over_alpha = jax.vmap(over_beta, (None, 0, None), out_axes=1)
    y = jax.vmap(over_alpha, (0, None, None))(x, alpha, beta)
    assert y.shape == (2, 2, 3, 6)
    for b, i, a in np.ndindex(2, 2, 3):
        expected = reference.lrn(x[b], alpha=alpha[a], beta=beta[i])
        assert_values_close(y[b, i, a], expected)


def test_scan(rules):
    x = np.random.default_rng(0).standard_normal((4, 2, 6)).astype(np.float32)

    def scanned(x):
        def step(carry, x):
            y = lrn(x, **ARGUMENTS, implementation=rules)
            return carry + jnp.sum(y), y

        return jax.lax.scan(step, jnp.float32(0), x)

    gradient, y = jax.grad(scanned, has_aux=True)(x)
    assert_values_close(y, reference.lrn(x, **ARGUMENTS))
    expected = reference.lrn_vjp(x, np.ones_like(x), **ARGUMENTS).x
    assert_gradients_close(gradient, expected)


@pytest.mark.parametrize("transform", [lambda f: f, jax.grad], ids=["values", "grad"])
@pytest.mark.parametrize("implementation", ["masked_shifts", "plain"])
def test_new_values_never_compile_again(transform, implementation, monkeypatch):
    """An implementation runs exactly when a call of `lrn` is traced and lowered."""
    traced = mock.Mock(wraps=lrn_jax.IMPLEMENTATIONS[implementation])
    monkeypatch.setitem(lrn_jax.IMPLEMENTATIONS, implementation, traced)
    # A number that no other test has: what they have compiled is of no use here.
    alpha = 0.123 if transform is jax.grad else 0.321

    @transform
    def f(x, bias):
        arguments = {"bias": bias, "alpha": alpha, "implementation": implementation}
        return jnp.sum(lrn(x, **arguments))

    def traces(x, bias):
        before = traced.call_count
        f(x, bias)
        return traced.call_count - before

    x, bias = jnp.asarray(X, jnp.float32), jnp.full(6, 1.5)
    assert traces(x, 1.5) > 0
    assert traces(x + 1, 1.5) == 0
    assert traces(x, bias) > 0  # a number is compiled in, an array is not
    assert traces(x + 1, bias) == 0
    assert traces(x, bias + 1) == 0
    assert traces(x, 2.5) > 0  # the counter still counts
