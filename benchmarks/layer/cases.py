"""What is measured: the layers of well-known networks, and the numbers they are fed."""

import zlib
from dataclasses import dataclass, replace
from typing import Literal, TypedDict

import jax.numpy as jnp
import numpy as np

Layout = Literal["NHWC", "NCHW"]
Dtype = Literal["float32", "bfloat16"]
Mode = Literal["forward", "forward_and_backward"]

LAYOUTS: tuple[Layout, ...] = ("NHWC", "NCHW")
DTYPES: tuple[Dtype, ...] = ("float32", "bfloat16")
MODES: tuple[Mode, ...] = ("forward", "forward_and_backward")


@dataclass(frozen=True)
class Case:
    """The input of one layer, whatever the order of its axes."""

    title: str
    batch: int
    height: int
    width: int
    channels: int


CASES = {
    "alexnet_norm1": Case("AlexNet norm1", 16, 55, 55, 96),
    "alexnet_norm2": Case("AlexNet norm2", 32, 27, 27, 256),
    "googlenet_norm1": Case("GoogLeNet norm1", 32, 56, 56, 64),
    "googlenet_norm2": Case("GoogLeNet norm2", 32, 56, 56, 192),
    "cifar_norm1": Case("cuda-convnet CIFAR norm1", 128, 16, 16, 64),
    "smoke": Case("smoke test", 2, 6, 5, 16),
}
# The last one is there to see the benchmark run, not to be measured.
DEFAULT_CASES = tuple(name for name in CASES if name != "smoke")


class Arguments(TypedDict):
    """Keyword arguments of `lrn_jax.lrn`."""

    depth_radius: int
    bias: float
    alpha: float
    beta: float
    axis: int


@dataclass(frozen=True)
class Problem:
    """One comparison: everybody computes this, on the same numbers."""

    case: str
    layout: Layout
    dtype: Dtype
    mode: Mode
    radius: int = 2
    beta: float = 0.75
    batch_factor: int = 1

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """The shape of x."""
        case = CASES[self.case]
        batch = case.batch * self.batch_factor
        if self.layout == "NHWC":
            return batch, case.height, case.width, case.channels
        return batch, case.channels, case.height, case.width

    @property
    def arguments(self) -> Arguments:
        """The layer: bias and alpha as in the AlexNet paper."""
        return {
            "depth_radius": self.radius,
            "bias": 2.0,
            "alpha": 1e-4,
            "beta": self.beta,
            "axis": -1 if self.layout == "NHWC" else 1,
        }

    @property
    def array_bytes(self) -> int:
        """The bytes of x."""
        return int(np.prod(self.shape)) * jnp.dtype(self.dtype).itemsize

    @property
    def floor_bytes(self) -> int:
        """The least that two separate passes move.

        Forward reads x and writes y. Backward reads x and the cotangent and writes the
        gradient. (A network has the cotangent only once y was used. Here both are given
        at the start, so a compiler that makes one pass of the two could do with four
        arrays instead of five.)
        """
        return self.array_bytes * (2 if self.mode == "forward" else 5)

    @property
    def tolerance(self) -> float:
        """The largest error that is not a mistake, as a part of the largest value.

        Peers keep running sums in float32, and round every step of a computation in
        bfloat16 (2^-9 each). A window that is off by one channel changes values by
        more than a tenth.
        """
        return 1e-5 if self.dtype == "float32" else 3e-2

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns x and a cotangent in float32; the dtype represents them exactly.

        The scale of x makes the windows count as much as the bias: with the standard
        normal distribution, the layer would multiply by a constant.
        """
        nhwc = replace(self, layout="NHWC").shape
        drawn = []
        for role, scale in (("x", 70.0), ("cotangent", 1.0)):
            random = np.random.default_rng(zlib.crc32(f"{nhwc} {role}".encode()))
            numbers = random.standard_normal(nhwc, np.float32) * np.float32(scale)
            numbers = numbers.astype(jnp.dtype(self.dtype)).astype(np.float32)
            if self.layout == "NCHW":
                numbers = np.moveaxis(numbers, -1, 1)
            drawn.append(np.ascontiguousarray(numbers))
        return drawn[0], drawn[1]
