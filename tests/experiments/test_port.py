"""Networks to port to, and weights from PyTorch's files, without PyTorch."""

from functools import partial
from typing import Any

import flax.errors
import flax.linen as nn
import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from jax import lax
from safetensors.numpy import save_file

from experiments.models import from_torch
from experiments.models.alexnet import AlexNet
from experiments.models.caffe import max_pool
from experiments.models.googlenet import GoogLeNetStem
from experiments.terminal.errors import DataError
from lrn_jax import conventions
from lrn_jax.linen import LearnedLocalResponseNorm


def describe(model, image_size):
    """Returns parameters and activations of a network, as shapes."""

    def run(images):
        params = model.init(jax.random.key(0), images)["params"]
        _, kept = model.apply({"params": params}, images, mutable="intermediates")
        return params, kept["intermediates"]["activations"]

    shape = (1, image_size, image_size, 3)
    params, activations = jax.eval_shape(run, jax.ShapeDtypeStruct(shape, jnp.float32))
    return params, {name: y.shape[1:] for name, y in activations.items()}


def num_elements(params):
    return sum(leaf.size for leaf in jax.tree.leaves(params))


def test_alexnet_has_the_published_sizes():
    params, activations = describe(AlexNet(), 227)
    assert num_elements(params) == 60_965_224
    assert activations["norm1"] == activations["conv1"] == (55, 55, 96)
    assert activations["norm2"] == activations["conv2"] == (27, 27, 256)
    assert activations["pool2"] == (13, 13, 256)
    assert activations["conv3"] == activations["conv4"] == (13, 13, 384)
    assert activations["flatten"] == (6 * 6 * 256,)
    assert activations["fc8"] == (1000,)


def test_caffenet_differs_in_its_order_alone():
    params, activations = describe(AlexNet(order=("pool", "norm")), 227)
    assert params == describe(AlexNet(), 227)[0]
    assert activations["norm1"] == activations["pool1"] == (27, 27, 96)
    assert activations["norm2"] == activations["pool2"] == (13, 13, 256)


def test_googlenet_has_the_published_sizes():
    params, activations = describe(GoogLeNetStem(), 224)
    assert num_elements(params["inception_3a"]) == 163_696
    assert activations["conv1"] == (112, 112, 64)
    assert activations["norm1"] == activations["pool1"] == (56, 56, 64)
    assert activations["norm2"] == (56, 56, 192)
    assert activations["pool2"] == (28, 28, 192)
    assert activations["inception_3a"] == (28, 28, 256)


def test_norm_is_an_argument():
    params, _ = describe(AlexNet(norm=LearnedLocalResponseNorm), 67)
    assert set(params["norm1"]) == set(params["norm2"])
    assert set(params["norm2"]) == {"log_bias", "log_alpha", "log_beta"}
    _, activations = describe(AlexNet(order=("pool",)), 67)
    assert not activations.keys() & {"norm1", "norm2"}


@pytest.mark.parametrize("model", [AlexNet(), GoogLeNetStem()], ids=["alexnet", "stem"])
def test_default_norm_is_that_of_caffe(model):
    expected = conventions.caffe_alexnet()
    norm = model.norm(name="norm1")
    assert {field: getattr(norm, field) for field in expected} == expected


def test_dropout_is_for_training():
    """It draws random numbers, and raises where it is given no key for them."""
    model, images = AlexNet(num_hidden=8), jnp.ones((1, 67, 67, 3))
    variables = jax.eval_shape(model.init, jax.random.key(0), images)
    jax.eval_shape(model.apply, variables, images)
    with pytest.raises(flax.errors.InvalidRngError, match="drop6"):
        jax.eval_shape(partial(model.apply, train=True), variables, images)


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("length", range(3, 12))
def test_max_pool_cuts_its_last_window_off(length, stride, padding):
    x = -1 - np.random.default_rng(0).random((1, length, 5, 1), np.float32)
    y = max_pool(jnp.asarray(x), 3, stride, padding)

    expected, start = [], -padding
    while start < length and (not expected or start - stride + 3 < length + padding):
        expected.append(np.max(x[0, max(start, 0) : start + 3, :, 0]))
        start += stride
    np.testing.assert_array_equal(np.max(y[0, :, :, 0], axis=1), expected)


PARAMS = {
    "block": {
        "1x1": {
            "kernel": jax.ShapeDtypeStruct((3, 2, 4, 6), jnp.float32),
            "bias": jax.ShapeDtypeStruct((6,), jnp.float32),
        }
    },
    "fc": {"kernel": jax.ShapeDtypeStruct((30, 7), jnp.float32)},
}


@pytest.fixture
def tensors():
    random = np.random.default_rng(0)
    return {
        "block.1x1.weight": random.standard_normal((6, 4, 3, 2)),
        "block.1x1.bias": random.standard_normal(6),
        "fc.weight": random.standard_normal((7, 30)),
    }


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.safetensors"


