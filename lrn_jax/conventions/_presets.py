"""The layers of well-known networks, under names that say where each comes from."""

from ._arguments import Arguments, from_size


def alexnet_as_printed(*, axis: int = -1) -> Arguments:
    """AlexNet with the numbers and the formula of the paper.

    They are the defaults of `lrn`. The authors' own network was trained with an alpha
    five times smaller (`alexnet_as_trained`), and Caffe's with a bias of 1 on top
    (`caffe_alexnet`): the three are not the same layer. ZFNet of the ONNX model zoo
    (``size=5, alpha=5e-4, beta=0.75, bias=2``) has this one.

    Args:
      axis: The axis the channels are on.

    Returns:
      Keyword arguments of `lrn_jax.lrn`.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.alexnet_as_printed()
      {'depth_radius': 2, 'bias': 2.0, 'alpha': 0.0001, 'beta': 0.75, 'axis': -1}

    References:
      Krizhevsky, Sutskever, Hinton: ImageNet classification with deep convolutional
      neural networks, NIPS 2012, section 3.3.
    """
    return from_size(5, 2.0, 1e-4, 0.75, axis, mean=False)


def alexnet_as_trained(*, axis: int = -1) -> Arguments:
    """AlexNet with what its authors' code computed.

    The layer files say ``scale=0.0001`` and ``size=5``, and the parser divides the one
    by the other: alpha is 2e-5 in the formula of the paper, not the 1e-4 printed there.

    Args:
      axis: The axis the channels are on.

    Returns:
      Keyword arguments of `lrn_jax.lrn`.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.alexnet_as_trained()["alpha"]
      2e-05

    References:
      computerhistory/AlexNet-Source-Code: layer.py, layers/layer-params-135.cfg;
      cuda-convnet2's layers for ImageNet have the same numbers.
    """
    return from_size(5, 2.0, 1e-4, 0.75, axis, mean=True)


def caffe_alexnet(*, axis: int = -1) -> Arguments:
    """AlexNet, CaffeNet and GoogLeNet as published with Caffe.

    The files say ``local_size: 5, alpha: 0.0001, beta: 0.75`` and leave k at its
    default, 1. Networks converted from Caffe compute this, whatever they call it.

    Args:
      axis: The axis the channels are on.

    Returns:
      Keyword arguments of `lrn_jax.lrn`.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.caffe_alexnet(axis=1) == conventions.caffe(alpha=1e-4)
      True

    References:
      BVLC/caffe: models/bvlc_alexnet, models/bvlc_reference_caffenet and
      models/bvlc_googlenet, deploy.prototxt of each.
    """
    return from_size(5, 1.0, 1e-4, 0.75, axis, mean=True)


def cuda_convnet_cifar10(*, axis: int = -1) -> Arguments:
    """The network for CIFAR-10 of cuda-convnet with 11 % error.

    Its files say ``size=9, scale=0.001, pow=0.75``. TensorFlow's tutorial on CIFAR-10
    has the same numbers.

    Args:
      axis: The axis the channels are on.

    Returns:
      Keyword arguments of `lrn_jax.lrn`.

    Example:
      >>> from lrn_jax import conventions
      >>> conventions.cuda_convnet_cifar10()["depth_radius"]
      4

    References:
      cuda-convnet2: layers/layers-cifar10-11pct.cfg,
      layers/layer-params-cifar10-11pct.cfg.
    """
    return from_size(9, 1.0, 1e-3, 0.75, axis, mean=True)


def whole_map(
    *, a: float = 4.0, b: float = 5.0, axis: int | tuple[int, ...] = (1, 2)
) -> Arguments:
    r"""The layer that divides each feature map by its own energy.

    .. math:: y = \frac{x}{\sqrt{a + b \sum_{\text{height, width}} x^2}}

    It is the layer of the introductory article this project started from, which calls
    it local response normalization. It is not the operation of the AlexNet paper: its
    window is the whole map of one channel, not some channels at one position, so it
    is closer to an instance normalization without the mean. Three things in that
    article are wrong: its list of steps multiplies by the factor where its formula
    divides (the formula is what is meant, and what this does); its code takes
    parameters k and n and uses neither; and it credits the formula to the paper on
    batch normalization, where local response normalization is due to Krizhevsky et
    al. 2012, section 3.3.

    Args:
      a: Additive constant, not negative.
      b: Weight of the sum of squares, not negative.
      axis: The spatial axes; the default fits arrays of shape (batch, height, width,
        channels), ``(2, 3)`` those of shape (batch, channels, height, width).

    Returns:
      Keyword arguments of `lrn_jax.lrn`.

    Example:
      >>> import jax.numpy as jnp
      >>> from lrn_jax import conventions, lrn
      >>> x = jnp.ones((1, 3, 3, 8))
      >>> bool(jnp.allclose(lrn(x, **conventions.whole_map()), 1 / (4 + 5 * 9) ** 0.5))
      True
    """
    return {"depth_radius": None, "bias": a, "alpha": b, "beta": 0.5, "axis": axis}
