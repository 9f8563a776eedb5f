"""The first layers of GoogLeNet as published with Caffe: those with norms."""

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from lrn_jax import conventions
from lrn_jax.linen import LocalResponseNorm

from .caffe import Layer, chain, max_pool
from .layers import Conv


class Inception(nn.Module):
    """Four branches over the same input, side by side in the channels of the result.

    Attributes:
      num_1x1: Channels of the first branch.
      num_3x3: Channels of the second, after the reduction and at its end.
      num_5x5: Channels of the third, after the reduction and at its end.
      num_pool: Channels of the fourth, which starts with a pooling.
      dtype: What to compute in; ``None`` takes it from input and parameters.
      param_dtype: Of initial parameters.
    """

    num_1x1: int
    num_3x3: tuple[int, int]
    num_5x5: tuple[int, int]
    num_pool: int
    dtype: Any = None
    param_dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Returns an array of the batch, height and width of `x`."""

        def conv(features: int, size: int, name: str) -> dict[str, Layer]:
            layer = Conv(
                features,
                (size, size),
                padding=size // 2,
                dtype=self.dtype,
                param_dtype=self.param_dtype,
                name=name,
            )
            return {name: layer, f"relu_{name}": nn.relu}

        same_size_pool = partial(max_pool, stride=1, padding=1)
        branches: list[dict[str, Layer]] = [
            conv(self.num_1x1, 1, "1x1"),
            conv(self.num_3x3[0], 1, "3x3_reduce") | conv(self.num_3x3[1], 3, "3x3"),
            conv(self.num_5x5[0], 1, "5x5_reduce") | conv(self.num_5x5[1], 5, "5x5"),
            {"pool": same_size_pool} | conv(self.num_pool, 1, "pool_proj"),
        ]
        return jnp.concatenate([chain(self, branch, x) for branch in branches], axis=-1)


class GoogLeNetStem(nn.Module):
    """From the image to the end of the first inception block, 3a.

    Layers have the names of Caffe's prototxt, those before the block shortened:
    ``conv1`` is conv1/7x7_s2, ``conv2_reduce`` is conv2/3x3_reduce, ``conv2`` is
    conv2/3x3. `from_torch.load` finds the weights of 1x1 in the block as
    ``inception_3a.1x1.weight``, and `from_onnx.load` takes them in the order of
    `LAYERS`, from a file of the whole network with ``is_beginning=True``.
    Activations are kept as by `alexnet.AlexNet`, those of the block under its own name.

    Attributes:
      norm: Makes the norms, ``norm(name="norm1")``; the default is Caffe's.
      dtype: What to compute in; ``None`` takes it from images and parameters.
      param_dtype: Of initial parameters.

    References:
      Szegedy et al.: Going deeper with convolutions, CVPR 2015. BVLC/caffe:
      models/bvlc_googlenet.
    """

    norm: Callable[..., Layer] = partial(
        LocalResponseNorm, **conventions.caffe_alexnet()
    )
    dtype: Any = None
    param_dtype: Any = jnp.float32

    # Layers with parameters, in Caffe's order.
    LAYERS: ClassVar[tuple[str, ...]] = (
        *("conv1", "conv2_reduce", "conv2"),
        *("inception_3a.1x1", "inception_3a.3x3_reduce", "inception_3a.3x3"),
        *("inception_3a.5x5_reduce", "inception_3a.5x5", "inception_3a.pool_proj"),
    )

    @nn.compact
    def __call__(self, images: Array) -> Array:
        """Returns 256 channels of images (batch, height, width, channels).

        Images are 224 pixels wide and high in the original, the result 28.
        """
        dtypes: Any = {"dtype": self.dtype, "param_dtype": self.param_dtype}
        conv = partial(Conv, **dtypes)
        return chain(
            self,
            {
                "conv1": conv(64, (7, 7), 2, padding=3, name="conv1"),
                "relu1": nn.relu,
                "pool1": max_pool,
                "norm1": self.norm(name="norm1"),
                "conv2_reduce": conv(64, (1, 1), name="conv2_reduce"),
                "relu2_reduce": nn.relu,
                "conv2": conv(192, (3, 3), padding=1, name="conv2"),
                "relu2": nn.relu,
                "norm2": self.norm(name="norm2"),
                "pool2": max_pool,
                "inception_3a": Inception(
                    64, (96, 128), (16, 32), 32, **dtypes, name="inception_3a"
                ),
            },
            images,
        )
