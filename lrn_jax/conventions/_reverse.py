"""The way back: a framework's arguments for those of `lrn`, or why it has none."""

from typing import TypedDict

import jax
from jax.typing import ArrayLike

from .._arguments import check_axis, check_depth_radius, check_hyperparameter
from ._arguments import Longer, Radius


class TorchArguments(TypedDict):
    """Keyword arguments of `torch.nn.functional.local_response_norm`."""

    size: int
    alpha: float
    beta: float
    k: float


class OnnxArguments(TypedDict):
    """Attributes of the operator LRN of ONNX."""

    size: int
    alpha: float
    beta: float
    bias: float


class TensorFlowArguments(TypedDict):
    """Keyword arguments of `tf.nn.local_response_normalization`."""

    depth_radius: int
    bias: float
    alpha: float
    beta: float


class CaffeArguments(TypedDict):
    """Fields of `lrn_param` in a layer of Caffe."""

    local_size: int
    alpha: float
    beta: float
    norm_region: str
    k: float


def to_torch(
    *,
    depth_radius: Radius,
    bias: ArrayLike,
    alpha: ArrayLike,
    beta: ArrayLike,
    axis: int | tuple[int, ...],
) -> TorchArguments:
    """PyTorch's arguments for those of `lrn`, the inverse of `torch`.

    A window as long to both sides, or one element longer before, has a size there.

    Args:
      depth_radius: As in `lrn`.
      bias: As in `lrn`; one number, or an array with one.
      alpha: The same.
      beta: The same.
      axis: 1, where PyTorch expects the channels.

    Returns:
      Keyword arguments of `torch.nn.functional.local_response_norm`, and of
      `torch.nn.LocalResponseNorm`.

    Raises:
      ValueError: If PyTorch cannot express the window, the axis, or values that differ
        between channels.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.to_torch(**conventions.alexnet_as_printed(axis=1))
      {'size': 5, 'alpha': 0.0005, 'beta': 0.75, 'k': 2.0}
    """
    _check_axis("PyTorch", axis, {(1,)})
    size = _size("PyTorch", depth_radius, "before")
    return {
        "size": size,
        "alpha": _number("PyTorch", "alpha", alpha) * size,
        "beta": _number("PyTorch", "beta", beta),
        "k": _number("PyTorch", "bias", bias),
    }


def to_onnx(
    *,
    depth_radius: Radius,
    bias: ArrayLike,
    alpha: ArrayLike,
    beta: ArrayLike,
    axis: int | tuple[int, ...],
) -> OnnxArguments:
    """ONNX's attributes for the arguments of `lrn`, the inverse of `onnx`.

    A window as long to both sides, or one element longer after, has a size there; of
    the two, onnxruntime runs the first only. ONNX stores the numbers in float32.

    Args:
      depth_radius: As in `lrn`.
      bias: As in `lrn`; one number, or an array with one.
      alpha: The same.
      beta: The same.
      axis: 1, where ONNX expects the channels.

    Returns:
      Attributes of the operator LRN.

    Raises:
      ValueError: If ONNX cannot express the window, the axis, or values that differ
        between channels.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.to_onnx(**conventions.torch(size=5))
      {'size': 5, 'alpha': 0.0001, 'beta': 0.75, 'bias': 1.0}
    """
    _check_axis("ONNX", axis, {(1,)})
    size = _size("ONNX", depth_radius, "after")
    return {
        "size": size,
        "alpha": _number("ONNX", "alpha", alpha) * size,
        "beta": _number("ONNX", "beta", beta),
        "bias": _number("ONNX", "bias", bias),
    }


def to_tensorflow(
    *,
    depth_radius: Radius,
    bias: ArrayLike,
    alpha: ArrayLike,
    beta: ArrayLike,
    axis: int | tuple[int, ...],
) -> TensorFlowArguments:
    """TensorFlow's arguments for those of `lrn`, the inverse of `tensorflow`.

    They are the same numbers; on GPUs, TensorFlow takes a radius of 1 to 7 only, a
    `bias` from 1e-5 and a `beta` from 0.01 on.

    Args:
      depth_radius: As in `lrn`; as long to both sides.
      bias: As in `lrn`; one number, or an array with one.
      alpha: The same.
      beta: The same.
      axis: -1 or 3, the last of the four axes TensorFlow expects.

    Returns:
      Keyword arguments of `tf.nn.local_response_normalization`.

    Raises:
      ValueError: If TensorFlow cannot express the window, the axis, or values that
        differ between channels.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.to_tensorflow(**conventions.alexnet_as_trained())
      {'depth_radius': 2, 'bias': 2.0, 'alpha': 2e-05, 'beta': 0.75}
    """
    _check_axis("TensorFlow", axis, {(-1,), (3,)})
    return {
        "depth_radius": _size("TensorFlow", depth_radius, "neither") // 2,
        "bias": _number("TensorFlow", "bias", bias),
        "alpha": _number("TensorFlow", "alpha", alpha),
        "beta": _number("TensorFlow", "beta", beta),
    }


