"""Caffe's cifar10_full, the pair with 19 % and 18 % error.

    python -m experiments ablate caffe_full

The cleanest published pair with and without LRN: the same layers, without the norms
and with them (within each map), and the weight decay of the last layer (3 without, 1
with, here 1 in every arm).

Source: BVLC/caffe, examples/cifar10/cifar10_full*.prototxt; dnouri/cuda-convnet,
example-layers, 18pct and 19pct.

Expected accuracy: 82 % with LRN, 81 % without.

Expected time on two CPU cores: 1 hour a run.
"""

from ..config import Preset, Reference
from ..recipe import LRNHyperparameters, Recipe

PRESET = Preset(
    recipe=Recipe(
        name="caffe_full",
        dataset="cifar10",
        network="caffe_full",
        dropout_rate=0.0,
        inputs="minus_mean",
        epochs=140,
        batch_size=100,
        optimizer="sgd",
        learning_rate=1e-3,
        drops=(120 / 140, 130 / 140),
        # Caffe's conv3 has no line that doubles the rate of its biases.
        learning_rate_factors=(("conv3/*", 1.0), ("*/bias", 2.0)),
        momentum=0.9,
        weight_decay=(("ip1/kernel", 1.0), ("ip1/bias", 0.0), ("*", 0.004)),
        target_accuracy=0.75,
        lrn=LRNHyperparameters(depth_radius=1, bias=1.0, alpha=5e-5 / 3, beta=0.75),
    ),
    norms=("none", "scaled", "lrn", "lrn_within", "batch_norm"),
    network=(
        "The network: convolution of 32 filters 5x5, max pooling 3x3, relu, norm; "
        "convolution of 32 filters 5x5, relu, average pooling 3x3, norm; "
        "convolution of 64 filters 5x5, relu, average pooling 3x3; dense 10. Momentum "
        "on the cross entropy."
    ),
    deviations=(
        "Trained on nine tenths of the training images, the others are held out: a "
        "tenth fewer steps.",
        "The weight decay of the last layer is 1 in every arm; cuda-convnet has 3 in "
        "its network without norms.",
    ),
    references=(
        Reference(
            arm="none",
            accuracy=0.81,
            source="cuda-convnet, layers-19pct",
            note="no augmentation",
        ),
        Reference(
            arm="lrn_within",
            accuracy=0.82,
            source="cuda-convnet, layers-18pct; BVLC/caffe pull request 273",
        ),
        Reference(
            arm="lrn",
            accuracy=0.8165,
            source="BVLC/caffe pull request 273",
            note="ACROSS_CHANNELS",
        ),
    ),
)
