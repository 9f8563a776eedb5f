r"""One function for each framework: its parameters in, those of `lrn` out.

Throughout, the formula is

.. math:: y_i = x_i \, (k + \alpha' \sum_{j \in W(i)} x_j^2)^{-\beta}

and a docstring says what the framework means by :math:`\alpha'` and by :math:`W`. "The
sum" is that of the squares over the window, "the mean" that sum divided by the nominal
number of elements in the window, at the borders too.
"""

import math
from collections.abc import Sequence

from ._arguments import (
    Arguments,
    check_choice,
    check_range,
    check_size,
    from_size,
    refusal,
)

_REGIONS = ("ACROSS_CHANNELS", "WITHIN_CHANNEL")


def tensorflow(
    *,
    depth_radius: int = 5,
    bias: float = 1.0,
    alpha: float = 1.0,
    beta: float = 0.5,
) -> Arguments:
    """TensorFlow: `tf.nn.local_response_normalization`, also called `tf.nn.lrn`.

    `alpha` weighs the sum, as in `lrn`. The first parameter is a radius: 5 makes a
    window of 11 channels. TensorFlow's CUDA kernel refuses what its CPU kernel takes:
    a radius of 0 or above 7, a `bias` below 1e-5, a `beta` below 0.01.

    Args:
      depth_radius: Channels to either side, not negative.
      bias: Additive constant k.
      alpha: Weight of the sum.
      beta: Exponent.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on the last axis.

    Raises:
      ValueError: If `depth_radius` is negative.
      TypeError: If `depth_radius` is not an integer. (TensorFlow cuts a fraction off.)

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.tensorflow(depth_radius=2, bias=2, alpha=1e-4, beta=0.75)["alpha"]
      0.0001

    References:
      tensorflow/core/kernels/lrn_op.cc; its limits on GPUs are those of cuDNN.
    """
    return _radius("depth_radius", depth_radius, bias, alpha, beta)


def tflite(*, radius: int, bias: float, alpha: float, beta: float) -> Arguments:
    """TensorFlow Lite: the operator LOCAL_RESPONSE_NORMALIZATION.

    It means what TensorFlow means, and has no defaults. Its reference kernel leaves
    out the last channel of every window; the optimized kernel, which is the one that
    runs, does not.

    Args:
      radius: Channels to either side, not negative.
      bias: Additive constant k.
      alpha: Weight of the sum.
      beta: Exponent.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on the last axis.

    Raises:
      ValueError: If `radius` is negative.
      TypeError: If `radius` is not an integer.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.tflite(radius=2, bias=1, alpha=2e-5, beta=0.75)["depth_radius"]
      2

    References:
      tensorflow/lite/kernels/local_response_norm.cc and
      kernels/internal/optimized/optimized_ops.h.
    """
    return _radius("radius", radius, bias, alpha, beta)


def tensorflow_js(
    *,
    depthRadius: int = 5,
    bias: float = 1.0,
    alpha: float = 1.0,
    beta: float = 0.5,
) -> Arguments:
    """TensorFlow.js: `tf.localResponseNormalization`.

    It means what TensorFlow means.

    Args:
      depthRadius: Channels to either side, not negative.
      bias: Additive constant k.
      alpha: Weight of the sum.
      beta: Exponent.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on the last axis.

    Raises:
      ValueError: If `depthRadius` is negative.
      TypeError: If `depthRadius` is not an integer.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.tensorflow_js(depthRadius=2) == conventions.tensorflow(
      ...     depth_radius=2
      ... )
      True

    References:
      tfjs-core/src/ops/local_response_normalization.ts.
    """
    return _radius("depthRadius", depthRadius, bias, alpha, beta)


