"""The pair with 13 % and 11 % error that AlexNet's paper refers to.

    python -m experiments ablate conv_local
    python -m experiments ablate conv_local --network conv_local_wide

The paper says that LRN took the error from 13 % to 11 %. The two networks differ in
more: in the one with LRN the first locally connected layer has 64 filters instead of
32, its last layer has another weight decay, and it was trained for 520 epochs instead
of 160. Here all arms have the network with 13 %, and the second command gives all of
them the width of the other.

Source: dnouri/cuda-convnet, example-layers, conv-local-13pct and conv-local-11pct.

Expected accuracy: below the published 87 % without a norm and 89 % with LRN, which are
means over ten views; here it is that of one crop, from the center.

Expected time on two CPU cores: 2 hours a run.
"""

from ..config import Preset, Reference
from ..recipe import LRNHyperparameters, Recipe

PRESET = Preset(
    recipe=Recipe(
        name="conv_local",
        dataset="cifar10",
        network="conv_local",
        dropout_rate=0.0,
        inputs="minus_mean",
        crop=24,
        flip=True,
        epochs=160,
        batch_size=128,
        optimizer="sgd",
        learning_rate=1e-3,
        drops=(140 / 160, 150 / 160),
        learning_rate_factors=(("*/bias", 2.0),),
        momentum=0.9,
        weight_decay=(("local*/kernel", 0.004), ("fc/kernel", 0.004)),
        target_accuracy=0.8,
        lrn=LRNHyperparameters(depth_radius=4, bias=1.0, alpha=1e-3 / 9, beta=0.75),
    ),
    norms=("none", "scaled", "lrn", "batch_norm"),
    network=(
        "The network: convolution of 64 filters 5x5, relu, max pooling 3x3, norm; "
        "convolution of 64 filters 5x5, relu, norm, max pooling 3x3; two locally "
        "connected layers 3x3 with relu, dense 10. Momentum on the cross entropy."
    ),
    deviations=(
        "Trained on nine tenths of the training images throughout; the source trains "
        "on four fifths at first and on all at the end.",
        "The mean is taken off before an image is cropped, not after.",
        "Width, weight decay and number of epochs are those of the network with 13 % "
        "error in every arm.",
        "Accuracy is that of one crop, from the center.",
    ),
    references=(
        Reference(
            arm="none",
            accuracy=0.87,
            source="cuda-convnet, conv-local-13pct",
            note="ten views",
        ),
        Reference(
            arm="lrn",
            accuracy=0.89,
            source="cuda-convnet, conv-local-11pct",
            note="ten views; twice the width of local3, 520 epochs",
        ),
    ),
)
