"""The network of TensorFlow's tutorial on convolutional networks."""

from functools import partial
from typing import Any

import flax.linen as nn
from jax import Array
from jax.typing import DTypeLike

from .caffe import chain
from .layers import Conv, max_pool
from .norms import Norm


class TFTutorial(nn.Module):
    """Two convolutions with pooling and norm, in both orders, and three dense layers.

    Attributes:
      norm: Makes the norms, ``norm(name="norm1")``.
      num_classes: Number of logits.
      norm_before_relu: Whether norms stand before the relu instead of after it.
      dtype: What to compute in.

    References:
      tensorflow/models: tutorials/image/cifar10/cifar10.py.
    """

    norm: Norm
    num_classes: int
    norm_before_relu: bool = False
    dtype: DTypeLike = "float32"

    @nn.compact
    def __call__(self, images: Array, *, train: bool) -> Array:
        """Returns logits (batch, classes) of images (batch, height, width, colors)."""
        del train
        gaussian, constant = nn.initializers.truncated_normal, nn.initializers.constant
        options: Any = {"dtype": self.dtype}
        conv = partial(Conv, 64, (5, 5), kernel_init=gaussian(0.05), **options)
        dense = partial(nn.Dense, **options)
        pool = partial(max_pool, window_shape=(3, 3), strides=(2, 2), padding="SAME")
        return chain(
            self,
            {
                "conv1": conv(name="conv1"),
                "relu1": nn.relu,
                "pool1": pool,
                "norm1": self.norm(name="norm1"),
                "conv2": conv(bias_init=constant(0.1), name="conv2"),
                "relu2": nn.relu,
                "norm2": self.norm(name="norm2"),
                "pool2": pool,
                "flatten": lambda x: x.reshape(len(x), -1),
                "fc3": dense(
                    384,
                    kernel_init=gaussian(0.04),
                    bias_init=constant(0.1),
                    name="fc3",
                ),
                "relu3": nn.relu,
                "fc4": dense(
                    192,
                    kernel_init=gaussian(0.04),
                    bias_init=constant(0.1),
                    name="fc4",
                ),
                "relu4": nn.relu,
                "logits": dense(
                    self.num_classes, kernel_init=gaussian(1 / 192), name="logits"
                ),
            },
            images,
            norm_before_relu=self.norm_before_relu,
        )
