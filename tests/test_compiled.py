"""What XLA makes of `lrn` on CPU: a jaxlib that stops fusing it is noticed here."""

import jax
import jax.numpy as jnp
import pytest

from benchmarks import hlo
from lrn_jax import lrn

NHWC, NCHW = -1, 1


def forward(implementation, axis):
    return lambda x: lrn(x, axis=axis, implementation=implementation)


def backward(implementation, axis):
    return lambda x, dy: jax.vjp(forward(implementation, axis), x)[1](dy)


def work(f, num_arguments: int) -> tuple[int, float]:
    """Kernels of the compiled program, and passes over an array of the size of x."""
    x = jax.ShapeDtypeStruct((4, 24, 20, 16), jnp.float32)
    text = jax.jit(f).lower(*[x] * num_arguments).compile().as_text()
    assert text is not None
    found = hlo.work(text)
    return found.kernels, found.bytes / (x.size * 4)


@pytest.mark.parametrize(
    ("axis", "implementation", "kernels", "passes"),
    [
        # Read x, write y: the least there is.
        (NCHW, None, 1, 2),
        (NCHW, "shifted_pads", 1, 2),
        (NHWC, "shifted_pads", 1, 2),
        # Besides, write a padded copy of the squares and read it.
        (NHWC, None, 2, 5),
        (NHWC, "padded_slices", 2, 5),
        (NCHW, "padded_slices", 2, 5),
        # Squares, windows, and the rest, each on its own.
        (NHWC, "reduce_window", 3, 7),
        (NCHW, "reduce_window", 3, 7),
    ],
)
def test_forward_is_fused(axis, implementation, kernels, passes):
    found_kernels, found_passes = work(forward(implementation, axis), 1)
    assert found_kernels <= kernels
    assert found_passes <= passes * 1.3  # the padding is large on a small array


@pytest.mark.parametrize("axis", [NHWC, NCHW], ids=["NHWC", "NCHW"])
def test_backward_takes_less_than_the_definition(axis):
    kernels, passes = work(backward(None, axis), 2)
    most_kernels, most_passes = work(backward("reduce_window", axis), 2)
    assert kernels < most_kernels
    assert passes < most_passes


def test_no_kernel_is_left_slow_by_a_long_window():
    """Shifts of a long window would be cut into several kernels, each a slow one."""
    kernels, passes = work(lambda x: lrn(x, depth_radius=8, axis=NCHW), 1)
    assert (kernels, passes <= 8) == (2, True)
