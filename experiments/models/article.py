"""The small convolutional network of the article this project started from."""

from typing import Any

import flax.linen as nn
from jax import Array
from jax.typing import DTypeLike

from .layers import Conv, max_pool
from .norms import Norm


class ArticleCNN(nn.Module):
    """Convolution, norm, pooling and two dense layers; about as small as CNNs come.

    Attributes:
      norm: Makes the layer after the activation of the convolution.
      num_classes: Number of logits.
      dropout_rate: Share of the hidden units dropped while training.
      norm_before_relu: Whether norms stand before the relu instead of after it.
      dtype: What to compute in.
    """

    norm: Norm
    num_classes: int
    dropout_rate: float
    norm_before_relu: bool = False
    dtype: DTypeLike = "float32"

    @nn.compact
    def __call__(self, images: Array, *, train: bool) -> Array:
        """Returns logits (batch, classes) of images (batch, height, width, channels).

        Layers have names, so that their initial weights depend on the seed and on
        nothing that an arm adds.
        """
        # Keras' defaults, which the article takes: no padding, Glorot's initialiser.
        options: Any = {
            "kernel_init": nn.initializers.glorot_uniform(),
            "dtype": self.dtype,
        }
        x = Conv(32, (3, 3), padding="VALID", **options, name="conv")(images)
        norm = self.norm(name="norm1")
        x = nn.relu(norm(x)) if self.norm_before_relu else norm(nn.relu(x))
        x = max_pool(x, (2, 2), strides=(2, 2))
        x = x.reshape(len(x), -1)
        x = nn.relu(nn.Dense(64, **options, name="hidden")(x))
        x = nn.Dropout(self.dropout_rate, deterministic=not train)(x)
        return nn.Dense(self.num_classes, **options, name="logits")(x)