def _radius(
    name: str, radius: int, bias: float, alpha: float, beta: float
) -> Arguments:
    radius = check_size(
        name, radius, "A radius counts the neighbours to either side.", smallest=0
    )
    return from_size(2 * radius + 1, bias=bias, alpha=alpha, beta=beta, axis=-1)


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
      TypeError: If `size` is not an integer.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.torch(size=4, alpha=1e-4)
      {'depth_radius': (2, 1), 'bias': 1.0, 'alpha': 2.5e-05, 'beta': 0.75, 'axis': 1}

    References:
      torch/nn/functional.py.
    """
    size = check_size("size", size, "PyTorch's average pooling needs a window.")
    return from_size(
        size, bias=k, alpha=alpha / size, beta=beta, axis=1, longer="before"
    )


def caffe(
    *,
    local_size: int = 5,
    alpha: float = 1.0,
    beta: float = 0.75,
    norm_region: str = "ACROSS_CHANNELS",
    k: float = 1.0,
) -> Arguments:
    """Caffe: the layer LRN, across channels or within each channel.

    `alpha` weighs the mean: over `local_size` channels, or over the square of that
    side in a map. WITHIN_CHANNEL takes `k` in Caffe's cuDNN layer and computes with 1,
    whatever `k` says, in its own; that is refused here.

    Args:
      local_size: Channels in the window, or side of the window in the map; odd.
      alpha: Weight of the mean. The default is 1, not the paper's 1e-4.
      beta: Exponent.
      norm_region: "ACROSS_CHANNELS" or "WITHIN_CHANNEL".
      k: Additive constant.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on axis 1.

    Raises:
      ValueError: If `local_size` is even or less than 1, `norm_region` is another
        word, or `k` is not 1 in WITHIN_CHANNEL.
      TypeError: If `local_size` is not an integer.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.caffe(norm_region="WITHIN_CHANNEL", local_size=3, alpha=0.9)
      {'depth_radius': 1, 'bias': 1.0, 'alpha': 0.1, 'beta': 0.75, 'axis': (2, 3)}

    References:
      src/caffe/layers/lrn_layer.cpp, src/caffe/proto/caffe.proto.
    """
    origin = "Caffe checks it (lrn_layer.cpp)."
    check_choice("norm_region", norm_region, _REGIONS, origin)
    size = check_size("local_size", local_size, origin, odd=True)
    if norm_region == "WITHIN_CHANNEL" and k != 1:
        raise refusal(
            "k",
            "1 in WITHIN_CHANNEL",
            k,
            "Caffe's own layer ignores it there and its cuDNN layer does not "
            "(lrn_layer.cpp, cudnn_lcn_layer.cu). Leave it out, and set `bias` in the "
            "result if the cuDNN layer is meant.",
        )
    axis = _region_axis(norm_region)
    return from_size(size, bias=k, alpha=_mean(alpha, size, axis), beta=beta, axis=axis)


def onnx(
    *, size: int, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0
) -> Arguments:
    """ONNX: the operator LRN, as its specification defines it.

    `alpha` weighs the mean. An even window reaches one channel further after than
    before, so that PyTorch's is its mirror image. onnxruntime refuses even windows,
    and an `alpha` or `beta` that is not positive. The reference evaluator of the onnx
    package (1.23) loops over the batch where it means the channels: compare with the
    specification, or with onnxruntime.

    Args:
      size: Channels in the window, at least 1.
      alpha: Weight of the mean.
      beta: Exponent.
      bias: Additive constant k.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on axis 1.

    Raises:
      ValueError: If `size` is less than 1.
      TypeError: If `size` is not an integer.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.onnx(size=4)["depth_radius"]
      (1, 2)

    References:
      onnx/defs/nn/defs.cc, operator sets 1 and 13.
    """
    size = check_size("size", size, "ONNX sums over that many channels (defs.cc).")
    return from_size(
        size, bias=bias, alpha=alpha / size, beta=beta, axis=1, longer="after"
    )


def cudnn(
    *,
    lrnN: int = 5,
    lrnAlpha: float = 1e-4,
    lrnBeta: float = 0.75,
    lrnK: float = 2.0,
) -> Arguments:
    """The cuDNN library: `cudnnLRNCrossChannelForward`.

    `lrnAlpha` weighs the mean. An even window reaches one channel further after than
    before.

    Args:
      lrnN: Channels in the window, 1 to 16.
      lrnAlpha: Weight of the mean.
      lrnBeta: Exponent, at least 0.01.
      lrnK: Additive constant, at least 1e-5.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on axis 1.

    Raises:
      ValueError: If a value is outside the range given above.
      TypeError: If `lrnN` is not an integer.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.cudnn(lrnN=4)["depth_radius"]
      (1, 2)

    References:
      cudnn.h: CUDNN_LRN_MIN_N, CUDNN_LRN_MAX_N, CUDNN_LRN_MIN_K, CUDNN_LRN_MIN_BETA.
    """
    origin = "cuDNN returns BAD_PARAM for others (cudnn.h)."
    size = check_size("lrnN", lrnN, origin, largest=16)
    check_range("lrnK", lrnK, origin, 1e-5)
    check_range("lrnBeta", lrnBeta, origin, 0.01)
    return from_size(
        size, bias=lrnK, alpha=lrnAlpha / size, beta=lrnBeta, axis=1, longer="after"
    )


def onednn(
    *,
    local_size: int,
    alpha: float,
    beta: float,
    k: float = 1.0,
    algorithm: str = "lrn_across_channels",
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
      algorithm: "lrn_across_channels" or "lrn_within_channel".
      ndims: Number of axes of the array, for "lrn_within_channel", whose window spans
        all but the first two.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on axis 1.

    Raises:
      ValueError: If `local_size` is less than 1, `algorithm` is another word, or
        `ndims` is outside 2 to 5, or less than 3 within channels.
      TypeError: If `local_size` or `ndims` is not an integer.

    Example:
      >>> from lrn_jax import conventions
      >>> across = conventions.onednn(local_size=4, alpha=1.0, beta=0.75)
      >>> across["depth_radius"], across["alpha"]
      (1, 0.25)

    References:
      doc/primitives/lrn.md, src/cpu/ref_lrn.cpp.
    """
    algorithms = ("lrn_across_channels", "lrn_within_channel")
    check_choice("algorithm", algorithm, algorithms, "oneDNN knows no other.")
    size = check_size("local_size", local_size, "oneDNN's window holds its centre.")
    within = algorithm == "lrn_within_channel"
    ndims = check_size(
        "ndims",
        ndims,
        "oneDNN's arrays are (batch, channels, up to three spatial axes) "
        "(doc/primitives/lrn.md).",
        smallest=3 if within else 2,
        largest=5,
    )
    axis = tuple(range(2, ndims)) if within else 1
    return from_size(size, bias=k, alpha=_mean(alpha, size, axis), beta=beta, axis=axis)