@pytest.mark.parametrize(
    "dtype", [np.float64, np.float32, np.float16, ml_dtypes.bfloat16]
)
def test_result_is_as_asked_for(tensors, path, dtype):
    save_file({key: tensor.astype(dtype) for key, tensor in tensors.items()}, path)
    params = from_torch.load(path, PARAMS)
    described = jax.eval_shape(lambda: params)
    assert described == PARAMS
    kernel = tensors["block.1x1.weight"].astype(dtype).astype(np.float32)
    expected = kernel.transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(params["block"]["1x1"]["kernel"], expected)


def test_grouped_convolution(tensors, path):
    """XLA convolves in PyTorch's layout too."""
    save_file(tensors, path)
    params = from_torch.load(path, PARAMS)["block"]["1x1"]
    x = jax.random.normal(jax.random.key(1), (2, 8, 5, 4))
    layer = nn.Conv(6, (3, 2), padding="VALID", feature_group_count=2)
    y: Any = layer.apply({"params": params}, x.transpose(0, 2, 3, 1))
    expected = lax.conv_general_dilated(
        x,
        jnp.asarray(tensors["block.1x1.weight"], jnp.float32),
        window_strides=(1, 1),
        padding="VALID",
        dimension_numbers=("NCHW", "OIHW", "NCHW"),
        feature_group_count=2,
    )
    expected += tensors["block.1x1.bias"].astype(np.float32).reshape(1, 6, 1, 1)
    np.testing.assert_allclose(y, expected.transpose(0, 2, 3, 1), atol=1e-5)


def test_dense_layer_after_flattening(tensors, path):
    save_file(tensors, path)
    x = np.random.default_rng(1).standard_normal((2, 5, 3, 2)).astype(np.float32)
    expected = x.reshape(2, 30) @ tensors["fc.weight"].astype(np.float32).T
    flat = x.transpose(0, 2, 3, 1).reshape(2, 30)

    kernel = from_torch.load(path, PARAMS, flattened={"fc": 5})["fc"]["kernel"]
    np.testing.assert_allclose(flat @ kernel, expected, atol=1e-5)
    kernel = from_torch.load(path, PARAMS)["fc"]["kernel"]
    np.testing.assert_allclose(x.reshape(2, 30) @ kernel, expected, atol=1e-5)


def test_every_misfit_is_named(tensors, path):
    tensors["block.conv.weight"] = tensors.pop("block.1x1.weight")
    tensors["block.1x1.bias"] = np.zeros(5)
    tensors["fc.weight"] = np.zeros((7, 30), np.int8)
    save_file(tensors, path)
    with pytest.raises(DataError) as raised:
        from_torch.load(path, PARAMS)
    assert str(raised.value) == (
        f"{path} does not fit the network, nothing was loaded: "
        "block.1x1.bias must have shape (6,), but has (5,); "
        "block.1x1.weight of shape (6, 4, 3, 2) is missing; "
        "fc.weight must have a floating dtype, but has int8; "
        "block.conv.weight of shape (6, 4, 3, 2) is not a parameter of the network."
    )


def test_kernel_that_is_not_transposed_is_refused(tensors, path):
    tensors["fc.weight"] = np.zeros((30, 7))
    save_file(tensors, path)
    with pytest.raises(
        DataError, match=r"fc.weight must have shape \(7, 30\), but has"
    ):
        from_torch.load(path, PARAMS)


def test_files_that_cannot_be_read(path, tmp_path):
    with pytest.raises(DataError, match=r"weights.safetensors cannot be read: No such"):
        from_torch.load(path, PARAMS)
    with pytest.raises(DataError, match="cannot be read"):
        from_torch.load(tmp_path, PARAMS)
    path.write_bytes(b"no such format, but long enough for a header")
    with pytest.raises(DataError, match="expected a safetensors file, but reading"):
        from_torch.load(path, PARAMS)


@pytest.mark.parametrize(
    ("flattened", "message"),
    [
        ({"fc6": 5}, "must name dense layers of the network, but got 'fc6'"),
        ({"block.1x1": 2}, "must name dense layers of the network, but got 'block.1x1"),
        ({"fc": 4}, "must divide the inputs of fc, 30, but got 4"),
    ],
)
def test_flattened_must_fit(tensors, path, flattened, message):
    save_file(tensors, path)
    with pytest.raises(ValueError, match=message):
        from_torch.load(path, PARAMS, flattened=flattened)


def test_other_parameters_are_refused(tensors, path):
    save_file(tensors, path)
    scale = {"norm": {"scale": jax.ShapeDtypeStruct((6,), jnp.float32)}}
    with pytest.raises(
        ValueError, match=r"kernels and biases only, but got norm.scale"
    ):
        from_torch.load(path, PARAMS | scale)
