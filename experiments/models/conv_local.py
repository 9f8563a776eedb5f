"""The network of cuda-convnet's best results on CIFAR-10, with unshared filters."""

from functools import partial
from typing import Any

import flax.linen as nn
from jax import Array
from jax.typing import DTypeLike

from .caffe import chain, max_pool
from .layers import Conv, LocallyConnected
from .norms import Norm


class ConvLocal(nn.Module):
    """Two convolutions, two locally connected layers, and a dense one.

    A locally connected layer is a convolution with other filters at each position. The
    norms are where the network with 11 % error has them: after the pooling of the first
    convolution, before that of the second.

    Attributes:
      norm: Makes the norms, ``norm(name="norm1")``.
      num_classes: Number of logits.
      num_local: Filters of the first locally connected layer, at each position: 32 in
        the network with 13 % error, 64 in the one with 11 %.
      norm_before_relu: Whether norms stand before the relu instead of after it.
      dtype: What to compute in.

    References:
      dnouri/cuda-convnet: example-layers, conv-local-13pct and conv-local-11pct.
    """

    norm: Norm
    num_classes: int
    num_local: int
    norm_before_relu: bool = False
    dtype: DTypeLike = "float32"

    @nn.compact
    def __call__(self, images: Array, *, train: bool) -> Array:
        """Returns logits (batch, classes) of images (batch, height, width, colors)."""
        del train
        gaussian = nn.initializers.normal
        options: Any = {"dtype": self.dtype}
        conv = partial(Conv, 64, (5, 5), padding=2, **options)
        local = partial(
            LocallyConnected,
            kernel_size=(3, 3),
            padding=1,
            kernel_init=gaussian(0.04),
            **options,
        )
        return chain(
            self,
            {
                "conv1": conv(kernel_init=gaussian(1e-4), name="conv1"),
                "relu1": nn.relu,
                "pool1": max_pool,
                "norm1": self.norm(name="norm1"),
                "conv2": conv(kernel_init=gaussian(0.01), name="conv2"),
                "relu2": nn.relu,
                "norm2": self.norm(name="norm2"),
                "pool2": max_pool,
                "local3": local(self.num_local, name="local3"),
                "relu3": nn.relu,
                "local4": local(32, name="local4"),
                "relu4": nn.relu,
                "flatten": lambda x: x.reshape(len(x), -1),
                "fc": nn.Dense(
                    self.num_classes,
                    kernel_init=gaussian(0.01),
                    **options,
                    name="fc",
                ),
            },
            images,
            norm_before_relu=self.norm_before_relu,
        )
