"""What XLA makes of `lrn` on CPU: a jaxlib that stops fusing it is noticed here."""

import re

import jax
import jax.numpy as jnp
import pytest

from benchmarks.layer import hlo
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
        (NCHW, "masked_shifts", 1, 2),
        (NCHW, "padded_shifts", 1, 2),
        (NHWC, "padded_shifts", 1, 2),
        # Besides, square and sum the first and the last row of each image.
        (NHWC, None, 3, 2),
        (NHWC, "masked_shifts", 3, 2),
        # Besides, write a padded copy of the squares and read it.
        (NHWC, "doubling", 2, 5),
        (NCHW, "doubling", 2, 5),
        # Squares, windows, and the rest, each on its own.
        (NHWC, "reduce_window", 3, 7),
        (NCHW, "reduce_window", 3, 7),
    ],
)
def test_forward_is_fused(axis, implementation, kernels, passes):
    found_kernels, found_passes = work(forward(implementation, axis), 1)
    assert found_kernels <= kernels
    # A small array has large paddings, and a row is counted as all that it is cut from.
    assert found_passes <= passes * 1.3 + (1 if kernels == 3 and passes == 2 else 0)


@pytest.mark.parametrize(
    ("axis", "implementation", "kernels", "passes"),
    [
        # x and the cotangent, what goes back; these three, the gradient.
        (NCHW, None, 2, 7),
        # Besides, three times the first and the last row of each image.
        (NHWC, None, 8, 7),
        (NHWC, "doubling", 5, 15),
        (NCHW, "doubling", 5, 15),
        (NHWC, "reduce_window", 7, 21),
        (NCHW, "reduce_window", 7, 21),
    ],
)
def test_backward_is_fused(axis, implementation, kernels, passes):
    found_kernels, found_passes = work(backward(implementation, axis), 2)
    assert found_kernels <= kernels
    assert found_passes <= passes * 1.3 + (3 if kernels == 8 else 0)


def test_long_windows_are_fused_too():
    """Up to 15 channels in one kernel; then from stored sums of a few."""
    kernels, passes = work(lambda x: lrn(x, depth_radius=7, axis=NCHW), 1)
    assert (kernels, passes <= 2.1) == (1, True)
    kernels, passes = work(lambda x: lrn(x, depth_radius=8, axis=NCHW), 1)
    assert (kernels, passes <= 8) == (2, True)


@pytest.mark.parametrize(
    ("axis", "number", "lengths"),
    [
        *[(2, 32, []), (2, 33, [3]), (2, 49, [7]), (2, 71, [7]), (2, 255, [15])],
        *[(1, 15, []), (1, 17, [4]), (1, 65, [8])],
    ],
)
def test_very_long_windows_are_sums_of_stored_sums(axis, number, lengths):
    """71 is ten sums of seven, and one element more, which is read by itself."""
    shape = [2, 8, 8]
    shape[axis] = 300
    radius = (number - 1, 0) if axis == 2 else number // 2
    f = jax.jit(lambda x: lrn(x, depth_radius=radius, axis=axis))
    text = f.lower(jax.ShapeDtypeStruct(shape, jnp.float32)).compile().as_text()
    assert text is not None
    expected = []
    for length in lengths:
        stored = list(shape)
        stored[axis] += number - length
        expected.append(f"f32[{','.join(map(str, stored))}]")
    expected.append(f"f32[{','.join(map(str, shape))}]")
    assert re.findall(r"= (\S+?)\{\S* call\(", text) == expected


@pytest.mark.parametrize("axis", [NHWC, NCHW], ids=["NHWC", "NCHW"])
def test_a_whole_axis_is_one_program_with_what_follows(axis):
    # A smaller array is not worth it to XLA.
    shape = (16, 24, 20, 96) if axis == NHWC else (16, 96, 24, 20)
    x = jax.ShapeDtypeStruct(shape, jnp.float32)
    f = jax.jit(lambda x: lrn(x, depth_radius=None, axis=axis))
    text = f.lower(x).compile().as_text()
    assert text is not None
    found = hlo.work(text)
    # Before 0.10.2 XLA:CPU fused no reduction with what follows.
    kernels, passes = (1, 2) if jax.__version_info__ >= (0, 10, 2) else (4, 5.1)
    assert found.kernels <= kernels
    assert found.bytes <= passes * 4 * x.size


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16], ids=["bf16", "f16"])
def test_windows_of_narrow_elements_have_operands_of_their_own(dtype):
    """Where one conversion serves all else too, XLA:CPU loops over single elements."""
    x = jax.ShapeDtypeStruct((4, 20, 24, 16), dtype)
    f = forward(None, NHWC)
    for function, given in ((f, [x]), (lambda *dots: jax.jvp(f, *dots), [[x], [x]])):
        text = jax.jit(function).lower(*given).compile().as_text()
        assert text is not None
        calls = re.findall(r" call\(([^)]*)\)", text)
        for call in calls:
            operands = call.split(", ")
            assert len(operands) == 2 * len(set(operands))
        assert len(calls) == len(given)


def test_kernels_loop_over_few_axes():
    """Height and width are one axis to a kernel: its innermost loop is long."""
    x = jax.ShapeDtypeStruct((4, 24, 20, 16), jnp.float32)
    text = jax.jit(forward(None, NCHW)).lower(x).compile().as_text()
    assert text is not None
    (call,) = [line for line in text.splitlines() if " call(" in line]
    assert "f32[4,24,320]" in call


def in_pieces(shape) -> jax.ShapeDtypeStruct:
    """An array whose first axis is divided among eight devices."""
    mesh = jax.make_mesh((8,), ("devices",), axis_types=(jax.sharding.AxisType.Auto,))
    sharding = jax.NamedSharding(mesh, jax.P("devices"))
    return jax.ShapeDtypeStruct(shape, jnp.float32, sharding=sharding)


def test_programs_in_pieces_are_left_to_xla():
    """Isolated kernels are for one device: XLA divides what it can see."""
    x = in_pieces((8, 24, 20, 16))
    assert "inlineable" not in jax.jit(forward(None, NCHW)).lower(x).as_text()


@pytest.mark.parametrize("axis", [NHWC, NCHW], ids=["NHWC", "NCHW"])
def test_programs_in_pieces_form_s_again(axis):
    """Without the barrier XLA forms s once, and stores it, at the cost of a kernel."""
    x = in_pieces((32, 24, 20, 16))
    text = jax.jit(backward(None, axis)).lower(x, x).compile().as_text()
    assert text is not None
    assert hlo.work(text).kernels <= 3
