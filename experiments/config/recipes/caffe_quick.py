"""Caffe's cifar10_quick, trained in 10 epochs.

    python -m experiments ablate caffe_quick

Source: BVLC/caffe, examples/cifar10/cifar10_quick*.prototxt (5,000 steps of 100 images,
that is 10 epochs of 50,000; the last fifth at a tenth of the rate). It has no norm. It
goes back to cuda-convnet's network with 26 % error, and is another: relus, weight decay
and biases differ.

Expected accuracy: 75 % without a norm.

Expected time on two CPU cores: 5 minutes a run.
"""

from ..config import Preset, Reference
from ..recipe import LRNHyperparameters, Recipe

PRESET = Preset(
    recipe=Recipe(
        name="caffe_quick",
        dataset="cifar10",
        network="caffe_quick",
        dropout_rate=0.0,
        inputs="minus_mean",
        epochs=10,
        batch_size=100,
        optimizer="sgd",
        learning_rate=1e-3,
        drops=(0.8,),
        learning_rate_factors=(("*/bias", 2.0),),
        momentum=0.9,
        weight_decay=(("*", 0.004),),
        target_accuracy=0.7,
        lrn=LRNHyperparameters(depth_radius=4, bias=1.0, alpha=1e-3 / 9, beta=0.75),
    ),
    norms=("none", "scaled", "lrn", "batch_norm", "lrn_batch_norm"),
    network=(
        "The network: convolution of 32 filters 5x5, max pooling 3x3, relu, norm; "
        "convolution of 32 filters 5x5, relu, average pooling 3x3, norm; "
        "convolution of 64 filters 5x5, relu, average pooling 3x3; dense 64, dense 10. "
        "Momentum on the cross entropy."
    ),
    deviations=(
        "Trained on nine tenths of the training images, the others are held out: a "
        "tenth fewer steps.",
        "The norms are where cifar10_full has them; cifar10_quick has none.",
        "LRN across channels has the constants of cuda-convnet's: a size of 9, an "
        "alpha of 1e-3 divided by it, a bias of 1; LRN within channels those of "
        "cifar10_full.",
    ),
    references=(
        Reference(
            arm="none",
            accuracy=0.7533,
            source="BVLC/caffe, examples/cifar10/readme.md",
            note="after 5,000 steps",
        ),
        Reference(
            arm="none",
            accuracy=0.7565,
            source="Ren et al., ICLR 2017",
            note="50,000 steps, no weight decay",
        ),
        Reference(
            arm="batch_norm",
            accuracy=0.7807,
            source="Ren et al., ICLR 2017",
            note="80,000 steps, no weight decay; before each relu",
        ),
    ),
)
