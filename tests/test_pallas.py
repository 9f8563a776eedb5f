"""The Pallas kernel: lowered for TPU, interpreted here, and where it refuses.

Values, gradients and transformations are tested with those of all implementations.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

from lrn_jax import lrn

from . import reference
from .reference import assert_gradients_close, assert_values_close

pytestmark = pytest.mark.usefixtures("strict_dtypes")

NAME = "pallas_rolls"
ARGUMENTS = {"depth_radius": (2, 1), "bias": 1.3, "alpha": 0.4, "beta": 0.75}


def f(x):
    return lrn(x, **ARGUMENTS, implementation=NAME)


def pullback(x, dy):
    return jax.vjp(f, x)[1](dy)[0]


def test_many_blocks_and_a_last_one_that_is_not_full():
    x, dy = np.random.default_rng(0).standard_normal((2, 3, 300, 701), np.float32)
    assert_values_close(f(x), reference.lrn(x, **ARGUMENTS))
    assert_gradients_close(pullback(x, dy), reference.lrn_vjp(x, dy, **ARGUMENTS).x)


@pytest.mark.parametrize("channels", [64, 96, 192, 256])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize(("function", "num_arrays"), [(f, 1), (pullback, 2)])
def test_lowers_for_tpu_as_one_kernel(function, num_arrays, dtype, channels):
    x = jax.ShapeDtypeStruct((16, 27, 27, channels), dtype)
    program = export.export(jax.jit(function), platforms=["tpu"])(*[x] * num_arrays)
    assert program.mlir_module().count("tpu_custom_call") == 1
    assert "reduce_window" not in program.mlir_module()


def test_a_number_of_arrays_as_hyperparameters_lowers_for_tpu():
    def loss(x, bias, alpha):
        return jnp.sum(lrn(x, bias=bias, alpha=alpha, implementation=NAME))

    specs = [jax.ShapeDtypeStruct(s, jnp.float32) for s in ((4, 7, 96), (), (96,))]
    program = export.export(jax.jit(jax.grad(loss)), platforms=["tpu"])(*specs)
    assert program.mlir_module().count("tpu_custom_call") == 1


def test_refuses_other_platforms():
    x = jax.ShapeDtypeStruct((2, 8), jnp.float32)
    with pytest.raises(NotImplementedError, match="but got another platform"):
        export.export(jax.jit(f), platforms=["cuda"])(x)


def test_refuses_windows_along_several_axes():
    x = jnp.ones((2, 4, 5, 3))
    with pytest.raises(NotImplementedError, match="but got one along 2"):
        lrn(x, axis=(1, 2), depth_radius=1, implementation=NAME)


def test_refuses_open_sizes():
    x = jax.ShapeDtypeStruct(export.symbolic_shape("batch, 9"), jnp.float32)
    with pytest.raises(NotImplementedError, match="needs every size"):
        export.export(jax.jit(f))(x)


def test_refuses_to_be_divided_among_devices():
    mesh = jax.make_mesh((8,), ("d",), axis_types=(jax.sharding.AxisType.Explicit,))
    with jax.set_mesh(mesh):
        x = jax.device_put(jnp.ones((8, 5)), jax.P("d"))
        with pytest.raises(NotImplementedError, match="is not divided among devices"):
            f(x)


def test_shard_map_over_the_batch():
    """How to divide it. (JAX interprets it only without the check of varying axes.)"""
    x, dy = np.random.default_rng(0).standard_normal((2, 8, 3, 9), np.float32)
    mesh = jax.make_mesh((8,), ("d",), axis_types=(jax.sharding.AxisType.Auto,))
    specs = {"mesh": mesh, "in_specs": jax.P("d"), "out_specs": jax.P("d")}
    y = jax.jit(jax.shard_map(f, check_vma=False, **specs))(x)
    assert_values_close(y, reference.lrn(x, **ARGUMENTS))
    dx = jax.jit(jax.shard_map(pullback, check_vma=False, **specs))(x, dy)
    assert_gradients_close(dx, reference.lrn_vjp(x, dy, **ARGUMENTS).x)
