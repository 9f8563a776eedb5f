"""Values: every implementation, every case, every dtype, against the oracle."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrn_jax import lrn
from lrn_jax._arithmetic import Arithmetic

from .. import reference
from ..cases import KINDS
from ..reference import assert_values_close

pytestmark = pytest.mark.usefixtures("strict_dtypes")

NARROW = [jnp.float16, jnp.bfloat16, jnp.float8_e4m3fn]


def test_oracle_on_vectors_computed_by_hand():
    # s = 1 + (1 + 4, 1 + 4 + 9, 4 + 9)
    y = reference.lrn([1.0, 2.0, 3.0], depth_radius=1, bias=1.0, alpha=1.0, beta=1.0)
    np.testing.assert_allclose(y, [1 / 6, 2 / 15, 3 / 14], rtol=1e-15)
    # s = (0, 0 + 9, 9 + 16, 16 + 0); 0 where s is 0
    arguments = {"depth_radius": (1, 0), "bias": 0.0, "alpha": 1.0, "beta": 0.5}
    y = reference.lrn([0.0, 3.0, 4.0, 0.0], **arguments)
    np.testing.assert_allclose(y, [0.0, 1.0, 0.8, 0.0], rtol=1e-15)


def test_float32(case):
    """The program of the values alone; test_gradients has those beside a gradient."""
    x = jnp.asarray(case.x(), jnp.float32)
    assert_values_close(lrn(x, **case.arguments), reference.lrn(x, **case.arguments))


@pytest.mark.parametrize("dtype", NARROW, ids=lambda dtype: dtype.__name__)
def test_narrow_dtypes_round_once(choice, dtype):
    kind = KINDS[1]
    x = jnp.asarray(kind.x(), jnp.float32).astype(dtype)
    y = lrn(x, **kind.arguments, implementation=choice)
    wide = lrn(x.astype(jnp.float32), **kind.arguments, implementation=choice)
    assert y.dtype == dtype
    np.testing.assert_array_equal(
        y.astype(jnp.float32), wide.astype(dtype).astype(jnp.float32)
    )


def test_bfloat16_is_not_the_identity_with_caffes_constants(implementation):
    """Computed in bfloat16, 1 + alpha * energy is 1 and the layer does nothing."""
    x = np.linspace(5.5, 6.1, 60).reshape(5, 12).astype(jnp.bfloat16)
    bias, alpha = np.asarray([1.0, 2e-5], x.dtype)
    energy = reference_energy(x.astype(np.float64), depth_radius=2).astype(x.dtype)
    s = bias + alpha * energy
    assert s.dtype == x.dtype
    np.testing.assert_array_equal(s, np.ones_like(s))

    arguments = {"depth_radius": 2, "bias": 1.0, "alpha": 2e-5, "beta": 0.75}
    y = lrn(jnp.asarray(x), **arguments, implementation=implementation)
    expected = reference.lrn(x.astype(np.float64), **arguments).astype(x.dtype)
    assert np.any(expected != x)
    np.testing.assert_array_equal(y, expected)


def reference_energy(x, depth_radius):
    """The window sum of x^2 alone: y = x * energy, solved for the energy."""
    return reference.lrn(x, depth_radius=depth_radius, bias=0, alpha=1, beta=-1) / x


@pytest.mark.parametrize("beta", [0.25, 0.5, 0.75, 1.0, 2.0])
def test_power_by_roots_is_within_two_units_in_the_last_place(beta, rules):
    s = _whole_range(beta)
    power = _power(s, beta, rules)
    units = 2 if jax.default_backend() == "cpu" else 3
    exact = s.astype(np.float64) ** -beta
    np.testing.assert_allclose(power, exact, rtol=units * 2**-23)


@pytest.mark.parametrize("platform", ["cpu", "gpu"])
def test_power_of_three_quarters_is_right_for_every_platform(platform):
    s = _whole_range(0.75)
    power = Arithmetic(platform).negative_power(jnp.asarray(s), 0.75)
    np.testing.assert_allclose(power, s.astype(np.float64) ** -0.75, rtol=3 * 2**-23)


@pytest.mark.parametrize("array", [False, True], ids=["number", "array"])
@pytest.mark.parametrize("beta", [0.1, 0.6, 1.3])
def test_power_by_logarithm_is_within_its_bound(beta, array):
    s = _whole_range(beta)
    power = _power(s, jnp.float32(beta) if array else beta, None)
    beta = float(np.float32(beta))
    exponent = -beta * np.log(s.astype(np.float64))
    error = np.abs(power - np.exp(exponent)) / np.exp(exponent)
    assert np.all(error <= (2 + np.abs(exponent)) * 2**-23)


def _whole_range(beta):
    """Float32 numbers s of all magnitudes for which s^-beta is a normal number."""
    largest = 86.0 / max(beta, 1.0)
    exponents = np.random.default_rng(0).uniform(-largest, largest, (100_000, 1))
    return np.exp(exponents).astype(np.float32)


def _power(s, beta, implementation):
    """s^-beta through the public function: x = 1 and s = bias."""
    arguments = {"bias": jnp.asarray(s), "alpha": jnp.float32(0), "beta": beta}
    return np.asarray(lrn(jnp.ones_like(s), **arguments, implementation=implementation))


@pytest.mark.parametrize("kind", ["number", "scalar", "channel", "element"])
def test_hyperparameters_as_numbers_and_arrays(kind, rules):
    x = np.random.default_rng(0).standard_normal((2, 3, 7)).astype(np.float32)
    shape = {"scalar": (), "channel": (7,), "element": x.shape}.get(kind)
    numbers: dict[str, Any] = {"bias": 1.2, "alpha": 0.4, "beta": 0.9}
    if shape is not None:
        ramp = np.linspace(1, 2, x.size, dtype=np.float32).reshape(x.shape)
        ramp = ramp[(0,) * (x.ndim - len(shape))]
        numbers = {name: number * ramp for name, number in numbers.items()}
    y = lrn(x, depth_radius=(1, 2), **numbers, implementation=rules)
    assert_values_close(y, reference.lrn(x, depth_radius=(1, 2), **numbers))


@pytest.mark.parametrize("shape", [(0,), (0, 5), (5, 0)], ids=str)
def test_empty_arrays(shape, implementation):
    y = lrn(jnp.zeros(shape, jnp.float16), implementation=implementation)
    assert (y.shape, y.dtype) == (shape, jnp.float16)


def test_numpy_arrays_in_any_memory_layout():
    x = np.random.default_rng(0).standard_normal((5, 4, 3)).astype(np.float32)
    x = x[::-1].transpose(2, 1, 0)
    y = lrn(x, alpha=0.5)
    assert_values_close(y, reference.lrn(x, alpha=0.5))


def test_zero_energy_and_zero_bias_give_zero(rules):
    x = jnp.asarray([0.0, 0.0, 0.0, 2.0, 0.0])
    arguments = {
        "depth_radius": 1,
        "bias": 0.0,
        "alpha": 1.0,
        "implementation": rules,
    }
    for beta in (0.75, 0.6, jnp.float32(0.6)):
        y = lrn(x, **arguments, beta=beta)
        np.testing.assert_array_equal(y[jnp.asarray([0, 1, 2, 4])], 0)
        assert y[3] > 0


def as_number_or_array(kind, dtype, **numbers) -> dict[str, Any]:
    """Hyperparameters compiled in, or as operands."""
    if kind == "numbers":
        return numbers
    return {name: jnp.asarray(value, dtype) for name, value in numbers.items()}


@pytest.mark.parametrize(
    ("kind", "dtype", "huge"),
    [
        ("numbers", "float32", 1e25),
        ("arrays", "float32", 1e25),
        ("arrays", "float64", 1e200),
    ],
)
def test_beta_0_is_the_identity_and_alpha_0_a_factor(kind, dtype, huge, rules, x64):
    """Whatever overflows; so are their derivatives."""
    x = jnp.asarray([1.0, huge, 2.0, -3.0], dtype)
    for beta, alpha, factor in ((0.0, 1.0, 1.0), (0.5, 0.0, 0.5)):
        given = as_number_or_array(kind, dtype, bias=4.0, alpha=alpha, beta=beta)

        def f(x, given=given):
            return lrn(x, depth_radius=1, **given, implementation=rules)

        @jax.jit
        def derivatives(x, f=f):
            x_dot = jax.jvp(f, (x,), (jnp.ones_like(x),))[1]
            return x_dot, jax.grad(lambda x: f(x).sum())(x)

        np.testing.assert_array_equal(f(x), factor * x)
        np.testing.assert_array_equal(derivatives(x), jnp.full((2, x.size), factor))
        for bad in (jnp.inf, jnp.nan):
            unlike = x.at[1].set(bad)
            np.testing.assert_array_equal(f(unlike), factor * unlike)


def test_beta_0_is_the_identity_where_s_is_0(rules):
    x = jnp.asarray([0.0, 1.0])
    given: dict[str, Any] = {
        "bias": jnp.zeros(()),
        "alpha": jnp.zeros(()),
        "beta": jnp.zeros(()),
    }
    np.testing.assert_array_equal(lrn(x, **given, implementation=rules), x)


def test_bias_and_alpha_0_are_infinities_where_they_are_arrays(rules):
    """As the formula says; as numbers they are refused."""
    given: dict[str, Any] = {"bias": jnp.zeros(()), "alpha": jnp.zeros(())}
    y = lrn(jnp.asarray([1.0, 0.0, -2.0]), **given, implementation=rules)
    np.testing.assert_array_equal(y, [np.inf, 0, -np.inf])


@pytest.mark.parametrize("kind", ["numbers", "arrays"])
@pytest.mark.parametrize(("bias", "beta"), [(1e-20, 2.0), (3e-39, 1.0), (1e-45, 0.5)])
def test_silent_windows_are_0_though_a_power_of_the_bias_overflows(
    bias, beta, kind, rules
):
    for alpha in (1.5, 0.0):
        given = as_number_or_array(kind, "float32", bias=bias, alpha=alpha, beta=beta)
        y = lrn(jnp.zeros(3), **given, implementation=rules)
        np.testing.assert_array_equal(y, 0)


def test_a_power_out_of_range_is_infinite_and_never_nan(rules):
    """1e-12 / (1e-24)^2 is beyond float32."""
    arguments = {"depth_radius": 1, "bias": 0.0, "alpha": 1.0, "beta": 2.0}
    y = lrn(jnp.asarray([1e-12, 0.0]), **arguments, implementation=rules)
    np.testing.assert_array_equal(y, [np.inf, 0])


def test_bad_elements_reach_their_own_windows_only(implementation):
    x = np.random.default_rng(0).standard_normal((3, 12)).astype(np.float32)
    arguments = {"depth_radius": (2, 1), "alpha": 0.5, "implementation": implementation}
    clean = np.asarray(lrn(x, **arguments))
    seen_by = np.zeros(x.shape, bool)
    seen_by[1, 5 - 1 : 5 + 2 + 1] = True  # j sees 5 if j - 2 <= 5 <= j + 1
    neighbours = seen_by.copy()
    neighbours[1, 5] = False
    for bad in (np.inf, -np.inf, np.nan, 1e30):
        x[1, 5] = bad
        y = np.asarray(lrn(x, **arguments))
        np.testing.assert_array_equal(y[~seen_by], clean[~seen_by])
        # They see an infinite energy (which leaves nothing of them), or a NaN.
        np.testing.assert_array_equal(y[neighbours], np.nan if np.isnan(bad) else 0)
