"""What the peers are compared on: windows, shapes, and numbers off every default."""

import zlib

import numpy as np

# (k, alpha, beta): the powers with fast paths and one without. The alphas are large, so
# that a window or a divisor that is wrong by one changes the first digits.
NUMBERS = [(1.0, 0.5, 0.75), (2.0, 0.3, 0.6), (0.7, 2.0, 0.5), (1.5, 1.1, 1.0)]

# Fewer channels than the window, about as many, more.
CHANNELS = [1, 4, 11]

# Single precision: peers keep running sums (onnxruntime), multiply by a band matrix
# (TensorFlow) or take logarithms, each good for some units in the last place (2^-23) of
# a sum of squares here; 2e-6 is about 17 of them.
FLOAT32 = 2e-6


def shape(rank: int, channels: int) -> tuple[int, ...]:
    """An array with channels on axis 1 and uneven other axes."""
    return (2, channels, 3, 2, 2, 2)[:rank]


def normal(shape: tuple[int, ...], role: str = "x") -> np.ndarray:
    """Standard normal numbers that are float32 in every dtype."""
    seed = zlib.crc32(f"{shape} {role}".encode())
    numbers = np.random.default_rng(seed).standard_normal(shape)
    return numbers.astype(np.float32).astype(np.float64)


def numbers(index: int) -> tuple[float, float, float]:
    """Returns one row of `NUMBERS`, going round."""
    return NUMBERS[index % len(NUMBERS)]
