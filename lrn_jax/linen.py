"""Local response normalization as `flax.linen` modules, without and with parameters."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from ._arguments import check_x
from ._implementations import Implementation
from ._learned import (
    call,
    call_learned,
    feature_axis_of,
    initial_logarithms,
    needs_flax,
)
from ._lrn import DepthRadius

try:
    import flax.linen as nn
except ModuleNotFoundError as error:
    raise needs_flax(__name__, error) from None


class LocalResponseNorm(nn.Module):
    """Local response normalization, without parameters: `lrn_jax.lrn` as a layer.

    The formula, the shapes and dtypes, and the errors are those of `lrn_jax.lrn`;
    its arguments are the fields here, with the same defaults.

    Attributes:
      depth_radius: How far the window reaches to either side, not counting the centre;
        a pair ``(before, after)``, a tuple of pairs, one for each axis, or ``None`` for
        the whole axis.
      bias: Additive constant, not negative (k in the paper; not a learned bias).
      alpha: Weight of the plain sum of squares, not negative.
      beta: Exponent.
      axis: The axis, or axes, the window lies along.
      implementation: A name from `lrn_jax.IMPLEMENTATIONS`, or ``None``.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from flax import linen as nn
      >>> from lrn_jax.linen import LocalResponseNorm
      >>> conv = nn.Conv(96, (11, 11), 4)
      >>> model = nn.Sequential([conv, nn.relu, LocalResponseNorm()])
      >>> x = jnp.ones((1, 64, 64, 3))
      >>> variables = model.init(jax.random.key(0), x)
      >>> model.apply(variables, x).shape
      (1, 16, 16, 96)

    References:
      Krizhevsky, Sutskever, Hinton: ImageNet classification with deep convolutional
      neural networks, NIPS 2012, section 3.3.
    """

    depth_radius: DepthRadius = 2
    bias: ArrayLike = 2.0
    alpha: ArrayLike = 1e-4
    beta: ArrayLike = 0.75
    axis: int | tuple[int, ...] = -1
    implementation: Implementation | None = None

    def __call__(self, x: Array | np.ndarray) -> Array:
        """Normalizes `x`; the result has its shape and dtype."""
        return call(self, x)


class LearnedLocalResponseNorm(LocalResponseNorm):
    r"""Divisive normalization: local response normalization with learned parameters.

    .. math::
        y_c = x_c \, s_c^{-\beta_c}, \qquad
        s_c = \text{bias}_c + \alpha_c \sum_{j=\max(0,\,c-r)}^{\min(C-1,\,c+r)} x_j^2.

    The names in `learn`, of bias, alpha and beta, are parameters, either one
    number each or one for each channel :math:`c` of the result. What is stored and
    trained is the logarithm: ``log_alpha`` with ``alpha = exp(log_alpha)``, and so on.
    It keeps them positive, and a step changes alpha, which may be 1e-4, in proportion
    to itself. Weight decay pulls a logarithm to 0, so a parameter to 1: exempt them.

    Everything else is as in `lrn_jax.lrn`. A stored logarithm is rounded, which gives
    an alpha of 1e-4 in float32 a relative error of up to 5e-7.

    Attributes:
      depth_radius: How far the window reaches to either side, not counting the centre;
        a pair ``(before, after)``, a tuple of pairs, one for each axis, or ``None`` for
        the whole axis.
      bias: Additive constant (k in the paper): its initial value where it is learned.
      alpha: Weight of the plain sum of squares, or its initial value.
      beta: Exponent, or its initial value.
      axis: The axis, or axes, the window lies along.
      implementation: A name from `lrn_jax.IMPLEMENTATIONS`, or ``None``.
      learn: The names of the parameters.
      per_channel: Whether parameters have the shape ``(channels,)`` instead of ``()``.
      feature_axis: The axis the channels are on, for `per_channel`; ``None`` is `axis`,
        where that is a single one.
      param_dtype: Dtype of the parameters.

    Raises, when called:
      TypeError: As `lrn_jax.lrn`, and if an initial value is not a number.
      ValueError: As `lrn_jax.lrn`, and if `learn` is not a tuple of those three names,
        an initial value is not positive and finite (0 has no logarithm), or
        `feature_axis` is not one axis of `x`.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from lrn_jax import conventions
      >>> from lrn_jax.linen import LearnedLocalResponseNorm
      >>> preset = conventions.alexnet_as_trained()
      >>> norm = LearnedLocalResponseNorm(
      ...     **preset, learn=("bias", "alpha"), per_channel=True
      ... )
      >>> params = norm.init(jax.random.key(0), jnp.ones((1, 8, 8, 3)))["params"]
      >>> jax.tree.map(jnp.exp, params)["log_bias"]
      Array([2., 2., 2.], dtype=float32)
      >>> sorted(params)
      ['log_alpha', 'log_bias']

    References:
      Ren, Liao, Urtasun, Sinz, Zemel: Normalizing the normalizers: comparing and
      extending network normalization schemes, ICLR 2017, arXiv 1611.04520.
      Miller, Chung, Miller: Divisive feature normalization improves image recognition
      performance in AlexNet, ICLR 2022. It learns these parameters, and the width of a
      window with exponential weights.
    """

    learn: tuple[str, ...] = ("bias", "alpha", "beta")
    per_channel: bool = False
    feature_axis: int | None = None
    param_dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array | np.ndarray) -> Array:
        """Normalizes `x`; the result has its shape and dtype."""
        x = check_x(x)
        channels = (x.shape[feature_axis_of(self, x.ndim)],) if self.per_channel else ()

        def parameter(name: str, initial: float) -> Array:
            constant = nn.initializers.constant(initial)
            return self.param(f"log_{name}", constant, channels, self.param_dtype)

        logarithms = initial_logarithms(self).items()
        return call_learned(
            self, x, {name: parameter(name, initial) for name, initial in logarithms}
        )
