"""A locally connected layer: a convolution with other filters at each position.

It takes the place of ``flax.linen.ConvLocal``, with the same parameters. That one cuts
the patches out with a convolution, in one group for each channel, which XLA:CPU
computes slowly. Here they are shifted views of the image, joined, and what is left is
one matrix product for each position.
"""

import flax.linen as nn
import jax.numpy as jnp
from flax.linen.dtypes import promote_dtype
from flax.linen.initializers import Initializer
from jax import Array, lax
from jax.typing import DTypeLike


class LocallyConnected(nn.Module):
    """Multiplies the patch around each position by a matrix of its own.

    The stride is 1, and there is a bias for each position. Parameters are ``kernel``
    (height, width, channels * patch height * patch width, features), in this order of
    patches, and ``bias`` (height, width, features).

    Attributes:
      features: Number of filters at each position.
      kernel_size: Height and width of a patch.
      padding: Zeros on each side of an image.
      kernel_init: Initial filters.
      dtype: What to compute in.
    """

    features: int
    kernel_size: tuple[int, int]
    padding: int
    kernel_init: Initializer
    dtype: DTypeLike = "float32"

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Returns (batch, height, width, features) of images with any channels."""
        around = (self.padding, self.padding)
        x = jnp.pad(x, ((0, 0), around, around, (0, 0)))
        down, across = self.kernel_size
        _, height, width, channels = x.shape
        height, width = height - down + 1, width - across + 1
        shape = (height, width, channels * down * across, self.features)
        kernel = self.param("kernel", self.kernel_init, shape)
        bias = self.param("bias", nn.initializers.zeros, (height, width, self.features))
        x, kernel, bias = promote_dtype(x, kernel, bias, dtype=self.dtype)

        # Positions first: then each product is of two contiguous matrices.
        x = x.transpose(1, 2, 0, 3)
        views = [
            x[i : i + height, j : j + width] for i in range(down) for j in range(across)
        ]
        patches = jnp.concatenate(views, axis=-1)
        by_view = kernel.reshape(height, width, channels, down * across, self.features)
        y = lax.dot_general(
            patches,
            by_view.swapaxes(2, 3).reshape(shape),
            (((3,), (2,)), ((0, 1), (0, 1))),
        )
        return y.transpose(2, 0, 1, 3) + bias[jnp.newaxis]
