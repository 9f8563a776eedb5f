"""`jax.export`: lowering for other platforms, and saved programs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

from lrn_jax import lrn

from .. import reference
from ..reference import assert_gradients_close, assert_values_close

pytestmark = pytest.mark.usefixtures("strict_dtypes")

PLATFORMS = ("cpu", "cuda", "tpu")
ARGUMENTS = {"depth_radius": (2, 1), "bias": 1.3, "alpha": 0.4, "beta": 0.6}
X = np.random.default_rng(0).standard_normal((4, 2, 3, 9)).astype(np.float32)


def exported(transform, shape, choice) -> export.Exported:
    """Value, or gradient of the sum, of `lrn` as a program for every platform."""
    f = transform(lambda x: lrn(x, **ARGUMENTS, implementation=choice))
    spec = jax.ShapeDtypeStruct(shape, jnp.float32)
    return export.export(jax.jit(f), platforms=PLATFORMS)(spec)


def values(f):
    return f


def gradients(f):
    return jax.grad(lambda x: jnp.sum(f(x)))


def check(program, transform, x):
    assert program.platforms == PLATFORMS
    if transform is values:
        assert_values_close(program.call(x), reference.lrn(x, **ARGUMENTS))
    else:
        expected = reference.lrn_vjp(x, np.ones_like(x), **ARGUMENTS).x
        assert_gradients_close(program.call(x), expected)


@pytest.mark.parametrize("transform", [values, gradients])
def test_one_program_for_all_platforms(transform, choice):
    check(exported(transform, X.shape, choice), transform, X)


@pytest.mark.parametrize("transform", [values, gradients])
def test_one_program_for_all_batch_sizes(transform, choice):
    program = exported(transform, export.symbolic_shape("batch, 2, 3, 9"), choice)
    check(program, transform, X)
    check(program, transform, X[:1])


@pytest.mark.parametrize("transform", [values, gradients])
def test_saved_program(transform, choice):
    saved = exported(transform, X.shape, choice).serialize()
    check(export.deserialize(saved), transform, X)


def test_rows_of_unknown_number_are_refused_by_name():
    shape = export.symbolic_shape("batch, rows, 9")
    with pytest.raises(NotImplementedError, match="Use 'doubling' or None"):
        exported(values, shape, "masked_shifts")
    check(exported(values, shape, None), values, X[:, 0])
