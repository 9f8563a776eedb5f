"""One convolution, on the embedded digits, as in an article.

    python -m experiments ablate

Source: the article's network and Adam. Where it is silent, initial weights and the
learning rate are Keras' defaults; Adam's epsilon (1e-8, Keras 1e-7), and momentum and
epsilon of batch normalization (0.9 and 1e-5, Keras 0.99 and 1e-3), are flax's and
PyTorch's.

LRN has AlexNet's constants, for pixels between 0 and 1 instead of 0 and 255: its alpha
is multiplied by 255^2, so that it acts as it does there. The same holds for Caffe's
within channels.

Expected accuracy: about 97 % on the digits after 40 epochs, 98 % on MNIST after 3.

Expected time on two CPU cores: 1 minute for all 35 runs; on MNIST with 3 epochs, 10.
"""

from ..config import Preset
from ..recipe import LRNHyperparameters, LRNWithinHyperparameters, Recipe

# The article's inputs: an alpha for pixels up to 255 is this much larger for them.
_SQUARED_SCALE = 255**2

PRESET = Preset(
    recipe=Recipe(
        lrn=LRNHyperparameters(alpha=1e-4 * _SQUARED_SCALE),
        lrn_within=LRNWithinHyperparameters(alpha=5e-5 * _SQUARED_SCALE),
        target_accuracy=0.95,
    ),
    norms=("none", "scaled", "lrn", "batch_norm", "whole_map"),
    network=(
        "The network: convolution of 32 filters 3x3, relu, norm, max pooling 2x2, "
        "dense 64, relu, dropout, dense 10; Adam on the cross entropy."
    ),
)