def openvino(
    *,
    axes: int | Sequence[int],
    alpha: float = 1.0,
    beta: float = 0.5,
    bias: float = 1.0,
    size: int = 5,
) -> Arguments:
    """OpenVINO: the operation LRN-1.

    `alpha` weighs the mean over a box with side `size` along each of `axes`. An even
    size makes a window of one element fewer and still divides by the size, as in
    oneDNN, which it runs on. The operation has no defaults; these are those of its
    Python function.

    Args:
      axes: The axes of the window, each once: 1 for channels, (2, 3) for the map.
      alpha: Weight of the mean.
      beta: Exponent.
      bias: Additive constant k.
      size: Elements in the window along each axis, at least 1.

    Returns:
      Keyword arguments of `lrn_jax.lrn`.

    Raises:
      ValueError: If `axes` is empty or `size` is less than 1.
      TypeError: If `size` is not an integer.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.openvino(axes=(2, 3), size=3, alpha=0.9)
      {'depth_radius': 1, 'bias': 1.0, 'alpha': 0.1, 'beta': 0.5, 'axis': (2, 3)}

    References:
      The specification of LRN-1; src/core/reference/include/openvino/reference/lrn.hpp.
    """
    axis = axes if isinstance(axes, int) else tuple(axes)
    if axis == ():
        raise refusal(
            "axes",
            "one axis or more",
            axes,
            "Without any, every element is its own window in OpenVINO: that is "
            "`lrn` with `depth_radius=0`.",
        )
    size = check_size("size", size, "OpenVINO's window holds its centre (LRN-1).")
    return from_size(
        size, bias=bias, alpha=_mean(alpha, size, axis), beta=beta, axis=axis
    )


