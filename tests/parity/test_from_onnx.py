"""Networks in ONNX, run by onnxruntime, and ours with the weights of the same file."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from experiments.models import from_onnx
from experiments.models.alexnet import AlexNet
from experiments.models.googlenet import GoogLeNetStem
from lrn_jax import conventions
from lrn_jax.linen import LocalResponseNorm

onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

# On activations of size 1 to 50, an alpha of 1e-4 would do nothing. One of 2 makes the
# sum that onnxruntime slides along the channels wrong by 4e-5.
NORM: dict[str, Any] = {"size": 5, "alpha": 0.1, "beta": 0.75, "bias": 1.5}


class Graph:
    """A graph in which each layer gives its result the layer's name."""

    def __init__(self):
        self.random = np.random.default_rng(0)
        self.nodes, self.arrays, self.names = [], [], []

    def add(self, operator, name, *inputs, **attributes):
        self.nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        self.names.append(name)
        return name

    def _array(self, scale, shape):
        name = f"array{len(self.arrays)}"
        array = (scale * self.random.standard_normal(shape)).astype(np.float32)
        self.arrays.append(numpy_helper.from_array(array, name))
        return name

    def dense(self, name, x, operator, shape, **attributes):
        scale = 4 / np.prod(shape[1:]) ** 0.5
        arrays = self._array(scale, shape), self._array(0.1, shape[0])
        y = self.add(operator, name, x, *arrays, **attributes)
        return self.add("Relu", f"relu_{name}", y)

    def conv(self, name, x, shape, stride=1, **attributes):
        pad = attributes.pop("pad", 0)
        given = {"strides": [stride] * 2, "pads": [pad] * 4, **attributes}
        return self.dense(name, x, "Conv", shape, **given)

    def pool(self, name, x, stride=2, pad=0):
        given = {"strides": [stride] * 2, "pads": [pad] * 4, "ceil_mode": 1}
        return self.add("MaxPool", name, x, kernel_shape=[3, 3], **given)

    def save(self, path):
        def values(names, shape=None):
            return [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
                for name in names
            ]

        graph = helper.make_graph(
            self.nodes, "network", values(["images"]), values(self.names), self.arrays
        )
        opset = helper.make_opsetid("", 17)
        path.write_bytes(
            helper.make_model(
                graph, opset_imports=[opset], ir_version=9
            ).SerializeToString()
        )


def alexnet():
    graph = Graph()
    x = graph.conv("conv1", "images", (96, 3, 11, 11), stride=4)
    x = graph.pool("pool1", graph.add("LRN", "norm1", x, **NORM))
    x = graph.conv("conv2", x, (256, 48, 5, 5), pad=2, group=2)
    x = graph.pool("pool2", graph.add("LRN", "norm2", x, **NORM))
    x = graph.conv("conv3", x, (384, 256, 3, 3), pad=1)
    x = graph.conv("conv4", x, (384, 192, 3, 3), pad=1, group=2)
    x = graph.conv("conv5", x, (256, 192, 3, 3), pad=1, group=2)
    x = graph.add("Flatten", "flat", graph.pool("pool5", x))
    for name, shape in {"fc6": (40, 1536), "fc7": (40, 40), "fc8": (10, 40)}.items():
        x = graph.dense(name, x, "Gemm", shape, transB=1)
    return graph


def googlenet():
    graph = Graph()
    x = graph.pool("pool1", graph.conv("conv1", "images", (64, 3, 7, 7), 2, pad=3))
    x = graph.conv("conv2_reduce", graph.add("LRN", "norm1", x, **NORM), (64, 64, 1, 1))
    x = graph.conv("conv2", x, (192, 64, 3, 3), pad=1)
    x = graph.pool("pool2", graph.add("LRN", "norm2", x, **NORM))
    y1 = graph.conv("1x1", x, (64, 192, 1, 1))
    y3 = graph.conv("3x3_reduce", x, (96, 192, 1, 1))
    y3 = graph.conv("3x3", y3, (128, 96, 3, 3), pad=1)
    y5 = graph.conv("5x5_reduce", x, (16, 192, 1, 1))
    y5 = graph.conv("5x5", y5, (32, 16, 5, 5), pad=2)
    pool = graph.pool("pool", x, 1, pad=1)
    pool = graph.conv("pool_proj", pool, (32, 192, 1, 1))
    x = graph.add("Concat", "inception_3a", y1, y3, y5, pool, axis=1)
    graph.conv("inception_3b", x, (7, 256, 1, 1))  # the network goes on
    return graph


NETWORKS: dict[str, tuple[Any, Any, tuple[int, int], dict[str, Any]]] = {
    "bvlc_alexnet": (
        alexnet,
        AlexNet(num_classes=10, num_hidden=40),
        (71, 103),
        {"flattened": AlexNet.FLATTENED},
    ),
    "googlenet_stem": (googlenet, GoogLeNetStem(), (47, 35), {"is_beginning": True}),
}


@pytest.mark.parametrize("network", NETWORKS)
def test_activations(network, tmp_path):
    make, model, size, given = NETWORKS[network]
    graph, path = make(), tmp_path / "network.onnx"
    graph.save(path)
    images = 3 * np.random.default_rng(1).standard_normal((1, 3, *size))
    images = images.astype(np.float32)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    results = dict(zip(graph.names, session.run(None, {"images": images}), strict=True))

    norm = partial(LocalResponseNorm, **conventions.onnx(**NORM) | {"axis": -1})
    model = model.clone(norm=norm)
    images = jnp.asarray(np.moveaxis(images, 1, -1))
    params = jax.eval_shape(model.init, jax.random.key(0), images)["params"]
    params = from_onnx.load(path, params, model.LAYERS, **given)
    _, kept = jax.jit(partial(model.apply, mutable="intermediates"))(
        {"params": params}, images
    )
    compared = results.keys() & kept["intermediates"]["activations"].keys()
    assert compared >= {"conv1", "norm1", "pool1", "conv2", "norm2", "pool2"}
    assert compared & {"fc8", "inception_3a"}
    for name in sorted(compared):
        actual = kept["intermediates"]["activations"][name]
        desired = np.moveaxis(results[name], 1, -1)
        largest = np.abs(desired).max()
        np.testing.assert_allclose(actual, desired, rtol=0, atol=1e-5 * largest)
