"""The case table: shapes and arguments of `lrn`, for tests and benchmarks.

Each row is there to break something; nearly all hyperparameters are off their
defaults, so that one that is dropped or replaced by its default is seen.
"""

import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    """One input of `lrn` and its keyword arguments."""

    name: str
    shape: tuple[int, ...]
    arguments: dict[str, Any] = field(default_factory=dict)
    scale: float = 1.0  # standard deviation of the elements of x

    def x(self) -> np.ndarray:
        """The input in float64, every element a float32: the same in each dtype."""
        return self._draw("x", self.scale)

    def dy(self) -> np.ndarray:
        """A cotangent for the output, on the same terms."""
        return self._draw("dy", 1.0)

    def _draw(self, role: str, scale: float) -> np.ndarray:
        seed = zlib.crc32(f"{self.name} {role}".encode())
        normal = np.random.default_rng(seed).standard_normal(self.shape)
        return (scale * normal).astype(np.float32).astype(np.float64)


def _case(name: str, shape: tuple[int, ...], scale: float = 1.0, **arguments) -> Case:
    return Case(name, shape, arguments, scale)


# Windows of one radius along the last axis.
_RADII = [
    _case("defaults", (2, 3, 11)),
    _case("channels_below_window", (3, 4), bias=1.5, alpha=0.3, beta=0.6),
    _case("channels_equal_window", (3, 5), bias=1.5, alpha=0.3, beta=0.75),
    _case("one_channel", (4, 1), bias=0.5, alpha=2.0, beta=0.5),
    _case("seven_channels_caffe", (2, 3, 7), bias=1.0, alpha=0.2, beta=0.75),
    _case("radius_zero", (3, 6), depth_radius=0, bias=0.7, alpha=1.5, beta=1.0),
    _case("radius_one", (3, 8), depth_radius=1, bias=3.0, alpha=0.5, beta=2.0),
    _case("radius_beyond_axis", (3, 6), depth_radius=40, bias=2.5, alpha=0.1, beta=0.3),
    _case("radius_seven", (2, 24), depth_radius=7, bias=1.2, alpha=0.05, beta=1.3),
]

# Uneven windows: the transposed window is another one.
_UNEVEN = [
    _case("before_only", (3, 9), depth_radius=(2, 0), bias=1.3, alpha=0.4, beta=0.25),
    _case("after_only", (3, 9), depth_radius=(0, 3), bias=1.3, alpha=0.4, beta=0.6),
    _case("even_onnx", (2, 10), depth_radius=(1, 2), bias=1.0, alpha=0.25, beta=0.75),
    # 41 elements: by doubling, eight stored sums of five and one more.
    _case("very_long", (2, 48), depth_radius=(21, 19), bias=1.2, alpha=0.02, beta=1.3),
    # On CPU three sums of six rows on either side, and six rows of the middle; on a GPU
    # by doubling.
    _case(
        "very_long_across_rows",
        (48, 2),
        depth_radius=(22, 19),
        axis=0,
        bias=1.2,
        alpha=0.02,
        beta=0.75,
    ),
    _case("before_beyond", (2, 5), depth_radius=(9, 1), bias=1.1, alpha=0.4, beta=1.3),
]

# The whole axis, several axes, other axes.
_AXES = [
    _case("rms_norm", (3, 8), depth_radius=None, bias=1e-6, alpha=1 / 8, beta=0.5),
    _case(
        "whole_map",
        (2, 4, 5, 3),
        depth_radius=None,
        axis=(1, 2),
        bias=4.0,
        alpha=5.0,
        beta=0.5,
    ),
    _case(
        "box", (2, 5, 6, 3), depth_radius=1, axis=(1, 2), bias=1.0, alpha=0.1, beta=0.75
    ),
    _case(
        "box_uneven",
        (2, 5, 4, 3),
        depth_radius=(1, 0),
        axis=(-3, 3),
        bias=0.9,
        alpha=0.2,
        beta=0.6,
    ),
    _case(
        "box_clipped",
        (2, 2, 6, 3),
        depth_radius=2,
        axis=(1, 2),
        bias=0.9,
        alpha=0.2,
        beta=1.0,
    ),
    _case(
        "box_of_extents",
        (2, 5, 4, 3),
        depth_radius=((1, 0), (2, 1)),
        axis=(2, 1),
        bias=0.9,
        alpha=0.2,
        beta=0.75,
    ),
    _case("channels_first", (2, 7, 3, 4), axis=1, bias=1.0, alpha=0.3, beta=0.75),
    _case(
        "channels_first_negative",
        (2, 6, 3, 4),
        axis=-3,
        depth_radius=(2, 1),
        bias=1.4,
        alpha=0.3,
        beta=0.6,
    ),
    _case(
        "leading_axis", (6, 2, 3), axis=0, depth_radius=1, bias=0.8, alpha=0.7, beta=2.0
    ),
]

# Ranks not covered above, and what networks really pass.
_SHAPES = [
    _case("rank_1", (13,), depth_radius=3, bias=1.7, alpha=0.6, beta=0.5),
    _case("rank_5", (2, 1, 2, 3, 5), depth_radius=1, bias=1.7, alpha=0.6, beta=0.25),
    _case("zero_bias", (3, 9), depth_radius=1, bias=0.0, alpha=1.5, beta=0.75),
    _case("zero_alpha", (2, 5), bias=2.5, alpha=0.0, beta=0.6),
    _case("zero_beta", (2, 5), bias=2.5, alpha=0.5, beta=0.0),
    _case("negative_beta", (2, 5), bias=2.5, alpha=0.5, beta=-0.5),
    _case("alexnet_conv1", (1, 3, 3, 96), scale=30.0),
    _case("caffe_pixels", (1, 6, 6, 3), scale=255.0, bias=1.0, alpha=2e-5, beta=0.75),
    _case(
        "cifar_pixels",
        (1, 6, 6, 8),
        scale=255.0,
        depth_radius=(1, 2),
        bias=1.0,
        alpha=2e-5,
        beta=0.6,
    ),
]

CASES = [*_RADII, *_UNEVEN, *_AXES, *_SHAPES]

# One of each kind: for what depends on the kind of a window, and on no number.
KINDS = [
    case
    for case in CASES
    if case.name in {"defaults", "even_onnx", "whole_map", "box_uneven", "zero_bias"}
]
