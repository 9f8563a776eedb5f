"""Networks, one a file; the norm is an argument of each."""

from collections.abc import Callable
from functools import partial

import flax.linen as nn

from ..config.config import NetworkName, Recipe
from ..terminal.errors import UserError
from .alexnet import AlexNet
from .article import ArticleCNN
from .caffe_cifar10 import CaffeCIFAR10
from .conv_local import ConvLocal
from .norms import Norm
from .resnet import ResNet20
from .tf_tutorial import TFTutorial

FIRST_NORM = "norm1"
"""What every network calls its first norm; the names of all begin with "norm"."""

_NETWORKS: dict[NetworkName, Callable[..., nn.Module]] = {
    "article": ArticleCNN,
    "caffe_quick": partial(CaffeCIFAR10, num_hidden=64),
    "caffe_full": partial(CaffeCIFAR10, num_hidden=None),
    "conv_local": partial(ConvLocal, num_local=32),
    "conv_local_wide": partial(ConvLocal, num_local=64),
    "tf_tutorial": TFTutorial,
    "alexnet": AlexNet,
    "resnet20": ResNet20,
}
_WITH_DROPOUT: tuple[NetworkName, ...] = ("article", "alexnet")


def make_network(recipe: Recipe, norm: Norm, num_classes: int) -> nn.Module:
    """Returns the network of a recipe.

    It is applied to images (batch, height, width, channels), with `train`, and returns
    logits (batch, classes).

    Raises:
      UserError: If the recipe wants dropout in a network that has no place for it.
    """
    options = {"norm": norm, "num_classes": num_classes, "dtype": recipe.dtype}
    if recipe.network in _WITH_DROPOUT:
        options["dropout_rate"] = recipe.dropout_rate
    elif recipe.dropout_rate:
        raise UserError(
            f"`dropout-rate` must be 0 for {recipe.network}, which has no dropout, but "
            f"got {recipe.dropout_rate}. It is for {' and '.join(_WITH_DROPOUT)}."
        )
    return _NETWORKS[recipe.network](**options)
