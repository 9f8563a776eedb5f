"""How the equations become programs: what is one kernel, on which platform.

On CPU, XLA fuses by its own rules, and its loops follow the axes of the result. There
each kernel is isolated: a program of its own, which XLA neither takes apart nor merges
with another, of arrays with few axes, so that the innermost loop is long.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial, wraps
from itertools import groupby
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.experimental.xla_metadata import set_xla_metadata

from . import _formula
from ._formula import Method
from ._hyperparameters import Hyperparameters
from ._implementations import IMPLEMENTATIONS
from ._power import negative_power
from ._window import Window
from ._window_sum import lowered_window_sum


@dataclass(frozen=True)
class Program:
    """What a program computes with, and what it is made for."""

    window: Window
    implementation: str | None
    """A name, or None for the choice of the library."""
    platform: str | None
    """As JAX calls it; None is any."""
    isolated: bool
    """Whether kernels are isolated: on CPU, where one device runs all of it."""

    @property
    def launch(self) -> Callable[..., Array] | None:
        """What launches a whole formula, where that is not left to XLA."""
        name = self.implementation
        return None if name is None else IMPLEMENTATIONS[name].launch


# Makes an array of some arrays of one shape and the hyperparameters.
_Stage = Callable[..., Array]


def _with_few_axes(stage: _Stage) -> _Stage:
    """Lets a stage see arrays with as few axes as the window allows."""

    @wraps(stage)
    def run(program: Program, given: Hyperparameters, *arrays: Array) -> Array:
        if not program.isolated:
            return stage(program, given, *arrays)
        shape = jnp.broadcast_shapes(*(array.shape for array in arrays))
        groups = _groups(program.window)
        merge = partial(_merged, groups=groups, shape=shape)
        window = tuple(program.window[axes[0]] for axes in groups)
        result = stage(
            replace(program, window=window),
            jax.tree.map(merge, given),
            *map(merge, arrays),
        )
        return lax.reshape(result, shape)

    return run


@_with_few_axes
def normalize(program: Program, given: Hyperparameters, x: Array) -> Array:
    """Returns y."""
    return _kernel(_formula.normalize, program, given, x)


@_with_few_axes
def pushforward(
    program: Program, given: Hyperparameters, x_dot: Array, x: Array
) -> Array:
    """Returns the derivative of y along a direction of x."""
    return _kernel(_formula.pushforward, program, given, x_dot, x)


@_with_few_axes
def pullback(program: Program, given: Hyperparameters, y_bar: Array, x: Array) -> Array:
    """Returns the cotangent of x."""
    if program.launch is not None:  # one kernel for both steps
        return _kernel(_formula.pullback, program, given, y_bar, x)
    # The feedback is stored: whoever collects it needs that of a whole window. s is
    # not: behind a barrier together, XLA has to form it anew, which costs less.
    feedback = _kernel(_formula.feedback, program, given, y_bar, x)
    y_bar, x, feedback = lax.optimization_barrier((y_bar, x, feedback))
    return _kernel(_formula.receive, program, given, y_bar, x, feedback)


def _kernel(
    formula: _Stage, program: Program, given: Hyperparameters, *arrays: Array
) -> Array:
    """Evaluates a formula; it is one kernel where XLA can be brought to make one."""
    platform = program.platform
    power = partial(negative_power, platform=platform)
    if program.launch is not None:

        def of_blocks(window, window_sum, given, *blocks):
            return formula(*blocks, given, window, Method(window_sum, power))

        return program.launch(of_blocks, program.window, platform, given, *arrays)

    window_sum = partial(
        lowered_window_sum,
        implementation=program.implementation,
        platform=platform,
        isolated=program.isolated,
        widened=arrays[0].dtype != _formula.compute_dtype(arrays[0]),
    )

    def evaluate(given: Hyperparameters, *arrays: Array) -> Array:
        return formula(*arrays, given, program.window, Method(window_sum, power))

    if not program.isolated:
        return evaluate(given, *arrays)
    # To XLA, a call that is not to be inlined. Should it be inlined all the same, the
    # program is right, and slower.
    result: Any = set_xla_metadata(
        jax.jit(evaluate)(given, *arrays), inlineable="false"
    )
    return result


def _groups(window: Window) -> list[list[int]]:
    """Returns the axes, those next to one another without a window as one.

    The first axis stays by itself: it is cut in pieces for the threads.
    """
    kinds = [
        (axis == 0, axis if extents != (0, 0) else None)
        for axis, extents in enumerate(window)
    ]
    return [list(axes) for _, axes in groupby(range(len(window)), kinds.__getitem__)]


def _merged(
    array: Array, *, groups: Sequence[Sequence[int]], shape: tuple[int, ...]
) -> Array:
    """Returns an array that broadcasts to `shape` with each group as one axis."""
    if array.ndim == 0:
        return array
    whole = list(array.shape)
    for axes in groups:
        if any(array.shape[axis] != 1 for axis in axes):
            for axis in axes:
                whole[axis] = shape[axis]
    array = lax.broadcast_in_dim(array, whole, range(array.ndim))
    return lax.reshape(array, [prod(whole[axis] for axis in axes) for axes in groups])
