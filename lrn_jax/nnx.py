"""Local response normalization as `flax.nnx` modules, without and with parameters."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from ._implementations import Implementation
from ._learned import call, call_learned, initial_logarithms, needs_flax
from ._lrn import DepthRadius

try:
    from flax import nnx
except ModuleNotFoundError as error:
    raise needs_flax(__name__, error) from None


class LocalResponseNorm(nnx.Module):
    """Local response normalization, without parameters: `lrn_jax.lrn` as a layer.

    The formula, the shapes and dtypes, and the errors are those of `lrn_jax.lrn`;
    its arguments are the ones here, with the same defaults.

    Args:
      depth_radius: How far the window reaches to either side, not counting the centre;
        a pair ``(before, after)``, a tuple of pairs, one for each axis, or ``None`` for
        the whole axis.
      bias: Additive constant, not negative (k in the paper; not a learned bias).
      alpha: Weight of the plain sum of squares, not negative.
      beta: Exponent.
      axis: The axis, or axes, the window lies along.
      implementation: A name from `lrn_jax.IMPLEMENTATIONS`, or ``None``.
      rngs: Without effect: nothing here is random. Flax's own norms take it.

    Example:
      >>> import jax.numpy as jnp
      >>> from flax import nnx
      >>> from lrn_jax.nnx import LocalResponseNorm
      >>> conv = nnx.Conv(3, 96, (11, 11), 4, rngs=nnx.Rngs(0))
      >>> model = nnx.Sequential(conv, nnx.relu, LocalResponseNorm())
      >>> model(jnp.ones((1, 64, 64, 3))).shape
      (1, 16, 16, 96)

    References:
      Krizhevsky, Sutskever, Hinton: ImageNet classification with deep convolutional
      neural networks, NIPS 2012, section 3.3.
    """

    def __init__(
        self,
        *,
        depth_radius: DepthRadius = 2,
        bias: ArrayLike = 2.0,
        alpha: ArrayLike = 1e-4,
        beta: ArrayLike = 0.75,
        axis: int | tuple[int, ...] = -1,
        implementation: Implementation | None = None,
        rngs: nnx.Rngs | None = None,
    ):
        del rngs
        self.depth_radius = depth_radius
        self.bias = bias
        self.alpha = alpha
        self.beta = beta
        self.axis = axis
        self.implementation = implementation

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

    Args:
      num_features: The number of channels, which makes parameters of that length;
        ``None`` makes them single numbers.
      depth_radius: How far the window reaches to either side, not counting the centre;
        a pair ``(before, after)``, a tuple of pairs, one for each axis, or ``None`` for
        the whole axis.
      bias: Additive constant (k in the paper): its initial value where it is learned.
      alpha: Weight of the plain sum of squares, or its initial value.
      beta: Exponent, or its initial value.
      axis: The axis, or axes, the window lies along.
      implementation: A name from `lrn_jax.IMPLEMENTATIONS`, or ``None``.
      learn: The names of the parameters.
      feature_axis: The axis the channels are on, for `num_features`; ``None`` is
        `axis`, where that is a single one.
      param_dtype: Dtype of the parameters.
      rngs: Without effect: nothing here is random. Flax's own norms take it.

    Raises:
      TypeError: When made, if an initial value is not a number; when called, as
        `lrn_jax.lrn`.
      ValueError: When made, if `learn` is not a tuple of those three names, or an
        initial value is not positive and finite (0 has no logarithm); when called, as
        `lrn_jax.lrn`, and if `feature_axis` is not one axis of `x`.

    Example:
      >>> import jax.numpy as jnp
      >>> from flax import nnx
      >>> from lrn_jax import conventions
      >>> from lrn_jax.nnx import LearnedLocalResponseNorm
      >>> preset = conventions.alexnet_as_trained()
      >>> norm = LearnedLocalResponseNorm(3, **preset, learn=("bias", "alpha"))
      >>> norm(jnp.ones((1, 8, 8, 3))).shape
      (1, 8, 8, 3)
      >>> jnp.exp(norm.log_bias[...])
      Array([2., 2., 2.], dtype=float32)
      >>> sorted(nnx.state(norm, nnx.Param))
      ['log_alpha', 'log_bias']

    References:
      Ren, Liao, Urtasun, Sinz, Zemel: Normalizing the normalizers: comparing and
      extending network normalization schemes, ICLR 2017, arXiv 1611.04520.
      Miller, Chung, Miller: Divisive feature normalization improves image recognition
      performance in AlexNet, ICLR 2022. It learns these parameters, and the width of a
      window with exponential weights.
    """

    def __init__(
        self,
        num_features: int | None = None,
        *,
        depth_radius: DepthRadius = 2,
        bias: ArrayLike = 2.0,
        alpha: ArrayLike = 1e-4,
        beta: ArrayLike = 0.75,
        axis: int | tuple[int, ...] = -1,
        implementation: Implementation | None = None,
        learn: tuple[str, ...] = ("bias", "alpha", "beta"),
        feature_axis: int | None = None,
        param_dtype: Any = jnp.float32,
        rngs: nnx.Rngs | None = None,
    ):
        del rngs
        super().__init__(
            depth_radius=depth_radius,
            bias=bias,
            alpha=alpha,
            beta=beta,
            axis=axis,
            implementation=implementation,
        )
        self.learn = learn
        self.num_features = num_features
        self.feature_axis = feature_axis
        shape = () if num_features is None else (num_features,)
        for name, logarithm in initial_logarithms(self).items():
            learned = nnx.Param(jnp.full(shape, logarithm, param_dtype))
            setattr(self, f"log_{name}", learned)

    def __call__(self, x: Array | np.ndarray) -> Array:
        """Normalizes `x`; the result has its shape and dtype."""
        logarithms = {name: getattr(self, f"log_{name}")[...] for name in self.learn}
        return call_learned(self, x, logarithms)
