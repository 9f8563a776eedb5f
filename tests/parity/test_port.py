"""Whole networks: PyTorch's with random weights, and ours with the same weights."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import save_file

from experiments.models import from_torch
from experiments.models.alexnet import AlexNet
from experiments.models.googlenet import GoogLeNetStem
from lrn_jax import conventions
from lrn_jax.linen import LocalResponseNorm

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

# On activations of size 1 to 10, as they are here, an alpha of 1e-4 would do nothing.
NORM = {"size": 5, "alpha": 2.0, "beta": 0.75, "k": 1.5}

# Relative to the largest element. Each layer adds up to 2400 products, in an order that
# is not the same on both sides: measured, that makes 3e-6 and 2e-14.
TOLERANCES = {"float32": 1e-5, "float64": 1e-10}

# With these numbers no input of a ReLU is within 5e-6 of zero, relative to the largest,
# and no two candidates in a pooling are that close to each other. Where rounding could
# decide such a tie, one gradient would go elsewhere, and that is no small error.
SEED = 186


def torch_norm():
    return torch.nn.LocalResponseNorm(**NORM)


def torch_pool(stride=2, padding=0):
    return torch.nn.MaxPool2d(3, stride, padding, ceil_mode=True)


def torch_alexnet(order):
    conv, relu = torch.nn.Conv2d, torch.nn.ReLU
    make = {"norm": torch_norm, "pool": torch_pool}
    return torch.nn.Sequential(
        OrderedDict(
            conv1=conv(3, 96, 11, 4),
            relu1=relu(),
            **{f"{layer}1": make[layer]() for layer in order},
            conv2=conv(96, 256, 5, padding=2, groups=2),
            relu2=relu(),
            **{f"{layer}2": make[layer]() for layer in order},
            conv3=conv(256, 384, 3, padding=1),
            relu3=relu(),
            conv4=conv(384, 384, 3, padding=1, groups=2),
            relu4=relu(),
            conv5=conv(384, 256, 3, padding=1, groups=2),
            relu5=relu(),
            pool5=torch_pool(),
            flatten=torch.nn.Flatten(),
            fc6=torch.nn.Linear(256 * 2 * 3, 40),
            relu6=relu(),
            drop6=torch.nn.Dropout(0.5),
            fc7=torch.nn.Linear(40, 40),
            relu7=relu(),
            drop7=torch.nn.Dropout(0.5),
            fc8=torch.nn.Linear(40, 10),
        )
    )


class TorchInception(torch.nn.ModuleDict):
    def __init__(self):
        conv = torch.nn.Conv2d
        convolutions = {
            "1x1": conv(192, 64, 1),
            "3x3_reduce": conv(192, 96, 1),
            "3x3": conv(96, 128, 3, padding=1),
            "5x5_reduce": conv(192, 16, 1),
            "5x5": conv(16, 32, 5, padding=2),
            "pool_proj": conv(192, 32, 1),
        }
        activations = {f"relu_{name}": torch.nn.ReLU() for name in convolutions}
        pool = {"pool": torch_pool(stride=1, padding=1)}
        super().__init__(convolutions | activations | pool)

    def forward(self, x):
        def conv(name, x):
            return self[f"relu_{name}"](self[name](x))

        branches = [
            conv("1x1", x),
            conv("3x3", conv("3x3_reduce", x)),
            conv("5x5", conv("5x5_reduce", x)),
            conv("pool_proj", self["pool"](x)),
        ]
        return torch.cat(branches, 1)


def torch_stem():
    conv, relu = torch.nn.Conv2d, torch.nn.ReLU
    return torch.nn.Sequential(
        OrderedDict(
            conv1=conv(3, 64, 7, 2, padding=3),
            relu1=relu(),
            pool1=torch_pool(),
            norm1=torch_norm(),
            conv2_reduce=conv(64, 64, 1),
            relu2_reduce=relu(),
            conv2=conv(64, 192, 3, padding=1),
            relu2=relu(),
            norm2=torch_norm(),
            pool2=torch_pool(),
            inception_3a=TorchInception(),
        )
    )


@dataclass(frozen=True)
class Network:
    """The same network twice, and a size of images.

    They are not square, and so small that poolings cut off their last window.
    """

    peer: Callable[[], Any]
    model: nn.Module
    size: tuple[int, int]
    flattened: Mapping[str, int] = field(default_factory=dict)


def alexnet(*order):
    """AlexNet for images of which 2 x 3 positions are left when they are flattened."""
    model = AlexNet(order=order, num_classes=10, num_hidden=40)
    peer = partial(torch_alexnet, order)
    return Network(peer, model, (71, 103), AlexNet.FLATTENED)


NETWORKS = {
    "bvlc_alexnet": alexnet("norm", "pool"),
    "caffenet": alexnet("pool", "norm"),
    "googlenet_stem": Network(torch_stem, GoogLeNetStem(), (47, 35)),
}


@dataclass(frozen=True)
class Port:
    """A network in PyTorch, and what it computes, channels last."""

    network: Network
    images: np.ndarray
    weights: Path
    activations: dict[str, np.ndarray]
    gradients: Path  # in the format of `weights`
    images_gradient: np.ndarray


def run_torch(network: Network, dtype: str, directory: Path) -> Port:
    random = np.random.default_rng(SEED)

    def normal(scale, shape):
        return torch.from_numpy((scale * random.standard_normal(shape)).astype(dtype))

    def channels_last(x):
        return np.moveaxis(x.detach().numpy(), 1, -1)

    peer = network.peer().to(getattr(torch, dtype)).eval()
    for parameter in peer.parameters():
        shape = tuple(parameter.shape)
        # Each layer makes activations about three times as large: the second norm would
        # have little to do after the first one otherwise.
        scale = 0.1 if len(shape) == 1 else 4 / np.prod(shape[1:]) ** 0.5
        parameter.data = normal(scale, shape)
    images = normal(3.0, (1, 3, *network.size)).requires_grad_()

    activations = {}

    def keep(name, module, inputs, output):
        del module, inputs
        activations[name] = channels_last(output)

    for name, module in peer.named_modules():
        if name:  # the network itself has none
            module.register_forward_hook(partial(keep, name))
    loss = (peer(images) ** 2).sum()
    loss.backward()
    if "flatten" in activations:  # in the order of an array with channels last
        activations["flatten"] = activations["pool5"].reshape(len(images), -1)

    def save(name, tensors):
        path = directory / f"{name}.safetensors"
        save_file({k: np.ascontiguousarray(t) for k, t in tensors.items()}, path)
        return path

    parameters = dict(peer.named_parameters())
    return Port(
        network,
        channels_last(images),
        save("weights", {k: p.detach().numpy() for k, p in parameters.items()}),
        activations,
        save("gradients", {k: p.grad.numpy() for k, p in parameters.items()}),
        channels_last(images.grad),
    )


def by_torch_name(kept: Mapping, prefix: str = "") -> dict[str, Any]:
    """Our activations by the names that PyTorch's have."""
    named = {prefix + name: y for name, y in kept["activations"].items()}
    for block in kept.keys() - {"activations"}:
        named |= by_torch_name(kept[block], f"{prefix}{block}.")
    return named