def mxnet(
    *, nsize: int, alpha: float = 1e-4, beta: float = 0.75, knorm: float = 2.0
) -> Arguments:
    """MXNet: the operator LRN.

    `alpha` weighs the mean. MXNet also refuses a window longer than the axis.

    Args:
      nsize: Channels in the window, odd.
      alpha: Weight of the mean.
      beta: Exponent.
      knorm: Additive constant k.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on axis 1.

    Raises:
      ValueError: If `nsize` is even or less than 1.
      TypeError: If `nsize` is not an integer.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.mxnet(nsize=5)["bias"]
      2.0

    References:
      src/operator/nn/lrn-inl.h.
    """
    size = check_size("nsize", nsize, "MXNet checks it (lrn-inl.h).", odd=True)
    return from_size(size, bias=knorm, alpha=alpha / size, beta=beta, axis=1)


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
      TypeError: If `n` is not an integer.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.chainer()
      {'depth_radius': 2, 'bias': 2.0, 'alpha': 0.0001, 'beta': 0.75, 'axis': 1}

    References:
      chainer/functions/normalization/local_response_normalization.py.
    """
    n = check_size("n", n, "Chainer's window holds its centre.")
    return from_size(n, bias=k, alpha=alpha, beta=beta, axis=1, longer="both")


def lasagne(
    *, alpha: float = 1e-4, k: float = 2.0, beta: float = 0.75, n: int = 5
) -> Arguments:
    """Lasagne: `LocalResponseNormalization2DLayer`.

    `alpha` weighs the sum.

    Args:
      alpha: Weight of the sum.
      k: Additive constant.
      beta: Exponent.
      n: Channels in the window, odd.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on axis 1.

    Raises:
      ValueError: If `n` is even or less than 1.
      TypeError: If `n` is not an integer.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.lasagne()["alpha"]
      0.0001

    References:
      lasagne/layers/normalization.py.
    """
    return _theano("Lasagne (normalization.py)", alpha, k, beta, n, axis=1)


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
      TypeError: If `n` is not an integer.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.pylearn2()["axis"]
      0

    References:
      pylearn2/expr/normalize.py.
    """
    return _theano("pylearn2 (expr/normalize.py)", alpha, k, beta, n, axis=0)


def keras(
    *, alpha: float = 1e-4, k: float = 2.0, beta: float = 0.75, n: int = 5
) -> Arguments:
    """Keras before 1.0: the layer `LRN2D`, which later versions do not have.

    `alpha` weighs the sum.

    Args:
      alpha: Weight of the sum.
      k: Additive constant.
      beta: Exponent.
      n: Channels in the window, odd.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on axis 1.

    Raises:
      ValueError: If `n` is even or less than 1.
      TypeError: If `n` is not an integer.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.keras(n=3)["depth_radius"]
      1

    References:
      keras/layers/normalization.py in the versions 0.x; issue 1549 of keras.
    """
    return _theano("LRN2D", alpha, k, beta, n, axis=1)


def _theano(
    framework: str, alpha: float, k: float, beta: float, n: int, axis: int
) -> Arguments:
    origin = f"{framework} raises NotImplementedError for an even one."
    n = check_size("n", n, origin, odd=True)
    return from_size(n, bias=k, alpha=alpha, beta=beta, axis=axis)


