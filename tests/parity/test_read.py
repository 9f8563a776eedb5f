"""Networks that the package onnx ships: layers found, activations as onnxruntime's."""

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from lrn_jax import conventions, lrn

from . import grid

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
NETWORKS: dict[str, Any] = {  # the preset, and the shapes of the inputs
    "bvlc_alexnet": (conventions.caffe_alexnet, [(1, 96, 54, 54), (1, 256, 26, 26)]),
    "inception_v1": (conventions.caffe_alexnet, [(1, 64, 55, 55), (1, 192, 55, 55)]),
    "zfnet512": (
        conventions.alexnet_as_printed,
        [(1, 96, 109, 109), (1, 256, 25, 25)],
    ),
}


@pytest.mark.parametrize("network", NETWORKS)
def test_layers(network):
    preset, shapes = NETWORKS[network]
    layers = conventions.read(LIGHT / f"light_{network}.onnx")
    assert [layer.input_shape for layer in layers] == shapes
    assert [layer.arguments for layer in layers] == [preset(axis=1)] * len(shapes)


@pytest.mark.parametrize("network", ["densenet121", "resnet50", "vgg19"])
def test_networks_without_a_layer(network):
    assert conventions.read(LIGHT / f"light_{network}.onnx") == []


@pytest.mark.parametrize("network", NETWORKS)
def test_activations(network):
    path = LIGHT / f"light_{network}.onnx"
    model = onnx.load(path)
    # All weights are one number: random ones tell the channels apart.
    shapes = {each.name: each for each in model.graph.initializer}
    for seed, node in enumerate(model.graph.node):
        if node.op_type == "ConstantOfShape":
            shape = onnx.numpy_helper.to_array(shapes[node.input[0]])
            if len(shape) == 4:
                numbers = {
                    "scale": 1 / np.sqrt(np.prod(shape[1:])),
                    "seed": float(seed),
                }
                random = onnx.helper.make_node(
                    "RandomNormal", [], node.output, shape=shape, **numbers
                )
                node.CopyFrom(random)
    ends = [
        name
        for node in model.graph.node
        if node.op_type == "LRN"
        for name in (node.input[0], node.output[0])
    ]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in ends)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (image,) = session.get_inputs()
    # As large as activations of AlexNet, so that alpha matters.
    images = 300 * grid.normal(image.shape).astype(np.float32)
    found = session.run(ends, {image.name: images})
    layers = conventions.read(path)
    for layer, x, peer_y in zip(layers, found[::2], found[1::2], strict=True):
        arguments: Any = layer.arguments
        y = lrn(jnp.asarray(x), **arguments)
        # It adds and subtracts as it goes along the channels: the error is its own.
        np.testing.assert_allclose(y, peer_y, rtol=1e-4)
        wrong = arguments | {"alpha": 5 * arguments["alpha"]}
        assert np.max(np.abs(lrn(jnp.asarray(x), **wrong) - peer_y)) > 10
