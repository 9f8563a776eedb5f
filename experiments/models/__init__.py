"""Networks, one a file; the norm is an argument of each.

Names are here, and Flax is not: the command line and the report need the names alone.
A network is imported when it is made.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from ..terminal.errors import UserError

if TYPE_CHECKING:
    import flax.linen as nn

    from .norms import Norm

NetworkName = Literal[
    "article",
    "caffe_quick",
    "caffe_full",
    "conv_local",
    "conv_local_wide",
    "tf_tutorial",
    "alexnet",
    "resnet20",
]
# The file, the class in it, and its options.
_NETWORKS: dict[NetworkName, tuple[str, str, dict[str, Any]]] = {
    "article": ("article", "ArticleCNN", {}),
    "caffe_quick": ("caffe_cifar10", "CaffeCIFAR10", {"num_hidden": 64}),
    "caffe_full": ("caffe_cifar10", "CaffeCIFAR10", {"num_hidden": None}),
    "conv_local": ("conv_local", "ConvLocal", {"num_local": 32}),
    "conv_local_wide": ("conv_local", "ConvLocal", {"num_local": 64}),
    "tf_tutorial": ("tf_tutorial", "TFTutorial", {}),
    "alexnet": ("alexnet", "AlexNet", {}),
    "resnet20": ("resnet20", "ResNet20", {}),
}
WITH_DROPOUT: tuple[NetworkName, ...] = ("article", "alexnet")
_NORM_BEFORE_RELU: tuple[NetworkName, ...] = ("resnet20",)

LayerName = Literal[
    "convolution", "locally_connected", "max_pooling", "average_pooling", "all"
]
"""Layers of `layers` that Flax's own can take the place of."""

FIRST_NORM = "norm1"
"""The name of the first norm in every network; the names of all begin with "norm"."""


def make_network(
    name: NetworkName,
    *,
    norm: "Norm",
    num_classes: int,
    norm_before_relu: bool = False,
    dropout_rate: float = 0.0,
    dtype: str = "float32",
) -> "nn.Module":
    """Returns a network.

    It is applied to images (batch, height, width, channels), with `train`, and returns
    logits (batch, classes).

    Raises:
      UserError: If there is a dropout rate and the network has no dropout, or norms are
        to be moved before the relu and are there.
    """
    file, class_name, options = _NETWORKS[name]
    if norm_before_relu:
        if name in _NORM_BEFORE_RELU:
            raise UserError(
                f"`norms` must differ in {name}, whose norms stand before the relu, "
                "but got batch_norm_before_relu. Take batch_norm, which is the same."
            )
        options = {**options, "norm_before_relu": True}
    if name in WITH_DROPOUT:
        options = {**options, "dropout_rate": dropout_rate}
    elif dropout_rate:
        raise UserError(
            f"`dropout-rate` must be 0 for {name}, which has no dropout, but "
            f"got {dropout_rate}. Add --dropout-rate 0, or take "
            f"{' or '.join(WITH_DROPOUT)}."
        )
    network = getattr(import_module(f".{file}", __name__), class_name)
    return network(norm=norm, num_classes=num_classes, dtype=dtype, **options)