def to_caffe(
    *,
    depth_radius: Radius,
    bias: ArrayLike,
    alpha: ArrayLike,
    beta: ArrayLike,
    axis: int | tuple[int, ...],
) -> CaffeArguments:
    """Caffe's parameters for the arguments of `lrn`, the inverse of `caffe`.

    Args:
      depth_radius: As in `lrn`; as long to both sides.
      bias: As in `lrn`; one number, or an array with one; 1 for a window in the map.
      alpha: The same, without that limit.
      beta: The same.
      axis: 1 (or -3) for ACROSS_CHANNELS, (2, 3) (or (-2, -1)) for WITHIN_CHANNEL.

    Returns:
      Fields of `lrn_param`.

    Raises:
      ValueError: If Caffe cannot express the window, the axis, or values that differ
        between channels.

    Example:
      >>> from lrn_jax import conventions
      >>> fields = conventions.to_caffe(**conventions.caffe_alexnet(axis=1))
      >>> fields["local_size"], fields["alpha"], fields["norm_region"]
      (5, 0.0001, 'ACROSS_CHANNELS')
    """
    across = {(1,), (-3,)}
    axes = _check_axis("Caffe", axis, across | {(2, 3), (-2, -1)})
    size = _size("Caffe", depth_radius, "neither")
    k = _number("Caffe", "bias", bias)
    if axes not in across and k != 1:
        raise ValueError(
            f"`bias` must be 1 for a window within channels, but got {k!r}: Caffe's "
            "own layer computes with 1 there, whatever k says (lrn_layer.cpp)."
        )
    return {
        "local_size": size,
        "alpha": _number("Caffe", "alpha", alpha) * size ** len(axes),
        "beta": _number("Caffe", "beta", beta),
        "norm_region": "ACROSS_CHANNELS" if axes in across else "WITHIN_CHANNEL",
        "k": k,
    }


def _size(framework: str, depth_radius: Radius, longer: Longer) -> int:
    """Returns the size of a window that may be one element longer on that side."""
    pairs = check_depth_radius(depth_radius)
    if pairs is None:
        raise ValueError(
            "`depth_radius` must say how far the window reaches, but got None: "
            f"{framework} has no window over the whole axis. Give the number of "
            "channels less one."
        )
    if len(set(pairs)) > 1:
        raise ValueError(
            "`depth_radius` must reach as far along every axis, but got "
            f"{pairs}: {framework} has no other box."
        )
    before, after = pairs[0]
    surplus = {"before": before - after, "after": after - before}.get(longer, 0)
    if before != after and surplus != 1:
        uneven = "" if longer == "neither" else f", or one element further {longer}"
        raise ValueError(
            f"`depth_radius` must reach as far to both sides{uneven}, but got "
            f"{pairs[0]}: {framework} has no other window."
        )
    return before + 1 + after


def _check_axis(
    framework: str, axis: int | tuple[int, ...], expected: set[tuple[int, ...]]
) -> tuple[int, ...]:
    # The order of several axes means nothing.
    axes = tuple(sorted(check_axis(axis)))
    if axes not in expected:
        names = " or ".join(
            repr(axes[0] if len(axes) == 1 else axes) for axes in sorted(expected)
        )
        raise ValueError(
            f"`axis` must be {names}, but got {axis!r}: {framework} normalizes along "
            "no other. If the array is transposed on the way there, give the axis it "
            "has then."
        )
    return axes


def _number(framework: str, name: str, value: ArrayLike) -> float:
    checked = check_hyperparameter(name, value)
    if not isinstance(checked, jax.Array):
        return checked
    if checked.size != 1:
        raise ValueError(
            f"`{name}` must be one number, but got an array of shape {checked.shape}: "
            f"{framework} has the same value for every channel."
        )
    try:
        return float(checked.reshape(()))
    except jax.errors.ConcretizationTypeError:
        raise TypeError(
            f"`{name}` must be a number, but got {checked!r}, which JAX traces: call "
            "this outside of `jax.jit` and `jax.grad`."
        ) from None
