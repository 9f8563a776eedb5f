"""The choice: how windows are summed, and what a derivative stores.

Numbers are of elements in a window: up to so many, one way costs less than another.
They were timed on two cores of an EPYC and on an H100, where `python -m benchmarks
layer` compares them.
"""

from math import prod
from typing import NamedTuple

import jax
from jax import Array

from ._arithmetic import Platform, is_by_roots
from ._implementations import Implementation
from ._window import Window, split_whole_axes, windowed_axes

# On CPU, within rows: masks cost less than a pass more.
_MASKED = 7

# On GPU: to compute again what neighbours send costs less than to store it.
_RECOMPUTED = 7


class _OnGpu(NamedTuple):
    views: int  # cost less than a loop over the window
    summed_twice: int  # costs less than to store the sums
    looped: int  # costs less than doubling


# By whether the window lies within rows, and whether elements have less than 32 bits.
_ON_GPU = {
    (True, False): _OnGpu(views=13, summed_twice=24, looped=100),
    (True, True): _OnGpu(views=17, summed_twice=13, looped=40),
    (False, False): _OnGpu(views=7, summed_twice=7, looped=40),
    (False, True): _OnGpu(views=13, summed_twice=7, looped=40),
}


def choose(
    x: Array,
    window: Window,
    implementation: Implementation | None,
    *,
    platform: Platform,
    isolated: bool,
) -> Implementation:
    """Returns the given name, or that of the fastest implementation measured.

    `isolated` says that on CPU the whole normalization is a program of its own, on one
    device: then masked shifts are fastest along one axis, but for a long window within
    rows; for that and elsewhere it is doubling.

    Raises:
      NotImplementedError: If the named implementation cannot do it.
    """
    _, rest = split_whole_axes(window, x.shape)
    windowed = windowed_axes(rest)
    sharding = jax.typeof(x).sharding.spec
    if any(sharding[axis] is not None for axis in windowed):
        # With explicit sharding JAX refuses to slice an axis in pieces.
        if implementation not in (None, "reduce_window", "plain"):
            raise NotImplementedError(
                f"`implementation` {implementation!r} cannot sum over an axis with "
                f"explicit sharding, but got {jax.typeof(x)}. Use 'reduce_window' or "
                "None."
            )
        return "reduce_window"
    if implementation is not None:
        return implementation
    number, within_rows = _number(rest), _is_within_rows(rest)
    along_one = len(windowed) == 1
    if platform == "cpu":
        masked = not within_rows or number <= _MASKED
        return "masked_shifts" if isolated and along_one and masked else "doubling"
    if platform == "gpu" and along_one:
        on_gpu = _ON_GPU[within_rows, _is_narrow(x)]
        if number <= on_gpu.views:
            return "padded_shifts"
        return "reduce_window" if number <= on_gpu.looped else "doubling"
    return "reduce_window"


def recomputes(
    implementation: Implementation, window: Window, beta: float | Array | str
) -> bool:
    """Whether the derivative by x stores nothing on the way.

    Then each element computes what its neighbours send, from views of the operands. A
    power that is not made of roots costs too much to be computed so often.
    """
    short = len(windowed_axes(window)) == 1 and _number(window) <= _RECOMPUTED
    return implementation == "padded_shifts" and short and is_by_roots(beta)


def stores_sums(x: Array, window: Window, platform: Platform) -> bool:
    """Whether the derivative by x stores the window sums, which two kernels need."""
    on_gpu = _ON_GPU[_is_within_rows(window), _is_narrow(x)]
    return platform == "gpu" and _number(window) > on_gpu.summed_twice


def _number(window: Window) -> int:
    return prod(before + 1 + after for before, after in window)


def _is_within_rows(window: Window) -> bool:
    return window[-1] != (0, 0)


def _is_narrow(x: Array) -> bool:
    return x.dtype.itemsize < 4
