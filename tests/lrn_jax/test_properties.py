"""Laws that hold for all inputs, on inputs that hypothesis draws."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lrn_jax import IMPLEMENTATIONS, lrn

from .. import reference
from ..reference import assert_gradients_close, assert_values_close

pytestmark = pytest.mark.usefixtures("strict_dtypes")

# Zero, or a number whose square is a normal float32.
ELEMENTS = st.floats(-(2.0**20), 2.0**20, width=32).map(
    lambda number: number if abs(number) > 2.0**-20 else 0.0
)
ARRAYS = hnp.arrays(np.float32, (3, 7), elements=ELEMENTS)
EXTENTS = st.integers(0, 8)
RADII = st.one_of(st.none(), EXTENTS, st.tuples(EXTENTS, EXTENTS))
BOXES = st.one_of(RADII, st.tuples(*[st.tuples(EXTENTS, EXTENTS)] * 2))
# One window, because each compiles; many values.
ARGUMENTS: dict[str, Any] = {"depth_radius": (1, 3), "alpha": 0.5, "beta": 0.6}


@given(x=ARRAYS)
def test_odd(implementation, x):
    y = lrn(x, **ARGUMENTS, implementation=implementation)
    mirror = lrn(-x, **ARGUMENTS, implementation=implementation)
    np.testing.assert_array_equal(mirror, -y)


@given(x=ARRAYS)
def test_reversed_channels_mirror_the_window(implementation, x):
    # By square roots, whose error does not grow with s.
    arguments = ARGUMENTS | {"beta": 0.75, "implementation": implementation}
    y = lrn(x, **arguments)
    arguments |= {"depth_radius": (3, 1)}
    # The order of a sum is not part of the contract: a rounding apart, not equal.
    np.testing.assert_allclose(
        lrn(x[:, ::-1], **arguments)[:, ::-1], y, rtol=reference.tolerance(np.float32)
    )


@given(x=ARRAYS, exponent=st.integers(-10, 10))
def test_scale_moves_into_alpha(implementation, x, exponent):
    """lrn(c x, alpha) = c lrn(x, c^2 alpha), exactly if c is a power of two."""
    scale = np.float32(2.0**exponent)

    def f(x, alpha):
        return lrn(x, **ARGUMENTS | {"alpha": alpha}, implementation=implementation)

    alpha = jnp.float32(0.3)
    np.testing.assert_array_equal(f(scale * x, alpha), scale * f(x, scale**2 * alpha))


@given(x=ARRAYS, order=st.permutations(range(7)))
def test_the_whole_axis_has_no_order(implementation, x, order):
    arguments = {"depth_radius": None, "alpha": 0.5, "beta": 0.75}
    y = lrn(x, **arguments, implementation=implementation)
    permuted = lrn(x[:, order], **arguments, implementation=implementation)
    np.testing.assert_allclose(
        permuted, y[:, np.asarray(order)], rtol=reference.tolerance(np.float32)
    )


@pytest.mark.parametrize("jacobian", [jax.jacfwd, jax.jacrev])
def test_jacobian_is_a_band(jacobian, implementation):
    """Exactly zero where i does not see j; elsewhere not, where no x is zero."""
    f = partial(lrn, **ARGUMENTS, implementation=implementation)
    before, after = ARGUMENTS["depth_radius"]
    distance = np.arange(7) - np.arange(7)[:, None]
    seen = (-before <= distance) & (distance <= after)
    np.testing.assert_array_equal(jax.jit(jacobian(f))(jnp.ones(7)) != 0, seen)


@pytest.mark.usefixtures("x64")
@settings(max_examples=40)
@given(data=st.data())
def test_any_window_and_hyperparameters(data):
    one_axis = [((9,), 0), ((2, 5), -1), ((2, 4, 3), -1), ((2, 5, 3), 1)]
    several_axes = [((3, 4, 2), (0, 1)), ((1, 6), (0, 1))]
    shape, axis = data.draw(st.sampled_from([*one_axis, *several_axes]))
    x, dy = (
        data.draw(hnp.arrays(np.float64, shape, elements=st.floats(-8, 8, width=16)))
        for _ in range(2)
    )
    arguments = {
        "depth_radius": data.draw(RADII if isinstance(axis, int) else BOXES),
        "bias": data.draw(st.floats(0.25, 4)),
        "alpha": data.draw(st.floats(0, 2)),
        "beta": data.draw(st.sampled_from([0.25, 0.5, 0.6, 0.75, 1.0, 1.3, 2.0])),
        "axis": axis,
    }
    f = partial(
        lrn, **arguments, implementation=data.draw(st.sampled_from([*IMPLEMENTATIONS]))
    )
    y, pullback = jax.vjp(f, x)
    assert_values_close(y, reference.lrn(x, **arguments))
    assert_gradients_close(pullback(dy)[0], reference.lrn_vjp(x, dy, **arguments).x)
