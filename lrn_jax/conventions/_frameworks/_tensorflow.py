"""TensorFlow and what calls it: the first parameter is a radius, or named like one."""

from .._arguments import Arguments, check_size, convention, from_radius


@convention
def tensorflow(
    *,
    depth_radius: int = 5,
    bias: float = 1.0,
    alpha: float = 1.0,
    beta: float = 0.5,
    name: str | None = None,
) -> Arguments:
    """TensorFlow: `tf.nn.local_response_normalization`, also called `tf.nn.lrn`.

    `alpha` weighs the sum, as in `lrn`. The first parameter is a radius: 5 makes a
    window of 11 channels. TensorFlow's CUDA kernel refuses what its CPU kernel takes:
    a radius of 0 or above 7, a `bias` below 1e-5, a `beta` below 0.01.

    Args:
      depth_radius: Channels to either side, not negative. (TensorFlow cuts a fraction
        off; it is refused here.)
      bias: Additive constant k.
      alpha: Weight of the sum.
      beta: Exponent.
      name: Without effect.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on the last axis.

    Raises:
      ValueError: If `depth_radius` is negative.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.tensorflow(depth_radius=2, bias=2, alpha=1e-4, beta=0.75)["alpha"]
      0.0001

    Checked against:
      2.21.0, run on a CPU

    References:
      tensorflow/core/kernels/lrn_op.cc; its limits on GPUs are those of cuDNN.
    """
    return from_radius("depth_radius", depth_radius, bias, alpha, beta, -1, mean=False)


@convention
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

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.tflite(radius=2, bias=1, alpha=2e-5, beta=0.75)["depth_radius"]
      2

    Checked against:
      2.21.0, run

    References:
      tensorflow/lite/kernels/local_response_norm.cc and
      kernels/internal/optimized/optimized_ops.h.
    """
    return from_radius("radius", radius, bias, alpha, beta, -1, mean=False)


@convention
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

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.tensorflow_js(depthRadius=2) == conventions.tensorflow(
      ...     depth_radius=2
      ... )
      True

    Checked against:
      commit 0fc04d9, read

    References:
      tfjs-core/src/ops/local_response_normalization.ts.
    """
    return from_radius("depthRadius", depthRadius, bias, alpha, beta, -1, mean=False)


@convention
def neupy(
    *,
    alpha: float = 1e-4,
    beta: float = 0.75,
    k: float = 2.0,
    depth_radius: int = 5,
    name: str | None = None,
) -> Arguments:
    """NeuPy: the layer `LocalResponseNorm`.

    `alpha` weighs the sum. NeuPy documents `depth_radius` as the number of channels in
    the window, which must be odd, and hands it to TensorFlow, where it is the radius:
    the default of 5 makes a window of 11 channels, and this function what was computed.
    Up to version 0.6.5, which ran on Theano, the parameter was `n` and the number of
    channels indeed: that is `lasagne`.

    Args:
      alpha: Weight of the sum.
      beta: Exponent.
      k: Additive constant.
      depth_radius: Channels to either side, odd.
      name: Without effect.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on the last axis.

    Raises:
      ValueError: If `depth_radius` is even or negative.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.neupy()["depth_radius"]
      5

    Checked against:
      0.7.0 to 0.8.2, read

    References:
      neupy/layers/normalization.py.
    """
    origin = "NeuPy raises ValueError for others (normalization.py)."
    check_size("depth_radius", depth_radius, origin, odd=True)
    return from_radius("depth_radius", depth_radius, k, alpha, beta, -1, mean=False)
