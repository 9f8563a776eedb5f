"""MatConvNet, MATLAB and the Wolfram Language."""

from typing import Any

import numpy as np

from .._arguments import (
    Arguments,
    check_number,
    check_range,
    check_size,
    convention,
    from_radius,
    from_size,
    refusal,
)


@convention
def matconvnet(
    *,
    param: Any,
    type: str = "lrn",
    name: str | None = None,
    precious: bool = False,
    weights: Any = (),
) -> Arguments:
    """MatConvNet: `vl_nnnormalize`.

    `alpha` weighs the sum; what other frameworks call alpha is n * alpha here. An even
    window reaches one channel further after than before. A layer of a network in a
    MAT file can be passed on as it is, ``matconvnet(**layer)``.

    Args:
      param: The four numbers [n, kappa, alpha, beta], where n counts the channels in
        the window and kappa is the additive constant: a sequence, or an array of any
        shape, as `scipy.io.loadmat` returns them.
      type: "lrn" or "normalize". ("spnorm" and "bnorm" are other layers.)
      name: Without effect.
      precious: Without effect.
      weights: Without effect: the layer has none.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on axis 2, as in arrays of shape
      (height, width, channels, batch).

    Raises:
      ValueError: If `param` does not hold four numbers, the first of them is not a
        whole number of at least 1, or `type` is that of another layer.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.matconvnet(param=[[5, 2, 1e-4, 0.75]])
      {'depth_radius': 2, 'bias': 2.0, 'alpha': 0.0001, 'beta': 0.75, 'axis': 2}

    Checked against:
      1.0-beta25 (commit 1e5ae7b), read

    References:
      matlab/vl_nnnormalize.m, matlab/simplenn/vl_simplenn.m.
    """
    if type not in ("lrn", "normalize"):
        raise refusal("type", "'lrn' or 'normalize'", type, "Others are other layers.")
    origin = "vl_nnnormalize takes [n kappa alpha beta], n channels to a window."
    values = _flat(param)
    if len(values) != 4:
        raise refusal("param", "four numbers", param, origin)
    n, kappa, alpha, beta = (
        check_number(f"param[{index}]", value) for index, value in enumerate(values)
    )
    # All four are one array of doubles in MATLAB.
    if n < 1 or not n.is_integer():
        raise refusal("param[0]", "a whole number, at least 1", n, origin)
    return from_size(int(n), kappa, alpha, beta, 2, mean=False, longer="after")


def _flat(values: Any) -> list[Any]:
    """Returns the elements of an array, without the cells that loadmat leaves on it."""
    while (
        isinstance(values, np.ndarray) and values.dtype == object and values.size == 1
    ):
        values = values.item()
    try:
        return np.ravel(values).tolist()
    except (TypeError, ValueError):  # traced by JAX; rows of several lengths
        return []


@convention
def matlab(
    *,
    windowChannelSize: int,
    Alpha: float = 1e-4,
    Beta: float = 0.75,
    K: float = 2.0,
    DataFormat: str = "SSCB",
    Name: str | None = None,
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
      Name: Without effect.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels where `DataFormat` has its C.

    Raises:
      ValueError: If a number is outside the range given above, or `DataFormat` does
        not hold one C.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.matlab(windowChannelSize=4)
      {'depth_radius': (1, 2), 'bias': 2.0, 'alpha': 2.5e-05, 'beta': 0.75, 'axis': 2}

    Checked against:
      documentation of R2021a and later, read

    References:
      The documentation of crossChannelNormalizationLayer, whose newer versions limit
      the window to 16 channels.
    """
    origin = "MATLAB refuses others (crossChannelNormalizationLayer)."
    check_size("windowChannelSize", windowChannelSize, origin, largest=16)
    check_range("Beta", Beta, origin, 0.01)
    check_range("K", K, origin, 1e-5)
    letters = DataFormat.upper() if isinstance(DataFormat, str) else ""
    if letters.count("C") != 1:
        raise refusal("DataFormat", "letters with one C", DataFormat, origin)
    axis = letters.index("C")
    return from_size(windowChannelSize, K, Alpha, Beta, axis, mean=True, longer="after")


@convention
def wolfram(
    *,
    Alpha: float = 1.0,
    Beta: float = 0.5,
    Bias: float = 1.0,
    ChannelWindowSize: int = 2,
) -> Arguments:
    """Wolfram Language: `LocalResponseNormalizationLayer`.

    `Alpha` weighs the mean. `ChannelWindowSize` is a radius, c: the window has 2 c + 1
    channels, and `Alpha` is divided by that. The input needs 2 c + 1 channels or more.

    Args:
      Alpha: Weight of the mean.
      Beta: Exponent.
      Bias: Additive constant k.
      ChannelWindowSize: Channels to either side, not negative.

    Returns:
      Keyword arguments of `lrn_jax.lrn`, for channels on axis -3: the layer's arrays
      are (channels, height, width), and batches are lists of them.

    Raises:
      ValueError: If `ChannelWindowSize` is negative.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.wolfram(ChannelWindowSize=2)
      {'depth_radius': 2, 'bias': 1.0, 'alpha': 0.2, 'beta': 0.5, 'axis': -3}

    Checked against:
      documentation of 11.1 (2017) and later, read

    References:
      The documentation of LocalResponseNormalizationLayer.
    """
    return from_radius(
        "ChannelWindowSize", ChannelWindowSize, Bias, Alpha, Beta, -3, mean=True
    )
