"""Formats that networks are exchanged and deployed in."""

from collections.abc import Sequence

import numpy as np

from .._arguments import (
    Arguments,
    check_integer,
    check_size,
    convention,
    from_size,
    refusal,
)


@convention
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

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.onnx(size=4)["depth_radius"]
      (1, 2)

    Checked against:
      onnx 1.23.2 (specification) and onnxruntime 1.32.0, run

    References:
      onnx/defs/nn/defs.cc, operator sets 1 and 13.
    """
    check_size("size", size, "ONNX sums over that many channels (defs.cc).")
    return from_size(size, bias, alpha, beta, 1, mean=True, longer="after")


@convention
def nnef(
    *,
    size: Sequence[int] | np.ndarray,
    alpha: float = 1.0,
    beta: float = 0.5,
    bias: float = 1.0,
) -> Arguments:
    """NNEF: the operation `local_response_normalization`.

    `alpha` weighs the mean over a box that has an extent of its own along each axis of
    the array: ``[1, 5, 1, 1]`` is a window of five channels, ``[1, 1, 3, 3]`` one of
    3 x 3 in the map. An even extent reaches one element further after than before.

    Args:
      size: Elements in the window along each axis of the array, from the batch on; at
        least 1.
      alpha: Weight of the mean.
      beta: Exponent.
      bias: Additive constant k.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for the axes on which `size` is not 1.

    Raises:
      ValueError: If `size` is empty, or holds a number less than 1.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.nnef(size=[1, 5, 1, 1])
      {'depth_radius': 2, 'bias': 1.0, 'alpha': 0.2, 'beta': 0.5, 'axis': 1}
      >>> box = conventions.nnef(size=[1, 1, 3, 5])
      >>> box["depth_radius"], box["axis"]
      (((1, 1), (2, 2)), (2, 3))

    Checked against:
      specification 1.0 as nnef_tools 1.0.11 interprets it, run

    References:
      stdlib.nnef: local_response_normalization, box.
    """
    origin = "It has an extent for each axis of the array (stdlib.nnef)."
    sizes = _integers("size", size)
    if not sizes or isinstance(size, int):
        raise refusal("size", "a list of integers", size, origin)
    for index, extent in enumerate(sizes):
        check_size(f"size[{index}]", extent, origin)
    # Along an axis where it is 1 there is no window, unless it is 1 along all of them.
    axes = [index for index, extent in enumerate(sizes) if extent > 1] or [0]
    axis = tuple(axes) if len(axes) > 1 else axes[0]
    box = tuple(sizes[axis] for axis in axes)
    return from_size(box, bias, alpha, beta, axis, mean=True, longer="after")


@convention
def openvino(
    *,
    axes: int | Sequence[int] | np.ndarray,
    alpha: float = 1.0,
    beta: float = 0.5,
    bias: float = 1.0,
    size: int = 5,
    name: str | None = None,
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
      name: Without effect.

    Returns:
      Keyword arguments of `lrn_jax.lrn`.

    Raises:
      ValueError: If `axes` is empty or `size` is less than 1.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.openvino(axes=(2, 3), size=3, alpha=0.9)
      {'depth_radius': 1, 'bias': 1.0, 'alpha': 0.1, 'beta': 0.5, 'axis': (2, 3)}

    Checked against:
      2026.4.1, run on a CPU

    References:
      The specification of LRN-1; src/core/reference/include/openvino/reference/lrn.hpp.
    """
    numbers = _integers("axes", axes)
    if not numbers:
        raise refusal(
            "axes",
            "one axis or more",
            axes,
            "Without any, every element is its own window in OpenVINO: that is "
            "`lrn` with `depth_radius=0`.",
        )
    check_size("size", size, "OpenVINO's window holds its centre (LRN-1).")
    axis = numbers[0] if np.ndim(axes) == 0 else numbers
    return from_size(size, bias, alpha, beta, axis, mean=True)


def _integers(name: str, values: object) -> tuple[int, ...]:
    """Returns the whole numbers of a sequence or an array, or the one that is given."""
    if isinstance(values, str) or not isinstance(values, Sequence | np.ndarray):
        return (check_integer(name, values),)
    elements = np.ravel(values) if isinstance(values, np.ndarray) else values
    return tuple(check_integer(f"{name}[{i}]", one) for i, one in enumerate(elements))