def matconvnet(*, param: Sequence[float]) -> Arguments:
    """MatConvNet: `vl_nnnormalize`.

    `alpha` weighs the sum; what other frameworks call alpha is n * alpha here. An even
    window reaches one channel further after than before.

    Args:
      param: The four numbers [n, kappa, alpha, beta], where n counts the channels in
        the window and kappa is the additive constant.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on axis 2, as in arrays of shape
      (height, width, channels, batch).

    Raises:
      ValueError: If `param` does not hold four numbers, or the first of them is not a
        whole number of at least 1.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.matconvnet(param=[5, 2, 1e-4, 0.75])
      {'depth_radius': 2, 'bias': 2, 'alpha': 0.0001, 'beta': 0.75, 'axis': 2}

    References:
      matlab/vl_nnnormalize.m.
    """
    origin = "vl_nnnormalize takes [n kappa alpha beta], n channels to a window."
    if len(param) != 4:
        raise refusal("param", "four numbers", param, origin)
    n, kappa, alpha, beta = param
    # All four are one array of doubles in MATLAB.
    if not n >= 1 or not float(n).is_integer():
        raise refusal("param[0]", "a whole number, at least 1", n, origin)
    return from_size(int(n), bias=kappa, alpha=alpha, beta=beta, axis=2, longer="after")


def matlab(
    *,
    windowChannelSize: int,
    Alpha: float = 1e-4,
    Beta: float = 0.75,
    K: float = 2.0,
    DataFormat: str = "SSCB",
) -> Arguments:
    """MATLAB: `crossChannelNormalizationLayer` and `crosschannelnorm`.

    `Alpha` weighs the mean. An even window reaches one channel further after than
    before.

    Args:
      windowChannelSize: Channels in the window, 1 to 16.
      Alpha: Weight of the mean.
      Beta: Exponent, at least 0.01.
      K: Additive constant, at least 1e-5.
      DataFormat: One letter for each axis of the array; C marks the channels.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels where `DataFormat` has its C.

    Raises:
      ValueError: If a number is outside the range given above, or `DataFormat` does
        not hold one C.
      TypeError: If `windowChannelSize` is not an integer.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.matlab(windowChannelSize=4)
      {'depth_radius': (1, 2), 'bias': 2.0, 'alpha': 2.5e-05, 'beta': 0.75, 'axis': 2}

    References:
      The documentation of crossChannelNormalizationLayer, whose newer versions limit
      the window to 16 channels.
    """
    origin = "MATLAB refuses others (crossChannelNormalizationLayer)."
    size = check_size("windowChannelSize", windowChannelSize, origin, largest=16)
    check_range("Beta", Beta, origin, 0.01)
    check_range("K", K, origin, 1e-5)
    if DataFormat.count("C") != 1:
        raise refusal("DataFormat", "letters with one C", DataFormat, origin)
    axis = DataFormat.index("C")
    return from_size(
        size, bias=K, alpha=Alpha / size, beta=Beta, axis=axis, longer="after"
    )


