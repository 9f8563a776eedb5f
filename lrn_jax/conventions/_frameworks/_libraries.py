"""Libraries of kernels, which frameworks call."""

from .._arguments import (
    Arguments,
    check_choice,
    check_odd,
    check_range,
    check_size,
    convention,
    from_size,
)


@convention
def cudnn(
    *,
    lrnN: int = 5,
    lrnAlpha: float = 1e-4,
    lrnBeta: float = 0.75,
    lrnK: float = 2.0,
    lrnMode: str | int = "CUDNN_LRN_CROSS_CHANNEL_DIM1",
) -> Arguments:
    """The cuDNN library: `cudnnLRNCrossChannelForward`.

    `lrnAlpha` weighs the mean. An even window reaches one channel further after than
    before.

    Args:
      lrnN: Channels in the window, 1 to 16.
      lrnAlpha: Weight of the mean.
      lrnBeta: Exponent, at least 0.01.
      lrnK: Additive constant, at least 1e-5.
      lrnMode: The only one there is, or its number, 0.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on axis 1.

    Raises:
      ValueError: If a value is outside the range given above.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.cudnn(lrnN=4)["depth_radius"]
      (1, 2)

    Checked against:
      cudnn.h of 7.1.4, read

    References:
      cudnn.h: CUDNN_LRN_MIN_N, CUDNN_LRN_MAX_N, CUDNN_LRN_MIN_K, CUDNN_LRN_MIN_BETA.
    """
    origin = "cuDNN returns BAD_PARAM for others (cudnn.h)."
    check_size("lrnN", lrnN, origin, largest=16)
    check_range("lrnK", lrnK, origin, 1e-5)
    check_range("lrnBeta", lrnBeta, origin, 0.01)
    check_choice("lrnMode", lrnMode, {"CUDNN_LRN_CROSS_CHANNEL_DIM1": 0}, origin)
    return from_size(lrnN, lrnK, lrnAlpha, lrnBeta, 1, mean=True, longer="after")


# dnnl_alg_kind_t, and the same in the C++ API.
_ALGORITHMS = {
    "lrn_across_channels": 0xAFF,
    "lrn_within_channel": 0xBFF,
    "dnnl_lrn_across_channels": 0xAFF,
    "dnnl_lrn_within_channel": 0xBFF,
}


@convention
def onednn(
    *,
    local_size: int,
    alpha: float,
    beta: float,
    k: float = 1.0,
    algorithm: str | int = "lrn_across_channels",
    ndims: int = 4,
) -> Arguments:
    """The oneDNN library: the primitive LRN, across channels or within each channel.

    `alpha` weighs the mean: over `local_size` channels, or over a box with that side
    along each spatial axis. An even size makes a window of one element fewer and
    still divides by the size: so do its CPU, SYCL and OpenCL implementations; the one
    that calls cuDNN refuses even sizes.

    Args:
      local_size: Elements in the window, along each axis of it; at least 1.
      alpha: Weight of the mean.
      beta: Exponent.
      k: Additive constant.
      algorithm: "lrn_across_channels" or "lrn_within_channel", with or without the
        prefix "dnnl_", or its number.
      ndims: Number of axes of the array, for "lrn_within_channel", whose window spans
        all but the first two.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on axis 1.

    Raises:
      ValueError: If `local_size` is less than 1, `algorithm` is another word, or
        `ndims` is outside 2 to 5, or less than 3 within channels.

    Example:
      >>> from lrn_jax import conventions
      >>> across = conventions.onednn(local_size=4, alpha=1.0, beta=0.75)
      >>> across["depth_radius"], across["alpha"]
      (1, 0.25)

    Checked against:
      commit 515bfba, read, and as OpenVINO 2026.4.1 runs it

    References:
      doc/primitives/lrn.md, src/cpu/ref_lrn.cpp.
    """
    choice = check_choice("algorithm", algorithm, _ALGORITHMS, "oneDNN knows no other.")
    within = choice == "lrn_within_channel"
    check_size("local_size", local_size, "oneDNN's window holds its centre.")
    check_size(
        "ndims",
        ndims,
        "oneDNN's arrays are (batch, channels, up to three spatial axes) "
        "(doc/primitives/lrn.md).",
        smallest=3 if within else 2,
        largest=5,
    )
    axis = tuple(range(2, ndims)) if within else 1
    return from_size(local_size, k, alpha, beta, axis, mean=True)


