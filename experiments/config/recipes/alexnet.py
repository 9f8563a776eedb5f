"""AlexNet on any folder of images, a directory for each class.

    python -m experiments ablate alexnet --data-dir data/images

Source: Krizhevsky, Sutskever, Hinton: ImageNet classification with deep convolutional
neural networks, NIPS 2012; the layers are Caffe's bvlc_alexnet's. LRN as printed
in the paper.

Expected accuracy: on ImageNet 57 % with LRN; the paper gives it 1.4 points of that.
A benchmark on small images found no difference (47.0 % with, 47.1 % without).

Expected time on two CPU cores: up to 0.2 seconds for each image and epoch; this recipe
is for accelerators.
"""

from pathlib import Path

from ..config import Preset, Reference
from ..recipe import Recipe

PRESET = Preset(
    recipe=Recipe(
        name="alexnet",
        dataset="folder",
        data_dir=Path("data/images"),
        image_size=256,
        network="alexnet",
        dropout_rate=0.5,
        inputs="minus_mean",
        crop=224,
        flip=True,
        epochs=90,
        batch_size=128,
        optimizer="sgd",
        learning_rate=0.01,
        drops=(1 / 4, 1 / 2, 3 / 4),
        learning_rate_factors=(("*/bias", 2.0),),
        momentum=0.9,
        weight_decay=(("*/kernel", 5e-4),),
        target_accuracy=0.5,
    ),
    norms=("none", "scaled", "lrn", "batch_norm", "lrn_batch_norm"),
    network=(
        "The network: AlexNet as published with Caffe, with a norm after the relu "
        "of its first and its second convolution; momentum on the cross entropy."
    ),
    deviations=(
        "Trained on nine tenths of the training images, the others are held out: a "
        "tenth fewer steps.",
        "Crops of 224 pixels, flips, and no change of colors.",
        "Initial weights are LeCun's, initial biases 0.",
        "The learning rate drops at fixed moments, not when the error stops falling.",
        "Accuracy is that of one crop, from the center.",
        "LRN has bias 2 and alpha 1e-4, as the paper prints them; Caffe's bvlc_alexnet "
        "has bias 1 and alpha 2e-5.",
    ),
    references=(
        Reference(
            arm="lrn",
            accuracy=0.571,
            source="BVLC/caffe, models/bvlc_alexnet",
            note="ImageNet; LRN with bias 1, alpha 2e-5",
        ),
        Reference(
            arm="lrn",
            accuracy=0.470,
            source="ducha-aiki/caffenet-benchmark",
            note="CaffeNet, ImageNet at 128 pixels",
        ),
        Reference(
            arm="none",
            accuracy=0.471,
            source="ducha-aiki/caffenet-benchmark",
            note="CaffeNet, ImageNet at 128 pixels",
        ),
        Reference(
            arm="batch_norm",
            accuracy=0.499,
            source="ducha-aiki/caffenet-benchmark",
            note="CaffeNet, ImageNet at 128 pixels; after each relu, without scale and "
            "shift (49.3% with them)",
        ),
    ),
)
