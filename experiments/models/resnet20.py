"""The residual network of 20 layers for CIFAR-10."""

from functools import partial
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import Array
from jax.typing import DTypeLike

from .layers import Conv
from .norms import Norm

_WIDTHS = (16, 32, 64)
_BLOCKS = 3


class ResNet20(nn.Module):
    """One convolution, nine residual blocks of two, and a dense layer.

    A norm follows each convolution, before the activation, and is called after it:
    ``norm1`` is that of the first layer. Shortcuts have no parameters: where a block
    halves the image, they take every other pixel and add channels of zeros.
    Convolutions have biases in every arm, also where a norm takes the mean out.

    Attributes:
      norm: Makes the norms.
      num_classes: Number of logits.
      dtype: What to compute in.

    References:
      He, Zhang, Ren, Sun: Deep residual learning for image recognition, CVPR 2016,
      section 4.2.
    """

    norm: Norm
    num_classes: int
    dtype: DTypeLike = "float32"

    @nn.compact
    def __call__(self, images: Array, *, train: bool) -> Array:
        """Returns logits (batch, classes) of images (batch, height, width, colors)."""
        del train
        options: Any = {"dtype": self.dtype}
        he = nn.initializers.he_normal()
        conv = partial(Conv, kernel_size=(3, 3), padding=1, kernel_init=he, **options)
        number = 1

        def conv_and_norm(x: Array, width: int, stride: int = 1) -> Array:
            nonlocal number
            x = conv(width, strides=stride, name=f"conv{number}")(x)
            x = self.norm(name=f"norm{number}")(x)
            number += 1
            return x

        x = nn.relu(conv_and_norm(images, _WIDTHS[0]))
        for stage, width in enumerate(_WIDTHS):
            for block in range(_BLOCKS):
                stride = 2 if stage > 0 and block == 0 else 1
                shortcut = x[:, ::stride, ::stride]
                more = width - shortcut.shape[-1]
                shortcut = jnp.pad(shortcut, ((0, 0), (0, 0), (0, 0), (0, more)))
                x = nn.relu(conv_and_norm(x, width, stride))
                x = nn.relu(conv_and_norm(x, width) + shortcut)
        x = x.mean(axis=(1, 2))
        return nn.Dense(self.num_classes, kernel_init=he, **options, name="logits")(x)
