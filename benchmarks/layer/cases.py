"""What is measured: the layers of well-known networks, and the numbers they are fed."""

import zlib
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal, TypedDict

import jax.numpy as jnp
import numpy as np

Layout = Literal["NHWC", "NCHW"]
Dtype = Literal["float32", "bfloat16"]
Mode = Literal["forward", "forward_and_backward"]
Variant = Literal[
    "channels", "box", "whole_maps", "whole_channels", "learned", "learned_per_channel"
]

LAYOUTS: tuple[Layout, ...] = ("NHWC", "NCHW")
DTYPES: tuple[Dtype, ...] = ("float32", "bfloat16")
MODES: tuple[Mode, ...] = ("forward", "forward_and_backward")
# What the windows lie in, with numbers as hyperparameters; in channels with arrays,
# which the gradient is taken by as well.
VARIANTS: dict[Variant, str] = {
    "channels": "",
    "box": "box of height and width",
    "whole_maps": "whole height and width",
    "whole_channels": "all channels",
    "learned": "learned",
    "learned_per_channel": "learned per channel",
}


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

    depth_radius: int | None
    bias: Any
    alpha: Any
    beta: Any
    axis: int | tuple[int, ...]


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
    variant: Variant = "channels"

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
        within_maps = self.variant in ("box", "whole_maps")
        maps = (1, 2) if self.layout == "NHWC" else (2, 3)
        whole = self.variant in ("whole_maps", "whole_channels")
        return {
            "depth_radius": None if whole else self.radius,
            "bias": 2.0,
            "alpha": 1e-4,
            "beta": self.beta,
            "axis": maps if within_maps else self.channel_axis,
        }

    @property
    def channel_axis(self) -> int:
        """The axis of the channels."""
        return 3 if self.layout == "NHWC" else 1

    def learned(self) -> dict[str, np.ndarray]:
        """Returns the hyperparameters that are arrays."""
        if self.variant not in ("learned", "learned_per_channel"):
            return {}
        shape = [1, 1, 1, 1]
        if self.variant == "learned_per_channel":
            shape[self.channel_axis] = CASES[self.case].channels
        numbers = {"bias": 2.0, "alpha": 1e-4, "beta": self.beta}
        return {k: np.full(shape, v, np.float32) for k, v in numbers.items()}

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
        more than a tenth. The gradients of learned numbers are sums over all elements.
        """
        if self.variant in ("learned", "learned_per_channel"):
            return 1e-2
        return 1e-5 if self.dtype == "float32" else 3e-2

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns x and a cotangent in float32; the dtype represents them exactly.

        The scale of x makes the windows count as much as the bias: with the standard
        normal distribution, the layer would multiply by a constant.
        """
        nhwc = replace(self, layout="NHWC").shape
        drawn = []
        for role, scale in (("x", 70.0), ("cotangent", 1.0)):
            numbers = _normal(nhwc, self.dtype, role, scale)
            if self.layout == "NCHW":
                numbers = np.moveaxis(numbers, -1, 1)
            drawn.append(np.ascontiguousarray(numbers))
        return drawn[0], drawn[1]


@lru_cache(maxsize=2)  # x and the cotangent, for the modes and layouts of one case
def _normal(
    shape: tuple[int, ...], dtype: Dtype, role: str, scale: float
) -> np.ndarray:
    random = np.random.default_rng(zlib.crc32(f"{shape} {role}".encode()))
    numbers = random.standard_normal(shape, np.float32) * np.float32(scale)
    return numbers.astype(jnp.dtype(dtype)).astype(np.float32)
