"""Core ML, and the Metal Performance Shaders it runs on."""

from .._arguments import (
    Arguments,
    check_odd,
    check_range,
    check_size,
    convention,
    from_size,
    refusal,
)


@convention
def coreml(
    *,
    size: int,
    alpha: float = 1e-4,
    beta: float = 0.75,
    k: float = 1.0,
    name: str | None = None,
) -> Arguments:
    """Core ML: the MIL operation `local_response_norm`, and `LRNLayerParams` before it.

    `alpha` weighs the mean. `LRNLayerParams` calls the size `localSize` and reads a `k`
    of 0 as 1, so that 0 cannot be had. Core ML does not say to which side an even
    window is longer (`metal_cross_channel` reaches further before).

    Args:
      size: Channels in the window, odd.
      alpha: Weight of the mean.
      beta: Exponent.
      k: Additive constant, positive.
      name: Without effect.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on axis -3.

    Raises:
      ValueError: If `size` is even or less than 1, or `k` is not positive.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.coreml(size=5)["axis"]
      -3

    Checked against:
      coremltools, commit e0e2f42, read

    References:
      coremltools: mlmodel/format/NeuralNetwork.proto,
      converters/mil/mil/ops/defs/iOS15/normalization.py.
    """
    check_odd("size", size, "Core ML")
    if isinstance(k, float) and k <= 0:  # and not a JAX array
        raise refusal("k", "positive", k, "Core ML requires it (NeuralNetwork.proto).")
    return from_size(size, k, alpha, beta, -3, mean=True)


@convention
def metal_cross_channel(
    *, kernelSize: int = 5, alpha: float = 1.0, beta: float = 5.0, delta: float = 1.0
) -> Arguments:
    """Metal Performance Shaders: `MPSCNNCrossChannelNormalization`.

    `alpha` weighs the mean. An even window reaches one channel further before than
    after.

    Args:
      kernelSize: Channels in the window, at least 1.
      alpha: Weight of the mean, not negative.
      beta: Exponent. The default is 5, ten times that of others.
      delta: Additive constant k.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on the last axis.

    Raises:
      ValueError: If `kernelSize` is less than 1, or `alpha` is negative.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.metal_cross_channel(kernelSize=4)["depth_radius"]
      (2, 1)

    Checked against:
      the SDKs of macOS 10.13 and 10.13.4, read

    References:
      MPSNeuralNetwork/MPSCNNNormalization.h.
    """
    check_size("kernelSize", kernelSize, "The window holds its centre.")
    return _metal(kernelSize, -1, alpha, beta, delta)


@convention
def metal_spatial(
    *,
    kernelWidth: int,
    kernelHeight: int,
    alpha: float = 1.0,
    beta: float = 5.0,
    delta: float = 1.0,
) -> Arguments:
    """Metal Performance Shaders: `MPSCNNSpatialNormalization`, within each channel.

    `alpha` weighs the mean over a box of kernelHeight x kernelWidth. An even side
    reaches one element further before than after. (The header adds that for now the two
    must be equal. `MPSCNNLocalContrastNormalization` divides by the local variance, and
    is another operation.)

    Args:
      kernelWidth: Elements in the window along the width, at least 1.
      kernelHeight: Elements in the window along the height, at least 1.
      alpha: Weight of the mean, not negative.
      beta: Exponent. The default is 5.
      delta: Additive constant k.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for height and width on axes -3 and -2, before
      the channels.

    Raises:
      ValueError: If a side is less than 1, or `alpha` is negative.

    Example:
      >>> from lrn_jax import conventions
      >>> box = conventions.metal_spatial(kernelWidth=5, kernelHeight=3)
      >>> box["depth_radius"], box["axis"]
      (((1, 1), (2, 2)), (-3, -2))

    Checked against:
      the SDKs of macOS 10.13 and 10.13.4, read

    References:
      MPSNeuralNetwork/MPSCNNNormalization.h; the side of an even window is that of the
      gradient's, which it has to mirror.
    """
    check_size("kernelWidth", kernelWidth, "The window holds its centre.")
    check_size("kernelHeight", kernelHeight, "The window holds its centre.")
    return _metal((kernelHeight, kernelWidth), (-3, -2), alpha, beta, delta)


def _metal(
    size: int | tuple[int, int],
    axis: int | tuple[int, int],
    alpha: float,
    beta: float,
    delta: float,
) -> Arguments:
    origin = "Metal requires it (MPSCNNNormalization.h)."
    check_range("alpha", alpha, origin, 0.0)
    return from_size(size, delta, alpha, beta, axis, mean=True, longer="before")
