"""The networks and the norms again, in PyTorch. Imported only where that is installed.

Layers have the names that they have in Flax, and so do their parameters, but for what
PyTorch calls all of them: ``conv1.weight`` is ``conv1/kernel``.
"""

# pyright: reportMissingImports=false

from collections import OrderedDict
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from experiments.config.recipe import NormName, Recipe
from experiments.models import NetworkName

# Makes a norm for so many channels.
Norm = Callable[[int], nn.Module]


class _Within(nn.Module):
    """LRN within each channel, as PyTorch can say it."""

    def __init__(self, size: int, alpha: float, beta: float):
        super().__init__()
        self.size, self.alpha, self.beta = size, alpha, beta

    def forward(self, x: Tensor) -> Tensor:
        mean = functional.avg_pool2d(x * x, self.size, stride=1, padding=self.size // 2)
        return x / (1 + self.alpha * mean) ** self.beta


class _WholeMap(nn.Module):
    def __init__(self, a: float, b: float):
        super().__init__()
        self.a, self.b = a, b

    def forward(self, x: Tensor) -> Tensor:
        energy = (x * x).sum(dim=(2, 3), keepdim=True)
        return x / torch.sqrt(self.a + self.b * energy)


class _RMSNorm(nn.Module):
    """Over the channels of each position."""

    def __init__(self, channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        square = (x * x).mean(dim=1, keepdim=True)
        return x * torch.rsqrt(square + 1e-6) * self.weight


def _lrn(recipe: Recipe) -> nn.Module:
    size = 2 * recipe.lrn.depth_radius + 1
    return nn.LocalResponseNorm(
        size,
        alpha=recipe.lrn.alpha * size,  # PyTorch's multiplies the mean
        beta=recipe.lrn.beta,
        k=recipe.lrn.bias,
    )


def _batch_norm(channels: int) -> nn.Module:
    return nn.BatchNorm2d(channels, eps=1e-5, momentum=0.1)


def make_norm(recipe: Recipe, norm: NormName) -> Norm | None:
    """Returns the constructor of an arm's norm layers; None without a twin here."""
    within, whole = recipe.lrn_within, recipe.whole_map
    norms: dict[NormName, Norm] = {
        "none": lambda channels: nn.Identity(),
        "lrn": lambda channels: _lrn(recipe),
        "lrn_within": lambda channels: _Within(within.size, within.alpha, within.beta),
        "whole_map": lambda channels: _WholeMap(whole.a, whole.b),
        "batch_norm": _batch_norm,
        "lrn_batch_norm": lambda channels: nn.Sequential(
            _lrn(recipe), _batch_norm(channels)
        ),
        "layer_norm": lambda channels: nn.GroupNorm(1, channels, eps=1e-6),
        "group_norm": lambda channels: nn.GroupNorm(
            channels // recipe.group_size, channels, eps=1e-6
        ),
        "rms_norm": _RMSNorm,
    }
    return norms.get(norm)


def _sequential(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


# Windows as Caffe places them, and as "SAME" does where the image has an even length.
_max_pool = partial(nn.MaxPool2d, 3, 2, ceil_mode=True)
_average_pool = partial(nn.AvgPool2d, 3, 2, ceil_mode=True, count_include_pad=False)


def _article(recipe: Recipe, norm: Norm) -> nn.Module:
    return _sequential(
        conv=nn.Conv2d(1, 32, 3),
        relu=nn.ReLU(),
        norm1=norm(32),
        pool=nn.MaxPool2d(2),
        flatten=nn.Flatten(),
        hidden=nn.Linear(13 * 13 * 32, 64),
        relu_hidden=nn.ReLU(),
        dropout=nn.Dropout(recipe.dropout_rate),
        logits=nn.Linear(64, 10),
    )


def _caffe_cifar10(recipe: Recipe, norm: Norm, *, hidden: bool) -> nn.Module:
    del recipe
    flat = 4 * 4 * 64
    dense = (
        {"ip1": nn.Linear(flat, 64), "ip2": nn.Linear(64, 10)}
        if hidden
        else {"ip1": nn.Linear(flat, 10)}
    )
    return _sequential(
        conv1=nn.Conv2d(3, 32, 5, padding=2),
        pool1=_max_pool(),
        relu1=nn.ReLU(),
        norm1=norm(32),
        conv2=nn.Conv2d(32, 32, 5, padding=2),
        relu2=nn.ReLU(),
        pool2=_average_pool(),
        norm2=norm(32),
        conv3=nn.Conv2d(32, 64, 5, padding=2),
        relu3=nn.ReLU(),
        pool3=_average_pool(),
        flatten=nn.Flatten(),
        **dense,
    )


def _two_convolutions(norm: Norm) -> dict[str, nn.Module]:
    """The first layers of cuda-convnet's networks, and of TensorFlow's after them."""
    return {
        "conv1": nn.Conv2d(3, 64, 5, padding=2),
        "relu1": nn.ReLU(),
        "pool1": _max_pool(),
        "norm1": norm(64),
        "conv2": nn.Conv2d(64, 64, 5, padding=2),
        "relu2": nn.ReLU(),
        "norm2": norm(64),
        "pool2": _max_pool(),
    }


class _LocallyConnected(nn.Module):
    """Filters of their own at each of 6x6 positions."""

    def __init__(self, channels: int, features: int):
        super().__init__()
        kernel = 0.04 * torch.randn(36, channels * 9, features)
        self.weight = nn.Parameter(kernel)
        self.bias = nn.Parameter(torch.zeros(36, features))

    def forward(self, x: Tensor) -> Tensor:
        patches = functional.unfold(x, 3, padding=1)
        y = torch.einsum("nkp,pkf->nfp", patches, self.weight)
        return (y + self.bias.T).unflatten(2, (6, 6))


def _conv_local(recipe: Recipe, norm: Norm, *, num_local: int) -> nn.Module:
    del recipe
    return _sequential(
        **_two_convolutions(norm),
        local3=_LocallyConnected(64, num_local),
        relu3=nn.ReLU(),
        local4=_LocallyConnected(num_local, 32),
        relu4=nn.ReLU(),
        flatten=nn.Flatten(),
        fc=nn.Linear(6 * 6 * 32, 10),
    )


def _tf_tutorial(recipe: Recipe, norm: Norm) -> nn.Module:
    del recipe
    return _sequential(
        **_two_convolutions(norm),
        flatten=nn.Flatten(),
        fc3=nn.Linear(6 * 6 * 64, 384),
        relu3=nn.ReLU(),
        fc4=nn.Linear(384, 192),
        relu4=nn.ReLU(),
        logits=nn.Linear(192, 10),
    )


def _alexnet(recipe: Recipe, norm: Norm) -> nn.Module:
    return _sequential(
        conv1=nn.Conv2d(3, 96, 11, stride=4),
        relu1=nn.ReLU(),
        norm1=norm(96),
        pool1=_max_pool(),
        conv2=nn.Conv2d(96, 256, 5, padding=2, groups=2),
        relu2=nn.ReLU(),
        norm2=norm(256),
        pool2=_max_pool(),
        conv3=nn.Conv2d(256, 384, 3, padding=1),
        relu3=nn.ReLU(),
        conv4=nn.Conv2d(384, 384, 3, padding=1, groups=2),
        relu4=nn.ReLU(),
        conv5=nn.Conv2d(384, 256, 3, padding=1, groups=2),
        relu5=nn.ReLU(),
        pool5=_max_pool(),
        flatten=nn.Flatten(),
        fc6=nn.Linear(6 * 6 * 256, 4096),
        relu6=nn.ReLU(),
        drop6=nn.Dropout(recipe.dropout_rate),
        fc7=nn.Linear(4096, 4096),
        relu7=nn.ReLU(),
        drop7=nn.Dropout(recipe.dropout_rate),
        fc8=nn.Linear(4096, 10),
    )


class _ResNet20(nn.Module):
    def __init__(self, recipe: Recipe, norm: Norm):
        super().__init__()
        del recipe
        strides = [1] + 3 * [1, 1] + [2, 1] + 2 * [1, 1] + [2, 1] + 2 * [1, 1]
        widths = [3] + 7 * [16] + 6 * [32] + 6 * [64]
        for i, stride in enumerate(strides):
            conv = nn.Conv2d(widths[i], widths[i + 1], 3, stride, padding=1)
            self.add_module(f"conv{i + 1}", conv)
            self.add_module(f"norm{i + 1}", norm(widths[i + 1]))
        self.logits = nn.Linear(64, 10)

    def _conv_and_norm(self, number: int, x: Tensor) -> Tensor:
        return self.get_submodule(f"norm{number}")(
            self.get_submodule(f"conv{number}")(x)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self._conv_and_norm(1, x))
        for number in range(2, 20, 2):
            y = functional.relu(self._conv_and_norm(number, x))
            y = self._conv_and_norm(number + 1, y)
            stride, more = x.shape[2] // y.shape[2], y.shape[1] - x.shape[1]
            shortcut = x[:, :, ::stride, ::stride]
            x = functional.relu(y + functional.pad(shortcut, (0, 0, 0, 0, 0, more)))
        return self.logits(x.mean(dim=(2, 3)))


_NETWORKS: dict[NetworkName, Callable[[Recipe, Norm], nn.Module]] = {
    "article": _article,
    "caffe_quick": partial(_caffe_cifar10, hidden=True),
    "caffe_full": partial(_caffe_cifar10, hidden=False),
    "conv_local": partial(_conv_local, num_local=32),
    "conv_local_wide": partial(_conv_local, num_local=64),
    "tf_tutorial": _tf_tutorial,
    "alexnet": _alexnet,
    "resnet20": _ResNet20,
}


def make_network(recipe: Recipe, norm: NormName) -> nn.Module | None:
    """Returns the network of an arm, for images of the recipe's size in 10 classes.

    None where PyTorch has no layer for its norm.
    """
    make = make_norm(recipe, norm)
    return None if make is None else _NETWORKS[recipe.network](recipe, make)
