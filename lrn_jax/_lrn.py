"""Local response normalization: the public function."""

from functools import partial

import jax
from jax import Array, lax
from jax.typing import ArrayLike

from ._arguments import (
    check_axis,
    check_broadcastable,
    check_depth_radius,
    check_hyperparameter,
    check_implementation,
    check_x,
    resolve_axes,
)
from ._formula import compute_dtype
from ._hyperparameters import Constant, Hyperparameters
from ._primitives import normalize
from ._window import make_window


def lrn(
    x: ArrayLike,
    *,
    depth_radius: int | tuple[int, int] | None = 2,
    bias: ArrayLike = 2.0,
    alpha: ArrayLike = 1e-4,
    beta: ArrayLike = 0.75,
    axis: int | tuple[int, ...] = -1,
    implementation: str | None = None,
) -> Array:
    r"""Local response normalization: divides by a power of the neighbours' energy.

    .. math::
        y_c = x_c \, s_c^{-\beta}, \qquad
        s_c = \text{bias} + \alpha \sum_{j=\max(0,\,c-r)}^{\min(C-1,\,c+r)} x_j^2,

    where :math:`r` is `depth_radius` and :math:`C` the size of `axis`. Windows are
    cut off at the borders, and the sum is not rescaled there. `alpha` multiplies the
    plain sum, as in TensorFlow and in the formula of the paper. PyTorch, Caffe and
    ONNX divide their `alpha` by the window's size ``n = 2 * depth_radius + 1`` first:
    their ``alpha=a`` is ``alpha=a / n`` here.

    The defaults are the values printed in the paper. float16 and bfloat16 (and
    narrower) are computed in float32 and rounded once, on return; float64 stays
    float64. Where ``s`` is 0, which takes a `bias` of 0 and a window without energy,
    ``y`` and its derivative are 0. An infinity or a NaN in `x`, or an element whose
    square overflows, reaches the windows it lies in and no other element.

    The function is compiled: calls with new values, and with arrays of the same
    shapes, never trace again. Every JAX transformation applies to it, to any order;
    reverse mode keeps `x` (and array hyperparameters), nothing else.

    Args:
      x: Array of any shape with at least one axis and a real floating dtype; it may be
        empty.
      depth_radius: How far the window reaches to either side, not counting the centre;
        a pair ``(before, after)`` for an uneven window; ``None`` for the whole axis.
        It may be larger than the axis.
      bias: Additive constant (k in the paper), not negative. It is not a learned bias.
      alpha: Weight of the sum of squares, not negative.
      beta: Exponent. 0.25, 0.5, 0.75, 1 and 2 are computed by square roots.
      axis: The axis the window lies along. Several axes make a box-shaped window, with
        `depth_radius` along each.
      implementation: A name from `lrn_jax.IMPLEMENTATIONS`, which then runs or raises;
        ``None`` lets the library choose.

    `bias`, `alpha` and `beta` may each be a number, which is compiled in, or an array,
    traced or not, that is a scalar or can be broadcast to the shape of `x`: it is
    differentiable, can be vmapped, and new values compile nothing.

    Returns:
      Array of the shape and dtype of `x`.

    Raises:
      TypeError: If `x` is not an array of a real floating dtype, or an argument has the
        wrong type (a radius that is not an integer, a hyperparameter that is no real
        number or array).
      ValueError: If `x` is a scalar, an argument is out of range, an array
        hyperparameter cannot be broadcast to `x`, or `implementation` is unknown.
      NotImplementedError: If the named implementation cannot do this call: only
        "reduce_window" sums over an axis with explicit sharding.

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
    return _compiled_lrn(
        check_x(x),
        Hyperparameters(
            _hyperparameter("bias", bias),
            _hyperparameter("alpha", alpha),
            _hyperparameter("beta", beta),
        ),
        extents=check_depth_radius(depth_radius),
        axes=check_axis(axis),
        implementation=implementation,
    )


def _hyperparameter(name: str, value: ArrayLike) -> Constant | Array:
    checked = check_hyperparameter(name, value)
    return checked if isinstance(checked, jax.Array) else Constant(checked)


@partial(jax.jit, static_argnames=("extents", "axes", "implementation"))
def _compiled_lrn(
    x: Array,
    given: Hyperparameters,
    *,
    extents: tuple[int, int] | None,
    axes: tuple[int, ...],
    implementation: str | None,
) -> Array:
    """Fixes everything that depends on the shape of `x`, then normalizes."""
    axes = resolve_axes(axes, x.ndim)

    def aligned(name: str, hyperparameter: Constant | Array) -> Constant | Array:
        if isinstance(hyperparameter, Constant):
            return hyperparameter
        check_broadcastable(name, hyperparameter, x.shape)
        array = hyperparameter.astype(compute_dtype(x))
        if array.ndim == 0:
            return array
        # Explicit, so that it also works where JAX is told to refuse rank promotion.
        return lax.expand_dims(array, range(x.ndim - array.ndim))

    given = Hyperparameters(*map(aligned, Hyperparameters._fields, given))
    if x.size == 0:
        return x
    with jax.named_scope("lrn"):
        return normalize(x, given, make_window(x.shape, axes, extents), implementation)