class Ours:
    """Our network with the weights of PyTorch's, or with a mistake in the port."""

    def __init__(self, port: Port, *, norm=None, flattened=None, **fields):
        arguments = conventions.torch(**NORM) | {"axis": -1} | (norm or {})
        self.images = jnp.asarray(port.images)
        self.model = port.network.model.clone(
            norm=partial(LocalResponseNorm, **arguments),
            param_dtype=self.images.dtype,
            **fields,
        )
        self.flattened = port.network.flattened if flattened is None else flattened
        self.params = self.load(port.weights)

    def load(self, path: Path):
        variables = jax.eval_shape(self.model.init, jax.random.key(0), self.images)
        return from_torch.load(path, variables["params"], flattened=self.flattened)

    def loss(self, params, images):
        y, kept = self.model.apply({"params": params}, images, mutable="intermediates")
        return jnp.sum(jnp.square(y)), by_torch_name(kept["intermediates"])

    def activations(self):
        return jax.jit(self.loss)(self.params, self.images)[1]

    def gradients_and_activations(self):
        gradients = jax.grad(self.loss, argnums=(0, 1), has_aux=True)
        return jax.jit(gradients)(self.params, self.images)


def error(actual, desired) -> float:
    """Largest difference, relative to the largest element."""
    assert actual.shape == desired.shape
    assert actual.dtype == desired.dtype
    return float(np.max(np.abs(actual - desired)) / np.max(np.abs(desired)))


@pytest.fixture(scope="module", params=NETWORKS)
def network(request):
    return NETWORKS[request.param]


@pytest.fixture(scope="module")
def port(network, tmp_path_factory):
    return run_torch(network, "float32", tmp_path_factory.mktemp("port"))


def assert_same_activations_and_gradients(port: Port, tolerance: float):
    ours = Ours(port)
    gradients, activations = ours.gradients_and_activations()
    assert set(activations) == set(port.activations)
    errors = {name: error(activations[name], y) for name, y in port.activations.items()}
    desired = ours.load(port.gradients), port.images_gradient
    errors |= {
        f"gradient{jax.tree_util.keystr(path)}": value
        for path, value in jax.tree.leaves_with_path(
            jax.tree.map(error, gradients, desired)
        )
    }
    assert {name: e for name, e in errors.items() if not e <= tolerance} == {}


def test_float32(port):
    assert_same_activations_and_gradients(port, TOLERANCES["float32"])


@pytest.mark.usefixtures("x64")
def test_float64(network, tmp_path):
    port = run_torch(network, "float64", tmp_path)
    assert_same_activations_and_gradients(port, TOLERANCES["float64"])


@pytest.mark.parametrize("norm", ["norm1", "norm2"])
def test_norms_act(port, norm):
    """Without that, everything above would pass with any norm."""
    layers = list(port.activations)
    x = port.activations[layers[layers.index(norm) - 1]]
    factors = port.activations[norm][x > 0] / x[x > 0]
    assert np.max(factors) > 2 * np.min(factors)


def final_error(port: Port, **mistake) -> float:
    *_, last = port.activations
    return error(Ours(port, **mistake).activations()[last], port.activations[last])


alexnets = pytest.mark.parametrize(
    "network", ["bvlc_alexnet", "caffenet"], indirect=True, scope="module"
)


def test_an_alpha_that_is_not_divided_is_seen(port):
    assert final_error(port, norm={"alpha": NORM["alpha"]}) > 1e-3


@alexnets
def test_another_order_of_layers_is_seen(port):
    assert final_error(port, order=port.network.model.order[::-1]) > 1e-3


@alexnets
def test_another_order_of_flattening_is_seen(port):
    assert final_error(port, flattened={}) > 1e-3
