"""Caffe and those that read its networks: across channels or within each channel."""

from .._arguments import (
    Arguments,
    check_choice,
    check_size,
    convention,
    from_size,
    refusal,
)

# LRNParameter.NormRegion and LRNParameter.Engine of caffe.proto.
_REGIONS = {"ACROSS_CHANNELS": 0, "WITHIN_CHANNEL": 1}
_ENGINES = {"DEFAULT": 0, "CAFFE": 1, "CUDNN": 2}


@convention
def caffe(
    *,
    local_size: int = 5,
    alpha: float = 1.0,
    beta: float = 0.75,
    norm_region: str | int = "ACROSS_CHANNELS",
    k: float = 1.0,
    engine: str | int = "DEFAULT",
) -> Arguments:
    """Caffe: the layer LRN, across channels or within each channel.

    `alpha` weighs the mean: over `local_size` channels, or over the square of that
    side in a map. WITHIN_CHANNEL takes `k` in Caffe's cuDNN layer and computes with 1,
    whatever `k` says, in its own; that is refused here.

    Args:
      local_size: Channels in the window, or side of the window in the map; odd.
      alpha: Weight of the mean. The default is 1, not the paper's 1e-4.
      beta: Exponent.
      norm_region: "ACROSS_CHANNELS" or "WITHIN_CHANNEL", or the number that pycaffe has
        for it, 0 or 1.
      k: Additive constant.
      engine: "DEFAULT", "CAFFE" or "CUDNN", or its number. Without effect.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on axis 1.

    Raises:
      ValueError: If `local_size` is even or less than 1, `norm_region` or `engine` is
        another word, or `k` is not 1 in WITHIN_CHANNEL.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.caffe(norm_region="WITHIN_CHANNEL", local_size=3, alpha=0.9)
      {'depth_radius': 1, 'bias': 1.0, 'alpha': 0.1, 'beta': 0.75, 'axis': (2, 3)}

    Checked against:
      1.0 (commit 9b89154), read

    References:
      src/caffe/layers/lrn_layer.cpp, src/caffe/proto/caffe.proto.
    """
    origin = "Caffe checks it (lrn_layer.cpp)."
    axis = _axis(norm_region, origin)
    check_size("local_size", local_size, origin, odd=True)
    check_choice("engine", engine, _ENGINES, "Caffe knows no other (caffe.proto).")
    if axis != 1 and not (isinstance(k, float) and k == 1):
        raise refusal(
            "k",
            "1 in WITHIN_CHANNEL",
            k,
            "Caffe's own layer ignores it there and its cuDNN layer does not "
            "(lrn_layer.cpp, cudnn_lcn_layer.cu). Leave it out, and set `bias` in the "
            "result if the cuDNN layer is meant.",
        )
    return from_size(local_size, k, alpha, beta, axis, mean=True)


@convention
def opencv(
    *,
    local_size: int = 5,
    alpha: float = 1e-4,
    beta: float = 0.75,
    bias: float = 1.0,
    norm_by_size: bool = True,
    norm_region: str | int = "ACROSS_CHANNELS",
    k: float = 1.0,
    engine: str | int = "DEFAULT",
) -> Arguments:
    """OpenCV: the layer LRN of its module dnn.

    `alpha` weighs the mean, or the sum where `norm_by_size` is false. It is not as
    Caffe: from a prototxt without `alpha` it computes with 1e-4, where Caffe has 1, and
    it ignores `k`; the additive constant is a field `bias` there, as it is in ONNX.
    OpenCV 5 reads no prototxt any more.

    Args:
      local_size: Channels in the window, or side of the window in the map; odd.
      alpha: Weight of the mean, or of the sum.
      beta: Exponent.
      bias: Additive constant k.
      norm_by_size: Whether `alpha` weighs the mean. (In a prototxt it is 1 or 0; OpenCV
        takes the words true and false for 0, both of them.)
      norm_region: "ACROSS_CHANNELS" or "WITHIN_CHANNEL", or its number, 0 or 1.
      k: Without effect, as in OpenCV.
      engine: Without effect.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on axis 1.

    Raises:
      ValueError: If `local_size` is even or less than 1, or `norm_region` or `engine`
        is another word.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.opencv(alpha=1e-4, norm_by_size=False)["alpha"]
      0.0001

    Checked against:
      3.4.18, 4.5.5, 4.10.0, 4.14.0 and 5.0.0, run

    References:
      modules/dnn/src/layers/lrn_layer.cpp.
    """
    origin = "OpenCV raises StsBadArg for others (lrn_layer.cpp)."
    axis = _axis(norm_region, origin)
    check_size("local_size", local_size, origin, odd=True)
    check_choice("engine", engine, _ENGINES, "Caffe knows no other (caffe.proto).")
    return from_size(local_size, bias, alpha, beta, axis, mean=norm_by_size)


@convention
def ncnn(
    *,
    region_type: int | str = 0,
    local_size: int = 5,
    alpha: float = 1.0,
    beta: float = 0.75,
    bias: float = 1.0,
    version: str | int = "1.0.20261020",
) -> Arguments:
    """The ncnn library: the layer LRN, across channels or within each channel.

    `alpha` is divided by `local_size` across channels, by its square within one. An
    even window reaches one element further before than after. Up to 1.0.20260526, an
    even size across channels made a window of local_size + 1 channels, still divided by
    the size.

    Args:
      region_type: 0 (ACROSS_CHANNELS) or 1 (WITHIN_CHANNEL).
      local_size: Channels in the window, or side of the window in the map; at least 1.
      alpha: Weight of the mean.
      beta: Exponent.
      bias: Additive constant k.
      version: The ncnn that is meant, ``ncnn.__version__``; it matters for an even
        size across channels only.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for axes counted from the last: ncnn has no
      batch axis.

    Raises:
      ValueError: If `region_type` is neither 0 nor 1, `local_size` is less than 1, or
        `version` does not end in a date.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.ncnn(local_size=4)["depth_radius"]
      (2, 1)
      >>> conventions.ncnn(local_size=4, version="1.0.20260526")["depth_radius"]
      2

    Checked against:
      1.0.20221128 to 1.0.20261020, run

    References:
      src/layer/lrn.cpp, src/layer/x86/lrn_x86.cpp.
    """
    axis = _axis(
        region_type, "ncnn has these two (lrn.h).", "region_type", -3, (-2, -1)
    )
    check_size("local_size", local_size, "ncnn divides by it (lrn.cpp).")
    date = str(version).rpartition(".")[2]
    if not (date.isascii() and date.isdigit() and len(date) == 8):
        raise refusal(
            "version", "as '1.0.20261020'", version, "Give `ncnn.__version__`."
        )
    longer = "both" if axis == -3 and date < "20261020" else "before"
    return from_size(local_size, bias, alpha, beta, axis, mean=True, longer=longer)


def _axis(
    region: str | int,
    origin: str,
    name: str = "norm_region",
    across: int = 1,
    within: tuple[int, ...] = (2, 3),
) -> int | tuple[int, ...]:
    """Returns where the window lies, of two kinds of it."""
    choice = check_choice(name, region, _REGIONS, origin)
    return across if choice == "ACROSS_CHANNELS" else within
