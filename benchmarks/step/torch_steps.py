"""The training step of an arm in PyTorch. Imported only where that is installed."""

# pyright: reportMissingImports=false

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from experiments.config.config import NormName, Recipe
from experiments.training import optimizer

from .torch_networks import make_network

FORMATS: dict[str, torch.memory_format] = {
    "torch NCHW": torch.contiguous_format,
    "torch NHWC": torch.channels_last,
}
"""Layouts of images in memory, by the name of the contender; the first is default."""

_NAMES = {"weight": "kernel", "bias": "bias"}


def _groups(recipe: Recipe, network: nn.Module) -> list[dict[str, Any]]:
    """Returns the parameters, together where weight decay and learning rate agree."""
    parameters: dict[str, dict[str, nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        layer, _, kind = name.rpartition(".")
        parameters.setdefault(layer, {})[_NAMES[kind]] = parameter
    decays, multiples = optimizer.factors(recipe, parameters)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for layer, kinds in parameters.items():
        for kind, parameter in kinds.items():
            key = (decays[layer][kind], multiples[layer][kind])
            groups.setdefault(key, []).append(parameter)
    return [
        {"params": each, "weight_decay": decay, "lr": recipe.learning_rate * multiple}
        for (decay, multiple), each in groups.items()
    ]


def set_threads(number: int) -> None:
    """Sets the number of threads that compute."""
    torch.set_num_threads(number)


def make_step(
    recipe: Recipe, norm: NormName, library: str, shape: tuple[int, ...]
) -> Callable[[], object] | None:
    """Returns a function that takes one step, on prepared and cropped images.

    Args:
      recipe: What is trained.
      norm: With which norm.
      library: One of `FORMATS`.
      shape: Height, width and colors of the images.

    Returns:
      The step, or None where PyTorch has no layer for the norm.
    """
    network = make_network(recipe, norm)
    if network is None:
        return None
    network = network.to(memory_format=FORMATS[library])  # pyright: ignore
    height, width, colors = shape
    images = torch.randn(recipe.batch_size, colors, height, width)
    images = images.contiguous(memory_format=FORMATS[library])
    labels = torch.randint(0, 10, (recipe.batch_size,))
    groups = _groups(recipe, network)
    if recipe.optimizer == "adam":
        trainer: torch.optim.Optimizer = torch.optim.Adam(groups, fused=True)
    else:
        trainer = torch.optim.SGD(groups, momentum=recipe.momentum, fused=True)

    def step() -> object:
        trainer.zero_grad()
        loss = functional.cross_entropy(network(images), labels)
        loss.backward()
        trainer.step()
        return loss.item()

    return step
