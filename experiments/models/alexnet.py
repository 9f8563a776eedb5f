"""AlexNet as published with Caffe, in both orders of its layers."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar, Literal

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from lrn_jax import conventions
from lrn_jax.linen import LocalResponseNorm

from .caffe import Layer, chain, max_pool
from .layers import Conv


class AlexNet(nn.Module):
    """Five convolutions, three of them in two groups, and three dense layers.

    Layers have the names of Caffe's prototxt, and `from_torch.load` finds the weights
    of ``conv1`` as ``conv1.weight`` and ``conv1.bias``; `from_onnx.load` takes them in
    the order of `LAYERS`, and `data.weights_npy.load` reads bvlc_alexnet.npy.
    Activations, by the names of their layers, are in
    ``["intermediates"]["activations"]`` of what
    ``model.apply(variables, images, mutable="intermediates")`` returns second.

    Attributes:
      norm: Makes the norms, ``norm(name="norm1")``; the default is Caffe's. Others are
        ``partial(LocalResponseNorm, **arguments)`` with the channels on the last axis.
      order: What follows the first and the second convolution: the norm and then the
        pooling in bvlc_alexnet, ``("pool", "norm")`` in CaffeNet.
      num_classes: Number of logits.
      num_hidden: Units of the two hidden dense layers.
      dropout_rate: Share of them that is dropped while training.
      norm_before_relu: Whether norms stand before the relu instead of after it.
      dtype: What to compute in; ``None`` takes it from images and parameters.
      param_dtype: Of initial parameters.

    References:
      Krizhevsky, Sutskever, Hinton: ImageNet classification with deep convolutional
      neural networks, NIPS 2012. BVLC/caffe: models/bvlc_alexnet,
      models/bvlc_reference_caffenet.
    """

    norm: Callable[..., Layer] = partial(
        LocalResponseNorm, **conventions.caffe_alexnet()
    )
    order: tuple[Literal["norm", "pool"], ...] = ("norm", "pool")
    num_classes: int = 1000
    num_hidden: int = 4096
    dropout_rate: float = 0.5
    norm_before_relu: bool = False
    dtype: Any = None
    param_dtype: Any = jnp.float32

    # Layers with parameters, in order.
    LAYERS: ClassVar[tuple[str, ...]] = (
        *("conv1", "conv2", "conv3", "conv4", "conv5"),
        *("fc6", "fc7", "fc8"),
    )
    # Channels of what is flattened before a dense layer, by the name of the layer.
    FLATTENED: ClassVar[Mapping[str, int]] = {"fc6": 256}

    @nn.compact
    def __call__(self, images: Array, *, train: bool = False) -> Array:
        """Returns logits (batch, classes) of images (batch, height, width, channels).

        Images are 227 pixels wide and high in the original, and at least 39.
        """
        dtypes: Any = {"dtype": self.dtype, "param_dtype": self.param_dtype}
        conv, dense = partial(Conv, **dtypes), partial(nn.Dense, **dtypes)

        def norm_and_pool(number: int) -> dict[str, Layer]:
            layers = {"norm": self.norm(name=f"norm{number}"), "pool": max_pool}
            return {f"{layer}{number}": layers[layer] for layer in self.order}

        def dropout(name: str) -> Layer:
            return nn.Dropout(self.dropout_rate, deterministic=not train, name=name)

        two_groups = {"feature_group_count": 2}
        return chain(
            self,
            {
                "conv1": conv(96, (11, 11), 4, padding="VALID", name="conv1"),
                "relu1": nn.relu,
                **norm_and_pool(1),
                "conv2": conv(256, (5, 5), padding=2, **two_groups, name="conv2"),
                "relu2": nn.relu,
                **norm_and_pool(2),
                "conv3": conv(384, (3, 3), padding=1, name="conv3"),
                "relu3": nn.relu,
                "conv4": conv(384, (3, 3), padding=1, **two_groups, name="conv4"),
                "relu4": nn.relu,
                "conv5": conv(256, (3, 3), padding=1, **two_groups, name="conv5"),
                "relu5": nn.relu,
                "pool5": max_pool,
                "flatten": lambda x: x.reshape(len(x), -1),
                "fc6": dense(self.num_hidden, name="fc6"),
                "relu6": nn.relu,
                "drop6": dropout("drop6"),
                "fc7": dense(self.num_hidden, name="fc7"),
                "relu7": nn.relu,
                "drop7": dropout("drop7"),
                "fc8": dense(self.num_classes, name="fc8"),
            },
            images,
            norm_before_relu=self.norm_before_relu,
        )
