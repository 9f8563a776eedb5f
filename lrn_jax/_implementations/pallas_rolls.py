"""The whole operation as one Pallas kernel for TPU: rolled registers and masks.

A block of rows, with all that their windows reach, is read into fast memory once; the
shifts are rolls of the lanes, masked where they wrap around. Forward it reads x and
writes y, backward it reads x and the cotangent and writes the gradient: nothing else
goes through memory. Whether that beats what XLA makes of `reduce_window` has not been
measured, so it is never chosen by default. On CPU it is interpreted, for tests.
"""

from collections.abc import Callable
from math import prod

import jax
import jax.numpy as jnp
from jax import Array, lax

from .._hyperparameters import Hyperparameters
from .._window import Window, windowed_axes

# Elements of a block: half a MiB of float32, of which a kernel holds about ten.
_BLOCK_SIZE = 2**17
_SUBLANES = 8  # rows come in multiples of it


def launch(
    formula: Callable[..., Array],
    window: Window,
    platform: str | None,
    given: Hyperparameters,
    *arrays: Array,
) -> Array:
    """Evaluates a formula, block of rows by block of rows.

    Args:
      formula: Makes a block, in the dtype of the last of the arrays, of a window, a
        function for the window sum, the hyperparameters and a block of each array.
      window: For the arrays.
      platform: What to run on.
      given: Hyperparameters, constants or arrays that broadcast.
      *arrays: Arrays of one shape, or that broadcast to one.

    Raises:
      NotImplementedError: On other platforms than TPU and CPU, for a window along
        several axes, and for arrays of open size or known to be in pieces.
    """
    # Here, since few need it, and it loads much.
    from jax.experimental import pallas as pl
    from jax.experimental.pallas import tpu as pltpu

    _check(window, platform, arrays[0])
    windowed = windowed_axes(window)
    axis, extents = windowed[0] if windowed else (len(window) - 1, (0, 0))
    shape = jnp.broadcast_shapes(*(array.shape for array in arrays))
    size, num_rows = shape[axis], prod(shape) // shape[axis]
    block_rows = min(
        num_rows, max(_SUBLANES, _BLOCK_SIZE // size // _SUBLANES * _SUBLANES)
    )

    def as_rows(array: Array) -> Array:
        """Returns the array as rows along the axis: all of them, or one for all."""
        if array.ndim == 0:
            return lax.reshape(array, (1, 1))
        last = array.shape[axis]
        if array.size > last:
            whole = (*shape[:axis], last, *shape[axis + 1 :])
            array = jnp.broadcast_to(array, whole)
        return jnp.moveaxis(array, axis, -1).reshape(-1, last)

    def block_of(rows: Array) -> pl.BlockSpec:
        if len(rows) == num_rows:
            return pl.BlockSpec((block_rows, rows.shape[1]), lambda i: (i, 0))
        return pl.BlockSpec(rows.shape, lambda i: (0, 0))

    def window_sum(x: Array, row_window: Window) -> Array:
        before, after = row_window[1]
        lane = lax.broadcasted_iota(jnp.int32, x.shape, 1)
        total = x
        for shift in [*range(-before, 0), *range(1, after + 1)]:
            inside = (lane + shift >= 0) & (lane + shift < size)
            rolled = pltpu.roll(x, -shift % size, axis=1)
            total += jnp.where(inside, rolled, jnp.zeros_like(x))
        return total

    operands, structure = jax.tree.flatten((given, arrays))
    operands = [as_rows(operand) for operand in operands]

    def kernel(*references):
        *inputs, output = references
        given, blocks = jax.tree.unflatten(structure, [each[...] for each in inputs])
        output[...] = formula(((0, 0), extents), window_sum, given, *blocks)

    result = pl.pallas_call(
        kernel,
        out_shape=jax.ShapeDtypeStruct(
            (num_rows, size),
            arrays[-1].dtype,
            manual_axis_type=jax.typeof(arrays[0]).manual_axis_type,
        ),
        grid=(pl.cdiv(num_rows, block_rows),),
        in_specs=[block_of(operand) for operand in operands],
        out_specs=pl.BlockSpec((block_rows, size), lambda i: (i, 0)),
        compiler_params=pltpu.CompilerParams(dimension_semantics=("parallel",)),
        interpret=platform == "cpu",
    )(*operands)
    rows_last = (*shape[:axis], *shape[axis + 1 :], size)
    return jnp.moveaxis(result.reshape(rows_last), -1, axis)


def _check(window: Window, platform: str | None, array: Array) -> None:
    """Raises where there is no kernel."""

    def refusal(reason: str) -> NotImplementedError:
        return NotImplementedError(
            f"`implementation` 'pallas_rolls' {reason}. Use 'reduce_window' or None."
        )

    if platform not in ("cpu", "tpu"):
        raise refusal("runs on TPU and, interpreted, on CPU, but got another platform")
    num_axes = len(windowed_axes(window))
    if num_axes > 1:
        raise refusal(f"takes windows along one axis, but got one along {num_axes}")
    if not all(isinstance(n, int) for n in array.shape):
        raise refusal(f"needs every size, but got {array.shape}")
    if any(part is not None for part in jax.typeof(array).sharding.spec):
        raise refusal(f"is not divided among devices, but got {jax.typeof(array)}")
