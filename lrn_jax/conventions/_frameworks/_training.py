"""Other frameworks that networks are trained in."""

from .._arguments import Arguments, check_size, convention, from_radius, from_size


@convention
def torch(
    *, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Arguments:
    """PyTorch: `torch.nn.LocalResponseNorm` and `F.local_response_norm`.

    `alpha` weighs the mean. An even window reaches one channel further before than
    after. `torch.nn.CrossMapLRN2d` has the same parameters and is not the same: in
    2.13 a channel's square, once it is in the running sum, stays in it for good.

    Args:
      size: Channels in the window, at least 1.
      alpha: Weight of the mean.
      beta: Exponent.
      k: Additive constant.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on axis 1.

    Raises:
      ValueError: If `size` is less than 1.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.torch(size=4, alpha=1e-4)
      {'depth_radius': (2, 1), 'bias': 1.0, 'alpha': 2.5e-05, 'beta': 0.75, 'axis': 1}

    Checked against:
      2.13.0, run

    References:
      torch/nn/functional.py.
    """
    check_size("size", size, "PyTorch's average pooling needs a window.")
    return from_size(size, k, alpha, beta, 1, mean=True, longer="before")


@convention
def mxnet(
    *,
    nsize: int,
    alpha: float = 1e-4,
    beta: float = 0.75,
    knorm: float = 2.0,
    name: str | None = None,
) -> Arguments:
    """MXNet: the operator LRN.

    `alpha` weighs the mean. MXNet also refuses a window longer than the axis.

    Args:
      nsize: Channels in the window, odd.
      alpha: Weight of the mean.
      beta: Exponent.
      knorm: Additive constant k.
      name: Without effect.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on axis 1.

    Raises:
      ValueError: If `nsize` is even or less than 1.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.mxnet(nsize=5)["bias"]
      2.0

    Checked against:
      commit b84609d, read

    References:
      src/operator/nn/lrn-inl.h.
    """
    check_size("nsize", nsize, "MXNet checks it (lrn-inl.h).", odd=True)
    return from_size(nsize, knorm, alpha, beta, 1, mean=True)


@convention
def chainer(
    *, n: int = 5, k: float = 2.0, alpha: float = 1e-4, beta: float = 0.75
) -> Arguments:
    """Chainer: `chainer.functions.local_response_normalization`.

    `alpha` weighs the sum. With an even `n`, Chainer's NumPy code sums n + 1 channels
    (n / 2 to either side) and its CUDA kernel n (n / 2 - 1 before, n / 2 after). This
    is the former; ``chainer(n=n) | {"depth_radius": (n // 2 - 1, n // 2)}`` the latter.

    Args:
      n: Channels in the window, where it is odd; at least 1.
      k: Additive constant.
      alpha: Weight of the sum.
      beta: Exponent.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on axis 1.

    Raises:
      ValueError: If `n` is less than 1.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.chainer()
      {'depth_radius': 2, 'bias': 2.0, 'alpha': 0.0001, 'beta': 0.75, 'axis': 1}

    Checked against:
      commit a8e15cb, read

    References:
      chainer/functions/normalization/local_response_normalization.py.
    """
    check_size("n", n, "Chainer's window holds its centre.")
    return from_size(n, k, alpha, beta, 1, mean=False, longer="both")


@convention
def cntk(
    *, depth_radius: int, bias: float, alpha: float, beta: float, name: str = ""
) -> Arguments:
    """CNTK: `cntk.ops.local_response_normalization`.

    `depth_radius` is one, but `alpha` weighs the mean over the 2 * depth_radius + 1
    channels, whatever the formula in its documentation says. The parameters have no
    defaults. The layer `LocalResponseNormalization(k, n, alpha, beta)` of its examples
    is the same, with n for the radius and k for the bias.

    Args:
      depth_radius: Channels to either side, not negative.
      bias: Additive constant k.
      alpha: Weight of the mean.
      beta: Exponent.
      name: Without effect.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on axis -3: the arrays are
      (channels, height, width) behind the batch.

    Raises:
      ValueError: If `depth_radius` is negative.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.cntk(depth_radius=2, bias=1, alpha=1e-4, beta=0.75)["alpha"]
      2e-05

    Checked against:
      sources of version 2, read

    References:
      Source/CNTKv2LibraryDll/Function.cpp, bindings/python/cntk/ops/__init__.py.
    """
    return from_radius("depth_radius", depth_radius, bias, alpha, beta, -3, mean=True)


@convention
def deeplearning4j(
    *, k: float = 2.0, n: int = 5, alpha: float = 1e-4, beta: float = 0.75
) -> Arguments:
    """Deeplearning4j: `LocalResponseNormalization`, without its cuDNN helper.

    `alpha` weighs the sum. With the cuDNN helper, the same network hands the same
    alpha to cuDNN, where it weighs the mean: that is `cudnn`. An even `n` makes a
    window of n + 1 channels. The gradient of the layer is wrong (it divides by the
    centre's sum where it should divide by the neighbours'); `lrn` has the right one.

    Args:
      k: Additive constant.
      n: Channels in the window, where it is odd; at least 1.
      alpha: Weight of the sum.
      beta: Exponent.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on axis 1.

    Raises:
      ValueError: If `n` is less than 1.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.deeplearning4j(n=4)["depth_radius"]
      2

    Checked against:
      commit 026a1a5, read

    References:
      LocalResponseNormalization.java, CudnnLocalResponseNormalizationHelper.java;
      issue 7272 of deeplearning4j.
    """
    check_size("n", n, "Deeplearning4j's window holds its centre.")
    return from_size(n, k, alpha, beta, 1, mean=False, longer="both")


@convention
def darknet(
    *, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, kappa: float = 1.0
) -> Arguments:
    """Darknet: the section `[normalization]` of a cfg file.

    `alpha` weighs the sum. An even window reaches one channel further after than
    before. Darknet's own kernel leaves the square of channel `size // 2` out of every
    sum, by mistake, and its gradient is approximate, as its comment says; this is what
    it should compute.

    Args:
      size: Channels in the window, at least 1.
      alpha: Weight of the sum.
      beta: Exponent.
      kappa: Additive constant k.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on axis 1.

    Raises:
      ValueError: If `size` is less than 1.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.darknet(size=4)["depth_radius"]
      (1, 2)

    Checked against:
      commit f6afaab, read

    References:
      src/normalization_layer.c, src/parser.c.
    """
    check_size("size", size, "Darknet's window holds its centre.")
    return from_size(size, kappa, alpha, beta, 1, mean=False, longer="after")
