"""The residual network of 20 layers, made for BatchNorm.

    python -m experiments ablate resnet20

Batch normalization is the baseline: the question is what another norm in its place
costs. Without any, this learning rate may be too high; runs that diverge are reported.

Source: He, Zhang, Ren, Sun: Deep residual learning for image recognition, CVPR 2016,
section 4.2.

Expected accuracy: 91.25 % with batch normalization.

Expected time on two CPU cores: 6 hours a run.
"""

from ..config import Preset, Reference
from ..recipe import Recipe

PRESET = Preset(
    recipe=Recipe(
        name="resnet20",
        dataset="cifar10",
        network="resnet20",
        dropout_rate=0.0,
        inputs="standardized",
        crop=32,
        padding=4,
        flip=True,
        epochs=182,
        batch_size=128,
        optimizer="sgd",
        learning_rate=0.1,
        drops=(0.5, 0.75),
        momentum=0.9,
        weight_decay=(("*", 1e-4),),
        target_accuracy=0.85,
    ),
    norms=("batch_norm", "none", "scaled", "lrn", "lrn_batch_norm", "group_norm"),
    network=(
        "The network: ResNet-20, with a norm after each of its 19 convolutions; "
        "momentum on the cross entropy."
    ),
    deviations=(
        "Trained on nine tenths of the training images, the others are held out; 182 "
        "epochs of them are 63,882 steps, the source has 64,000.",
        "Images are standardized by color; the source takes the mean image off.",
        "Convolutions have biases, in every arm.",
        "Parameters of norm layers are not decayed.",
        "LRN has AlexNet's bias 2 and alpha 1e-4, which are made for pixels up to 255; "
        "on activations of a size near 1 it is about a constant factor of 0.59.",
    ),
    references=(
        Reference(
            arm="batch_norm",
            accuracy=0.9125,
            source="He et al., CVPR 2016, table 6",
        ),
    ),
)
