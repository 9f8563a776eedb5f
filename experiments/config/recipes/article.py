"""One convolution, on the embedded digits, as in an article.

    python -m experiments ablate

Source: the article's network and Adam. Where it is silent, initial weights and the
learning rate are Keras' defaults; Adam's epsilon, and momentum and epsilon of batch
normalization, are not.

Expected accuracy: about 97 % on the digits after 40 epochs, 98 % on MNIST after 3.

Expected time on two CPU cores: 1 minute for all 28 runs; on MNIST with 3 epochs, 10.
"""

from ..config import Preset, Recipe

PRESET = Preset(
    recipe=Recipe(),
    norms=("none", "lrn", "batch_norm", "whole_map"),
    network=(
        "The network: convolution of 32 filters 3x3, relu, norm, max pooling 2x2, "
        "dense 64, relu, dropout, dense 10; Adam on the cross entropy."
    ),
)
