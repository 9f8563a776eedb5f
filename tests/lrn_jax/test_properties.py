"""Laws that hold for all inputs, on inputs that hypothesis draws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lrn_jax import lrn

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
# Few windows and exponents, because each compiles; many values.
FEW_RADII = st.sampled_from([1, (2, 0), (1, 3)])
FEW_BETAS = st.sampled_from([0.6, 0.75])


@given(x=ARRAYS, depth_radius=FEW_RADII, beta=FEW_BETAS)
def test_odd(implementation, x, depth_radius, beta):
    arguments = {"depth_radius": depth_radius, "alpha": 0.5, "beta": beta}
    y = lrn(x, **arguments, implementation=implementation)
    mirror = lrn(-x, **arguments, implementation=implementation)
    np.testing.assert_array_equal(mirror, -y)


@given(x=ARRAYS, depth_radius=st.sampled_from([(2, 0), (1, 3)]))
def test_reversed_channels_mirror_the_window(implementation, x, depth_radius):
    arguments = {"alpha": 0.5, "beta": 0.75, "implementation": implementation}
    y = lrn(x, depth_radius=depth_radius, **arguments)
    mirrored = lrn(x[:, ::-1], depth_radius=depth_radius[::-1], **arguments)
    # The order of a sum is not part of the contract: a rounding apart, not equal.
    np.testing.assert_allclose(
        mirrored[:, ::-1], y, rtol=reference.tolerance(np.float32)
    )


@given(
    x=ARRAYS,
    exponent=st.integers(-10, 10),
    depth_radius=FEW_RADII,
    beta=FEW_BETAS,
)
def test_scale_moves_into_alpha(implementation, x, exponent, depth_radius, beta):
    """lrn(c x, alpha) = c lrn(x, c^2 alpha), exactly if c is a power of two."""
    scale = np.float32(2.0**exponent)

    def f(x, alpha):
        arguments = {"depth_radius": depth_radius, "beta": beta}
        return lrn(x, alpha=alpha, **arguments, implementation=implementation)

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


@given(x=hnp.arrays(np.float32, 7, elements=ELEMENTS), depth_radius=FEW_RADII)
@pytest.mark.parametrize("jacobian", [jax.jacfwd, jax.jacrev])
def test_jacobian_is_a_band(jacobian, implementation, x, depth_radius):
    """Exactly zero where i does not see j; elsewhere not, where no x is zero."""
    before, after = (
        depth_radius if isinstance(depth_radius, tuple) else (depth_radius,) * 2
    )
    arguments = {"depth_radius": depth_radius, "alpha": 0.5}
    rows = jacobian(lambda x: lrn(x, **arguments, implementation=implementation))(x)
    distance = np.arange(7) - np.arange(7)[:, None]
    seen = (-before <= distance) & (distance <= after)
    np.testing.assert_array_equal(rows[~seen], 0)
    ones = jnp.ones(7)
    rows = jacobian(lambda x: lrn(x, **arguments, implementation=implementation))(ones)
    assert np.all(np.asarray(rows)[seen] != 0)


@pytest.mark.usefixtures("x64")
@given(data=st.data())
def test_any_window_and_hyperparameters(implementation, data):
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
    y, pullback = jax.vjp(
        lambda x: lrn(x, **arguments, implementation=implementation), x
    )
    assert_values_close(y, reference.lrn(x, **arguments))
    assert_gradients_close(pullback(dy)[0], reference.lrn_vjp(x, dy, **arguments).x)
