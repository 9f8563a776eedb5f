"""The small convolutional network of the article this project started from."""

import flax.linen as nn
from jax import Array

from ..norms import Norm


class ArticleCNN(nn.Module):
    """Convolution, norm, pooling and two dense layers; about as small as CNNs come.

    Attributes:
      norm: The layer after the activation of the convolution, from `experiments.norms`.
      num_classes: Number of logits.
      dropout_rate: Share of the hidden units dropped while training.
    """

    norm: Norm
    num_classes: int
    dropout_rate: float

    @nn.compact
    def __call__(self, images: Array, *, train: bool) -> Array:
        """Returns logits (batch, classes) of images (batch, height, width, channels).

        Layers have names, so that their initial weights depend on the seed and on
        nothing that an arm adds.
        """
        # Keras' defaults, which the article takes: no padding, Glorot's initialiser.
        glorot = nn.initializers.glorot_uniform()
        x = nn.Conv(32, (3, 3), padding="VALID", kernel_init=glorot, name="conv")(
            images
        )
        x = nn.relu(x)
        x = self.norm(train)(x)
        x = nn.max_pool(x, (2, 2), strides=(2, 2))
        x = x.reshape(len(x), -1)
        x = nn.relu(nn.Dense(64, kernel_init=glorot, name="hidden")(x))
        x = nn.Dropout(self.dropout_rate, deterministic=not train)(x)
        return nn.Dense(self.num_classes, kernel_init=glorot, name="logits")(x)
