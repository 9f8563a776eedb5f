"""cuda-convnet and cuda-convnet2, AlexNet's own."""

from .._arguments import Arguments, check_size, convention, from_size, refusal

_ORIGIN = "cuda-convnet's parser refuses others (layer.py)."


@convention
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

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.cuda_convnet_cmrnorm(size=5, scale=1e-4, pow=0.75, minDiv=2)
      {'depth_radius': 2, 'bias': 2.0, 'alpha': 2e-05, 'beta': 0.75, 'axis': 0}

    Checked against:
      cuda-convnet2, commit 3238bf0, read

    References:
      layer.py (NormLayerParser), cudaconv3/src/conv_util.cu.
    """
    check_size("size", size, _ORIGIN, smallest=2)
    if blocked:
        raise refusal(
            "blocked",
            "false",
            blocked,
            "Blocks that do not overlap are no sliding window: reshape the channels "
            "to (blocks, size) and give `lrn` `depth_radius=None` over the latter.",
        )
    return from_size(size, minDiv, scale, pow, 0, mean=True, longer="before")


@convention
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

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.cuda_convnet_rnorm(size=4, scale=1.0, pow=0.75)["depth_radius"]
      (2, 1)

    Checked against:
      cuda-convnet2, commit 3238bf0, read

    References:
      layer.py (NormLayerParser), cudaconv3/src/conv_util.cu.
    """
    check_size("size", size, _ORIGIN)
    return from_size(size, minDiv, scale, pow, (1, 2), mean=True, longer="before")
