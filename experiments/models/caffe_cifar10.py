"""Caffe's two networks for CIFAR-10, after cuda-convnet's."""

from functools import partial
from typing import Any

import flax.linen as nn
from jax import Array
from jax.typing import DTypeLike

from .caffe import average_pool, chain, max_pool
from .layers import Conv
from .norms import Norm


class CaffeCIFAR10(nn.Module):
    """Three convolutions with pooling, and one or two dense layers.

    The norms are where cifar10_full has them: after the activation of the first
    convolution, and after the pooling of the second.

    Attributes:
      norm: Makes the norms, ``norm(name="norm1")``.
      num_classes: Number of logits.
      num_hidden: Units of a dense layer before the logits, as in cifar10_quick; there
        is no activation after it. None, as in cifar10_full, leaves it out.
      norm_before_relu: Whether norms stand before the relu instead of after it.
      dtype: What to compute in.

    References:
      BVLC/caffe: examples/cifar10. dnouri/cuda-convnet: example-layers, 80sec, 19pct
      and 18pct.
    """

    norm: Norm
    num_classes: int
    num_hidden: int | None
    norm_before_relu: bool = False
    dtype: DTypeLike = "float32"

    @nn.compact
    def __call__(self, images: Array, *, train: bool) -> Array:
        """Returns logits (batch, classes) of images (batch, height, width, colors)."""
        del train
        gaussian = nn.initializers.normal
        options: Any = {"dtype": self.dtype}
        conv = partial(Conv, kernel_size=(5, 5), padding=2, **options)

        def dense(features: int, name: str) -> nn.Dense:
            deviation = 0.01 if self.num_hidden is None else 0.1
            return nn.Dense(
                features, kernel_init=gaussian(deviation), **options, name=name
            )

        hidden = {} if self.num_hidden is None else {"ip1": self.num_hidden}
        sizes = {**hidden, f"ip{len(hidden) + 1}": self.num_classes}
        return chain(
            self,
            {
                "conv1": conv(32, kernel_init=gaussian(1e-4), name="conv1"),
                "pool1": max_pool,
                "relu1": nn.relu,
                "norm1": self.norm(name="norm1"),
                "conv2": conv(32, kernel_init=gaussian(0.01), name="conv2"),
                "relu2": nn.relu,
                "pool2": average_pool,
                "norm2": self.norm(name="norm2"),
                "conv3": conv(64, kernel_init=gaussian(0.01), name="conv3"),
                "relu3": nn.relu,
                "pool3": average_pool,
                "flatten": lambda x: x.reshape(len(x), -1),
                **{name: dense(size, name) for name, size in sizes.items()},
            },
            images,
            norm_before_relu=self.norm_before_relu,
        )
