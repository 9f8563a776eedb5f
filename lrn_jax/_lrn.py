"""Local response normalization: the public function."""

# The names of types, not what they stand for, are what `help` shows.
from __future__ import annotations

import inspect
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from ._arguments import (
    align,
    check_axis,
    check_depth_radius,
    check_hyperparameter,
    check_implementation,
    check_numbers,
    check_x,
    make_window,
)
from ._arithmetic import Arithmetic
from ._formula import compute_dtype
from ._implementations import Implementation
from ._primitive import normalize
from ._window import Extents, Window

DepthRadius = int | Extents | tuple[Extents, ...] | None


class _Signature(inspect.Signature):
    """A signature that `help` shows with one argument a line, on any screen."""

    def format(self, **_: object) -> str:
        """Returns the signature; from Python 3.13 on, `help` asks for this."""
        x, *others = (str(each).replace("'", "") for each in self.parameters.values())
        lines = "".join(f"    {line},\n" for line in (x, "*", *others))
        return f"(\n{lines}) -> {self.return_annotation}"

    __str__ = format


def lrn(
    x: Array | np.ndarray,
    *,
    depth_radius: DepthRadius = 2,
    bias: ArrayLike = 2.0,
    alpha: ArrayLike = 1e-4,
    beta: ArrayLike = 0.75,
    axis: int | tuple[int, ...] = -1,
    implementation: Implementation | None = None,
) -> Array:
    r"""Local response normalization: divides by a power of the neighbours' energy.

    .. math::
        y_c = x_c \, s_c^{-\beta}, \qquad
        s_c = \text{bias} + \alpha \sum_{j=\max(0,\,c-r)}^{\min(C-1,\,c+r)} x_j^2,

    where :math:`r` is `depth_radius` and :math:`C` the size of `axis`. Windows are cut
    off at the borders, and the sum is not rescaled there. `alpha` multiplies the plain
    sum, as in TensorFlow and in the paper, whose values are the defaults. PyTorch,
    Caffe and ONNX divide theirs by the size ``n = 2 * depth_radius + 1`` of the window:
    their ``alpha=a`` is ``alpha=a / n`` here.

    float16 and bfloat16 (and narrower) are computed in float32 and rounded once, on
    return; float64 stays float64. With `beta` 0 the result is `x`; with `alpha` 0 it is
    ``x * bias**-beta``, whatever overflows. Where ``s`` is 0 for want of energy, ``y``
    and its derivative are 0. An infinity, a NaN or an element whose square overflows
    reaches the windows it lies in and nothing else.

    The function is compiled, once for arrays of the same shapes. Derivatives of any
    order in both modes, `jax.vmap` and `jax.shard_map` apply. Reverse mode keeps `x`
    (and array hyperparameters), nothing else.

    Args:
      x: Array with at least one axis and a real floating dtype; it may be empty.
      depth_radius: How far the window reaches to either side, not counting the centre;
        a pair ``(before, after)`` for an uneven window; a tuple of such pairs, one for
        each of several axes; ``None`` for the whole axes. It may exceed an axis.
      bias: Additive constant (k in the paper; not a learned bias), not negative, and
        not 0 if `alpha` is 0.
      alpha: Weight of the sum of squares, not negative.
      beta: Exponent. 0.25, 0.5, 0.75, 1 and 2 are computed by square roots.
      axis: The axis the window lies along. Several axes make a box-shaped window, with
        the same `depth_radius` along each if it is not a tuple of pairs.
      implementation: A name from `lrn_jax.IMPLEMENTATIONS`, which then runs or raises;
        ``None`` lets the library choose. "plain" is for tools that read a program
        operation by operation, such as `jax.experimental.jet` or an exporter to ONNX
        (jax2onnx can have `lrn_jax.onnx` instead): the definition in ordinary JAX
        operations, which promises nothing about what the backward pass keeps.

    `bias`, `alpha` and `beta` may each be a number, which is compiled in, so that each
    new one compiles anew; or an array of real numbers or integers, traced or not, that
    is a scalar or can be broadcast to the shape of `x`: it is differentiable, can be
    vmapped, and new values compile nothing.

    Returns:
      Array of the shape and dtype of `x`.

    Raises:
      TypeError: If `x` is not an array of a real floating dtype, or an argument has the
        wrong type.
      ValueError: If `x` is a scalar, an argument is out of range (a number, of what the
        computation's dtype can hold), `bias` and `alpha` are both 0, an array
        hyperparameter cannot be broadcast to `x`, or `implementation` is unknown.
      NotImplementedError: If the named implementation cannot do this call: only
        "reduce_window" and "plain" sum over an axis with explicit sharding.

    Example:
      >>> import jax.numpy as jnp
      >>> from lrn_jax import lrn
      >>> lrn(jnp.ones((1, 3)), depth_radius=1, bias=1.0, alpha=1.0, beta=1.0)
      Array([[0.33333334, 0.25      , 0.33333334]], dtype=float32)

      The same layer in TensorFlow, PyTorch and Caffe, with their numbers:

      >>> x = jnp.ones((16, 55, 55, 96))
      >>> y = lrn(x, depth_radius=2, bias=2.0, alpha=1e-4, beta=0.75)  # TensorFlow
      >>> y = lrn(x, depth_radius=2, bias=1.0, alpha=1e-4 / 5, beta=0.75)  # Caffe, n=5
      >>> x = jnp.ones((16, 96, 55, 55))  # PyTorch has the channels on axis 1
      >>> y = lrn(x, depth_radius=2, bias=1.0, alpha=1e-4 / 5, beta=0.75, axis=1)

    References:
      Krizhevsky, Sutskever, Hinton: ImageNet classification with deep convolutional
      neural networks, NIPS 2012, section 3.3.
    """
    check_implementation(implementation)
    x = check_x(x)
    given = {"bias": bias, "alpha": alpha, "beta": beta}
    given = {name: check_hyperparameter(name, value) for name, value in given.items()}
    numbers = {name: value for name, value in given.items() if isinstance(value, float)}
    return _compiled_lrn(
        x,
        {name: value for name, value in given.items() if name not in numbers},
        numbers=tuple(numbers.items()),
        window=make_window(x.shape, check_axis(axis), check_depth_radius(depth_radius)),
        implementation=implementation,
    )


lrn.__signature__ = _Signature.from_callable(lrn)  # pyright: ignore[reportFunctionMemberAccess]


@partial(jax.jit, static_argnames=("numbers", "window", "implementation"))
def _compiled_lrn(
    x: Array,
    arrays: dict[str, Array],
    *,
    numbers: tuple[tuple[str, float], ...],
    window: Window,
    implementation: Implementation | None,
) -> Array:
    """Fixes everything that depends on the dtype of `x`, then normalizes."""
    zeros = check_numbers(dict(numbers), compute_dtype(x))
    given: dict[str, float | Array] = dict(numbers)
    given |= {name: align(name, array, x) for name, array in arrays.items()}
    if x.size == 0 or "beta" in zeros:
        return x
    with jax.named_scope("lrn"):
        if "alpha" in zeros:
            s = jnp.asarray(given["bias"], compute_dtype(x))
            factor = jnp.power(s, -given["beta"])
            return Arithmetic().times(x.astype(s.dtype), factor).astype(x.dtype)
        return normalize(x, given, window, implementation)
