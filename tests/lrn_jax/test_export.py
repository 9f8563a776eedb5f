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


def exported(shape, choice) -> export.Exported:
    """A program for every platform: the value of `lrn`, and the gradient of its sum."""

    def f(x):
        y, pullback = jax.vjp(lambda x: lrn(x, **ARGUMENTS, implementation=choice), x)
        return y, *pullback(jnp.ones_like(y))

    spec = jax.ShapeDtypeStruct(shape, jnp.float32)
    return export.export(jax.jit(f), platforms=PLATFORMS)(spec)


def check(program, x):
    assert program.platforms == PLATFORMS
    y, dx = program.call(x)
    assert_values_close(y, reference.lrn(x, **ARGUMENTS))
    assert_gradients_close(dx, reference.lrn_vjp(x, np.ones_like(x), **ARGUMENTS).x)


def test_one_program_for_all_platforms_can_be_saved(choice):
    saved = exported(X.shape, choice).serialize()
    check(export.deserialize(saved), X)


def test_one_program_for_all_batch_sizes(choice):
    program = exported(export.symbolic_shape("batch, 2, 3, 9"), choice)
    check(program, X)
    check(program, X[:1])


def test_rows_of_unknown_number_are_refused_by_name():
    shape = export.symbolic_shape("batch, rows, 9")
    with pytest.raises(NotImplementedError, match="Use 'doubling' or None"):
        exported(shape, "masked_shifts")
    check(exported(shape, None), X[:, 0])
