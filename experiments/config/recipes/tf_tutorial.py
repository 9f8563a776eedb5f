"""TensorFlow's tutorial, with LRN twice.

    python -m experiments ablate tf_tutorial
    python -m experiments ablate tf_tutorial --sweep alpha=1e-4,1e-3,1e-2,1e-1

Its alpha is cuda-convnet's, which was tuned for pixels up to 255, and its images are
standardized, one by one: LRN has next to nothing to act on. The second command looks
for the alpha that does something here.

Source: tensorflow/models, tutorials/image/cifar10.

Expected accuracy: 86 % with LRN, after 256 epochs.

Expected time on two CPU cores: 3 hours a run.
"""

from ..config import Preset, Reference
from ..recipe import LRNHyperparameters, Recipe

PRESET = Preset(
    recipe=Recipe(
        name="tf_tutorial",
        dataset="cifar10",
        network="tf_tutorial",
        dropout_rate=0.0,
        inputs="standardized_each",
        crop=24,
        flip=True,
        contrast=(0.2, 1.8),
        epochs=256,
        batch_size=128,
        optimizer="sgd",
        learning_rate=0.1,
        momentum=0.0,
        weight_decay=(("fc*/kernel", 0.004),),
        target_accuracy=0.8,
        parameter_average=0.9999,
        lrn=LRNHyperparameters(depth_radius=4, bias=1.0, alpha=1e-3 / 9, beta=0.75),
    ),
    norms=("none", "scaled", "lrn", "batch_norm"),
    network=(
        "The network: convolution of 64 filters 5x5, relu, max pooling 3x3, norm; "
        "convolution of 64 filters 5x5, relu, norm, max pooling 3x3; dense 384, "
        "relu, dense 192, relu, dense 10. Gradient descent on the cross entropy; "
        "accuracy with moving averages of the parameters."
    ),
    deviations=(
        "Trained on nine tenths of the training images, the others are held out: a "
        "tenth fewer steps.",
        "LRN's alpha is made for pixels up to 255, and images are standardized one by "
        "one, as in the source: it is about a constant factor of 1.",
        "No random brightness: standardizing each image takes it out again.",
        "Running statistics of batch normalization belong to the parameters "
        "themselves, not to their averages.",
    ),
    references=(
        Reference(
            arm="lrn",
            accuracy=0.86,
            source="tensorflow/models, tutorials/image/cifar10/cifar10_train.py",
            note="100,000 steps",
        ),
    ),
)