@convention
def tensorrt(*, window: int, alpha: float, beta: float, k: float) -> Arguments:
    """TensorRT: `INetworkDefinition::addLRN`, the layer ILRNLayer.

    `alpha` weighs the mean. The parameters have no defaults.

    Args:
      window: Channels in the window, odd, 1 to 15 (on a DLA only 3, 5, 7, 9).
      alpha: Weight of the mean, -1e20 to 1e20.
      beta: Exponent, 0.01 to 1e5.
      k: Additive constant, 1e-5 to 1e10.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on axis 1.

    Raises:
      ValueError: If a value is outside the range given above.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.tensorrt(window=5, alpha=1e-4, beta=0.75, k=1)["depth_radius"]
      2

    Checked against:
      NvInfer.h of 8, read

    References:
      NvInfer.h, ILRNLayer.
    """
    origin = "The limit is TensorRT's (NvInfer.h, ILRNLayer)."
    check_size("window", window, origin, odd=True, largest=15)
    check_range("alpha", alpha, origin, -1e20, 1e20)
    check_range("beta", beta, origin, 0.01, 1e5)
    check_range("k", k, origin, 1e-5, 1e10)
    return from_size(window, k, alpha, beta, 1, mean=True)


@convention
def directml(
    *,
    CrossChannel: bool,
    LocalSize: int,
    Alpha: float = 1e-4,
    Beta: float = 0.75,
    Bias: float = 1.0,
) -> Arguments:
    """DirectML: DML_LOCAL_RESPONSE_NORMALIZATION_OPERATOR_DESC.

    `Alpha` is divided by `LocalSize`. The documentation has this one formula for both
    kinds of window, so a window within a channel is divided by its side, not by its
    area; that has not been measured. It does not say to which side an even window is
    longer either. The defaults are those it recommends; the structure has none.

    Args:
      CrossChannel: True for a window of channels, false for one in the map.
      LocalSize: Elements in the window, along each axis of it; odd.
      Alpha: Weight of the sum, before it is divided.
      Beta: Exponent.
      Bias: Additive constant k.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on axis 1.

    Raises:
      ValueError: If `LocalSize` is even or less than 1.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.directml(CrossChannel=False, LocalSize=3)["axis"]
      (2, 3)

    Checked against:
      documentation (feature level 1.0), read

    References:
      The documentation of the structure (directml.h).
    """
    check_odd("LocalSize", LocalSize, "DirectML")
    axis = 1 if CrossChannel else (2, 3)
    return from_size(LocalSize, Bias, Alpha / LocalSize, Beta, axis, mean=False)


_LAYOUTS = {"NCHW": 1, "NHWC": 2}  # arm_compute::DataLayout
_NORM_TYPES = {"IN_MAP_1D": 0, "IN_MAP_2D": 1, "CROSS_MAP": 2}  # arm_compute::NormType


@convention
def arm_compute(
    *,
    type: str | int,
    norm_size: int = 5,
    alpha: float = 1e-4,
    beta: float = 0.5,
    kappa: float = 1.0,
    is_scaled: bool = True,
    data_layout: str | int = "NCHW",
) -> Arguments:
    """Arm Compute Library: `NormalizationLayerInfo`, run by NENormalizationLayer.

    `alpha` weighs the mean, or the sum where `is_scaled` is false. The window is across
    channels (CROSS_MAP), along the width of a map (IN_MAP_1D), or a square in it
    (IN_MAP_2D).

    Args:
      type: "CROSS_MAP", "IN_MAP_1D" or "IN_MAP_2D", or its number: 2, 0, 1.
      norm_size: Channels in the window, or its side in the map; odd.
      alpha: Weight of the mean, or of the sum.
      beta: Exponent. The default is 0.5, not the paper's 0.75.
      kappa: Additive constant k.
      is_scaled: Whether `alpha` weighs the mean.
      data_layout: "NCHW" or "NHWC", the layout of the tensor.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for an array with the axes that `data_layout`
      names.

    Raises:
      ValueError: If `norm_size` is even or less than 1, or `type` or `data_layout` is
        another word.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.arm_compute(type="IN_MAP_2D", norm_size=3, alpha=0.9)
      {'depth_radius': 1, 'bias': 1.0, 'alpha': 0.1, 'beta': 0.5, 'axis': (2, 3)}

    Checked against:
      sources of 2023 (23.x), read

    References:
      arm_compute/core/Types.h (NormalizationLayerInfo),
      src/core/NEON/kernels/NENormalizationLayerKernel.cpp.
    """
    origin = "The library checks it (NENormalizationLayerKernel.cpp)."
    kind = check_choice("type", type, _NORM_TYPES, "NormType has no other (Types.h).")
    check_size("norm_size", norm_size, origin, odd=True)
    layout = check_choice(
        "data_layout", data_layout, _LAYOUTS, "It normalizes no other."
    )
    height, width, channels = map(layout.index, "HWC")
    axis = {"CROSS_MAP": channels, "IN_MAP_1D": width, "IN_MAP_2D": (height, width)}
    return from_size(norm_size, kappa, alpha, beta, axis[kind], mean=is_scaled)
