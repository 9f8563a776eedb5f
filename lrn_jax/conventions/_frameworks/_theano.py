"""The layers that share pylearn2's code for Theano: the paper's formula and numbers."""

from .._arguments import Arguments, check_size, convention, from_size


@convention
def lasagne(
    *,
    alpha: float = 1e-4,
    k: float = 2.0,
    beta: float = 0.75,
    n: int = 5,
    name: str | None = None,
) -> Arguments:
    """Lasagne: `LocalResponseNormalization2DLayer`.

    `alpha` weighs the sum.

    Args:
      alpha: Weight of the sum.
      k: Additive constant.
      beta: Exponent.
      n: Channels in the window, odd.
      name: Without effect.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on axis 1.

    Raises:
      ValueError: If `n` is even or less than 1.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.lasagne()["alpha"]
      0.0001

    Checked against:
      0.1 and commit 5d3c63c, read

    References:
      lasagne/layers/normalization.py.
    """
    return _theano("Lasagne (normalization.py)", alpha, k, beta, n, axis=1)


@convention
def pylearn2(
    *, alpha: float = 1e-4, k: float = 2.0, beta: float = 0.75, n: int = 5
) -> Arguments:
    """The pylearn2 library: `CrossChannelNormalization`.

    `alpha` weighs the sum. `CrossChannelNormalizationBC01` is the same with channels
    on axis 1, which is `lasagne` here.

    Args:
      alpha: Weight of the sum.
      k: Additive constant.
      beta: Exponent.
      n: Channels in the window, odd.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on axis 0.

    Raises:
      ValueError: If `n` is even or less than 1.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.pylearn2()["axis"]
      0

    Checked against:
      commit af81e5c, read

    References:
      pylearn2/expr/normalize.py.
    """
    return _theano("pylearn2 (expr/normalize.py)", alpha, k, beta, n, axis=0)


@convention
def keras(
    *,
    alpha: float = 1e-4,
    k: float = 2.0,
    beta: float = 0.75,
    n: int = 5,
    name: str | None = None,
) -> Arguments:
    """Keras before 1.0: the layer `LRN2D`, which later versions do not have.

    `alpha` weighs the sum.

    Args:
      alpha: Weight of the sum.
      k: Additive constant.
      beta: Exponent.
      n: Channels in the window, odd.
      name: Without effect. (`get_config` has it.)

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on axis 1.

    Raises:
      ValueError: If `n` is even or less than 1.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.keras(n=3)["depth_radius"]
      1

    Checked against:
      0.2.0 and 0.3.0, read

    References:
      keras/layers/normalization.py; issue 1549 of keras.
    """
    return _theano("LRN2D", alpha, k, beta, n, axis=1)


def _theano(
    framework: str, alpha: float, k: float, beta: float, n: int, axis: int
) -> Arguments:
    origin = f"{framework} raises NotImplementedError for an even one."
    check_size("n", n, origin, odd=True)
    return from_size(n, k, alpha, beta, axis, mean=False)
