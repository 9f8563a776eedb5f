"""PyTorch: the networks of `benchmarks.step`, with the same weights as in Flax."""

import json
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import __main__ as command_line
from benchmarks import run
from benchmarks.options import available_threads
from benchmarks.step import measure
from experiments.config.arms import ARMS
from experiments.config.recipe import LRNHyperparameters, LRNWithinHyperparameters
from experiments.config.recipes import PRESETS
from experiments.models import make_network
from experiments.models.norms import NormLayer

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from benchmarks.step import torch_networks, torch_steps  # noqa: E402

WITHOUT_TWIN = ("divisive", "scaled", "batch_norm_before_relu")
TWINS = [norm for norm in ARMS if norm not in WITHOUT_TWIN]
CASES = [("article", norm) for norm in TWINS] + [
    (network, norm)
    for network in torch_networks._NETWORKS
    for norm in ("lrn", "batch_norm")
    if network != "article"
]
# Channels before the flattening, which PyTorch has first and Flax last.
FLATTENED = {"hidden": 32, "ip1": 64, "fc": 32, "fc3": 64, "fc6": 256}


def recipe_of(network):
    """Returns a recipe in which norms do something, with other than default numbers."""
    preset = PRESETS["conv_local" if network == "conv_local_wide" else network]
    return replace(
        preset.recipe,
        network=network,
        lrn=LRNHyperparameters(depth_radius=3, bias=1.5, alpha=0.5, beta=0.6),
        lrn_within=LRNWithinHyperparameters(size=5, alpha=0.7, beta=0.8),
        group_size=4,
    )


def images_of(recipe):
    size, colors = (28, 1) if recipe.network == "article" else (recipe.crop or 32, 3)
    random = np.random.default_rng(0)
    return random.standard_normal((2, size, size, colors)).astype(np.float32)


def in_flax(layer, kind, weight, channels):
    """Returns a parameter as Flax has it."""
    if layer.startswith("norm"):
        return weight.reshape(-1)
    if layer.startswith("local"):
        return weight.reshape(6, 6, *weight.shape[1:])
    if kind == "bias":
        return weight
    if channels is not None:
        by_channel = weight.reshape(len(weight), channels, -1)
        weight = by_channel.swapaxes(1, 2).reshape(len(weight), -1)
    return np.moveaxis(weight, (0, 1), (-1, -2))


def ported(peer, params):
    """Returns Flax's parameters with the values of PyTorch's."""
    flat = {}
    for name, parameter in peer.named_parameters():
        path, _, kind = name.rpartition(".")
        layer = path.partition(".")[0]
        value = parameter.detach().numpy()
        flat[layer, kind] = in_flax(layer, kind, value, FLATTENED.get(layer))

    def find(entries, leaf):
        layer, name = entries[0].key, entries[-1].key
        value = flat.pop((layer, "bias" if name == "bias" else "weight"))
        assert value.shape == leaf.shape
        return jnp.asarray(value)

    found = jax.tree.map_with_path(find, params)
    assert not flat  # PyTorch's has no others
    return found


@pytest.mark.parametrize(("network", "norm"), CASES)
def test_networks_are_the_same(network, norm):
    recipe = recipe_of(network)
    torch.manual_seed(0)
    peer = torch_networks.make_network(recipe, norm)
    assert peer is not None
    with torch.no_grad():
        for parameter in peer.parameters():
            parameter.add_(0.02 * torch.randn(parameter.shape))
    peer.eval()
    images = images_of(recipe)
    expected = peer(torch.from_numpy(images).permute(0, 3, 1, 2)).detach().numpy()

    made_of = ARMS[norm].layers(recipe, False)
    ours = make_network(
        recipe.network, norm=lambda name: NormLayer(made_of, name=name), num_classes=10
    )
    shapes: Any = jax.eval_shape(
        lambda: ours.init(jax.random.key(0), images, train=False)
    )
    statistics = {
        name: jax.tree.map_with_path(
            lambda path, leaf: jnp.full(leaf.shape, float(path[-1].key == "var")), tree
        )
        for name, tree in shapes.items()
        if name != "params"
    }
    variables = {"params": ported(peer, shapes["params"]), **statistics}
    found = jax.jit(lambda v, x: ours.apply(v, x, train=False))(variables, images)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5 * scale)


@pytest.mark.parametrize("norm", WITHOUT_TWIN)
def test_arms_without_a_twin_are_left_out(norm):
    assert torch_networks.make_network(recipe_of("article"), norm) is None


@pytest.mark.parametrize("layout", torch_steps.FORMATS)
def test_steps_train_with_the_rates_and_decays_of_the_recipe(layout):
    recipe = replace(recipe_of("caffe_full"), batch_size=2)
    network = torch_networks.make_network(recipe, "batch_norm")
    assert network is not None
    names = {id(each): name for name, each in network.named_parameters()}
    numbers = {
        names[id(each)]: (group["weight_decay"], group["lr"] / recipe.learning_rate)
        for group in torch_steps._groups(recipe, network)
        for each in group["params"]
    }
    assert numbers["conv1.weight"] == (0.004, 1)
    assert numbers["conv2.bias"] == (0.004, 2)
    assert numbers["conv3.bias"] == (0.004, 1)
    assert numbers["ip1.weight"] == (1, 1)
    assert numbers["ip1.bias"] == (0, 2)
    assert numbers["norm1.weight"][0] == numbers["norm2.bias"][0] == 0
    assert len(numbers) == len(names)

    step = torch_steps.make_step(recipe, "batch_norm", layout, (32, 32, 3))
    assert step is not None
    first, *_, last = [step() for _ in range(20)]
    assert last < first  # pyright: ignore[reportOperatorIssue]


def test_steps_take_turns_with_ours(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(run, "settle", lambda options: "as it was")
    monkeypatch.setattr(measure, "_TURN_SECONDS", 0.0)
    file = tmp_path / "step.jsonl"
    arguments = ["step", "article", "--norms", "divisive", "lrn", "--rounds", "1"]
    arguments += ["--batch-size", "2", "--threads", str(available_threads())]
    assert command_line.main([*arguments, "--output", str(file)]) == 0
    assert " PyTorch NCHW  PyTorch NHWC  ratio to the faster" in capsys.readouterr().out
    about, *records = map(json.loads, file.read_text().splitlines())
    assert about["environment"]["versions"]["torch"] == torch.__version__
    assert torch.get_num_threads() == about["threads"]
    assert [(each["norm"], each["contender"]) for each in records] == [
        ("divisive", "jax"),
        *(("lrn", contender) for contender in ("jax", *torch_steps.FORMATS)),
    ]