def coreml(
    *, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Arguments:
    """Core ML: the MIL operation `local_response_norm`, and `LRNLayerParams` before it.

    `alpha` weighs the mean. `LRNLayerParams` calls the size `localSize` and reads a `k`
    of 0 as 1, so that 0 cannot be had. Core ML does not say to which side an even
    window is longer (Metal's MPSCNNCrossChannelNormalization reaches further before).

    Args:
      size: Channels in the window, odd.
      alpha: Weight of the mean.
      beta: Exponent.
      k: Additive constant, positive.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on axis -3.

    Raises:
      ValueError: If `size` is even or less than 1, or `k` is not positive.
      TypeError: If `size` is not an integer.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.coreml(size=5)["axis"]
      -3

    References:
      coremltools: mlmodel/format/NeuralNetwork.proto,
      converters/mil/mil/ops/defs/iOS15/normalization.py.
    """
    size = check_size("size", size, _UNSPECIFIED.format("Core ML"), odd=True)
    if not k > 0:
        raise refusal("k", "positive", k, "Core ML requires it (NeuralNetwork.proto).")
    return from_size(size, bias=k, alpha=alpha / size, beta=beta, axis=-3)


_UNSPECIFIED = (
    "{} does not say to which side an even window is longer: give `lrn` the pair "
    "`depth_radius=(before, after)` that you measured."
)


def opencv(
    *,
    local_size: int = 5,
    alpha: float = 1.0,
    beta: float = 0.75,
    bias: float = 1.0,
    norm_by_size: bool = True,
    norm_region: str = "ACROSS_CHANNELS",
) -> Arguments:
    """OpenCV: the layer LRN of its module dnn.

    `alpha` weighs the mean, or the sum where `norm_by_size` is false.

    Args:
      local_size: Channels in the window, or side of the window in the map; odd.
      alpha: Weight of the mean, or of the sum.
      beta: Exponent.
      bias: Additive constant k.
      norm_by_size: Whether `alpha` weighs the mean.
      norm_region: "ACROSS_CHANNELS" or "WITHIN_CHANNEL".

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on axis 1.

    Raises:
      ValueError: If `local_size` is even or less than 1, or `norm_region` is another
        word.
      TypeError: If `local_size` is not an integer.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.opencv(alpha=1e-4, norm_by_size=False)["alpha"]
      0.0001

    References:
      modules/dnn/src/layers/lrn_layer.cpp.
    """
    origin = "OpenCV raises StsBadArg for others (lrn_layer.cpp)."
    check_choice("norm_region", norm_region, _REGIONS, origin)
    size = check_size("local_size", local_size, origin, odd=True)
    axis = _region_axis(norm_region)
    if norm_by_size:
        alpha = _mean(alpha, size, axis)
    return from_size(size, bias=bias, alpha=alpha, beta=beta, axis=axis)


def ncnn(
    *,
    region_type: int = 0,
    local_size: int = 5,
    alpha: float = 1.0,
    beta: float = 0.75,
    bias: float = 1.0,
) -> Arguments:
    """The ncnn library: the layer LRN, across channels or within each channel.

    `alpha` is divided by `local_size` across channels, by its square within one. An
    even size makes a window of local_size + 1 channels, still divided by the size;
    within a channel it makes one of local_size elements along each axis, longer
    before.

    Args:
      region_type: 0 across channels, 1 within each.
      local_size: Channels in the window, or side of the window in the map; at least 1.
      alpha: Weight of the mean.
      beta: Exponent.
      bias: Additive constant k.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for axes counted from the last: ncnn has no
      batch axis.

    Raises:
      ValueError: If `region_type` is neither 0 nor 1, or `local_size` is less than 1.
      TypeError: If `region_type` or `local_size` is not an integer.

    Example:
      >>> from lrn_jax import conventions
      >>> across = conventions.ncnn(local_size=4)
      >>> across["depth_radius"], across["alpha"], across["axis"]
      (2, 0.25, -3)

    References:
      src/layer/lrn.cpp.
    """
    origin = "0 is across channels, 1 is within each (lrn.cpp)."
    within = check_size("region_type", region_type, origin, smallest=0, largest=1)
    size = check_size("local_size", local_size, "ncnn divides by it (lrn.cpp).")
    axis = (-2, -1) if within else -3
    return from_size(
        size,
        bias=bias,
        alpha=_mean(alpha, size, axis),
        beta=beta,
        axis=axis,
        longer="before" if within else "both",
    )


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
      TypeError: If `window` is not an integer.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.tensorrt(window=5, alpha=1e-4, beta=0.75, k=1)["depth_radius"]
      2

    References:
      NvInfer.h, ILRNLayer.
    """
    origin = "The limit is TensorRT's (NvInfer.h, ILRNLayer)."
    size = check_size("window", window, origin, odd=True, largest=15)
    check_range("alpha", alpha, origin, -1e20, 1e20)
    check_range("beta", beta, origin, 0.01, 1e5)
    check_range("k", k, origin, 1e-5, 1e10)
    return from_size(size, bias=k, alpha=alpha / size, beta=beta, axis=1)


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
      TypeError: If `LocalSize` is not an integer.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.directml(CrossChannel=False, LocalSize=3)["axis"]
      (2, 3)

    References:
      The documentation of the structure (directml.h).
    """
    size = check_size("LocalSize", LocalSize, _UNSPECIFIED.format("DirectML"), odd=True)
    axis = 1 if CrossChannel else (2, 3)
    return from_size(size, bias=Bias, alpha=Alpha / size, beta=Beta, axis=axis)


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
      TypeError: If `n` is not an integer.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.deeplearning4j(n=4)["depth_radius"]
      2

    References:
      LocalResponseNormalization.java, CudnnLocalResponseNormalizationHelper.java;
      issue 7272 of deeplearning4j.
    """
    n = check_size("n", n, "Deeplearning4j's window holds its centre.")
    return from_size(n, bias=k, alpha=alpha, beta=beta, axis=1, longer="both")


def cuda_convnet_cmrnorm(
    *,
    size: int,
    scale: float,
    pow: float,
    minDiv: float = 1.0,
    blocked: bool = False,
) -> Arguments:
    """The layer cmrnorm of cuda-convnet and cuda-convnet2, across channels.

    `scale` weighs the mean: the parser of the layer file divides it by `size`, and
    what a checkpoint or pylearn2's wrapper hands to the kernel is divided already. An
    even window reaches one channel further before than after. cuda-convnet also
    refuses a window longer than the axis, and channels not divisible by 16.

    Args:
      size: Channels in the window, at least 2.
      scale: Weight of the mean.
      pow: Exponent.
      minDiv: Additive constant k (always 1 in the first cuda-convnet).
      blocked: Whether the channels fall into blocks of `size`, each its own window.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on axis 0, as in arrays of shape
      (channels, height, width, batch).

    Raises:
      ValueError: If `size` is less than 2, or `blocked` is true: `lrn` slides.
      TypeError: If `size` is not an integer.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.cuda_convnet_cmrnorm(size=5, scale=1e-4, pow=0.75, minDiv=2)
      {'depth_radius': 2, 'bias': 2, 'alpha': 2e-05, 'beta': 0.75, 'axis': 0}

    References:
      layer.py (NormLayerParser), cudaconv3/src/conv_util.cu.
    """
    origin = "cuda-convnet's parser refuses others (layer.py)."
    size = check_size("size", size, origin, smallest=2)
    if blocked:
        raise refusal(
            "blocked",
            "false",
            blocked,
            "Blocks that do not overlap are no sliding window: reshape the channels "
            "to (blocks, size) and give `lrn` `depth_radius=None` over the latter.",
        )
    return from_size(
        size, bias=minDiv, alpha=scale / size, beta=pow, axis=0, longer="before"
    )


def cuda_convnet_rnorm(
    *, size: int, scale: float, pow: float, minDiv: float = 1.0
) -> Arguments:
    """The layer rnorm of cuda-convnet and cuda-convnet2, within each channel.

    `scale` weighs the mean over a square with side `size`. An even side reaches one
    element further before than after. (The layer cnorm subtracts a local mean in the
    denominator, and is another operation.)

    Args:
      size: Side of the window, at least 1.
      scale: Weight of the mean.
      pow: Exponent.
      minDiv: Additive constant k (always 1 in the first cuda-convnet).

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for the map on axes 1 and 2, as in arrays of
      shape (channels, height, width, batch).

    Raises:
      ValueError: If `size` is less than 1.
      TypeError: If `size` is not an integer.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.cuda_convnet_rnorm(size=4, scale=1.0, pow=0.75)["depth_radius"]
      (2, 1)

    References:
      layer.py (NormLayerParser), cudaconv3/src/conv_util.cu.
    """
    size = check_size("size", size, "cuda-convnet's parser refuses others (layer.py).")
    axis = (1, 2)
    return from_size(
        size,
        bias=minDiv,
        alpha=_mean(scale, size, axis),
        beta=pow,
        axis=axis,
        longer="before",
    )


def _region_axis(norm_region: str) -> int | tuple[int, ...]:
    return 1 if norm_region == "ACROSS_CHANNELS" else (2, 3)


def _mean(alpha: float, size: int, axis: int | tuple[int, ...]) -> float:
    """Divides by the number of elements in a window with this side."""
    return alpha / (size if isinstance(axis, int) else math.prod([size] * len(axis)))
