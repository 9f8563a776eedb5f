"""JAX: this library under each of its names, what one writes without it, a copy."""

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from lrn_jax import lrn

from .. import hlo
from ..cases import Arguments, Problem
from .base import InProcess, Machine, Prepare, Program

# Makes y of x, given the arguments of the layer.
Layer = Callable[[Array, Arguments], Array]


def naive(x: Array, arguments: Arguments) -> Array:
    """The formula as one writes it down: XLA's window sum, a power, nothing else."""
    axis, radius = arguments["axis"] % x.ndim, arguments["depth_radius"]
    energy = lax.reduce_window(
        x * x,
        np.zeros((), x.dtype),
        lax.add,
        window_dimensions=[2 * radius + 1 if i == axis else 1 for i in range(x.ndim)],
        window_strides=[1] * x.ndim,
        padding=[(radius, radius) if i == axis else (0, 0) for i in range(x.ndim)],
    )
    s = arguments["bias"] + arguments["alpha"] * energy
    return x * lax.pow(s, jnp.asarray(-arguments["beta"], x.dtype))


def computation(layer: Layer, problem: Problem) -> Callable[..., tuple[Array, ...]]:
    """Returns what is measured: the layer, or the layer and its gradient."""
    arguments = problem.arguments

    def forward(x: Array) -> tuple[Array, ...]:
        return (layer(x, arguments),)

    def forward_and_backward(x: Array, cotangent: Array) -> tuple[Array, ...]:
        y, vjp = jax.vjp(lambda x: layer(x, arguments), x)
        return y, *vjp(cotangent)

    return forward if problem.mode == "forward" else forward_and_backward


def prepare_layer(layer: Layer) -> Prepare:
    """Returns the preparation of a layer."""

    def prepare(
        problem: Problem, x: np.ndarray, cotangent: np.ndarray, machine: Machine
    ) -> InProcess:
        del machine  # JAX found it out by itself
        given = (x,) if problem.mode == "forward" else (x, cotangent)
        return _compiled(computation(layer, problem), problem, *given)

    return prepare


def lrn_layer(implementation: str | None) -> Layer:
    """Returns `lrn_jax.lrn` with one of its implementations."""
    return lambda x, arguments: lrn(x, **arguments, implementation=implementation)


def prepare_lrn(implementation: str | None) -> Prepare:
    """Returns the preparation of `lrn_jax.lrn` with one of its implementations."""
    return prepare_layer(lrn_layer(implementation))


def prepare_copy(
    problem: Problem, x: np.ndarray, cotangent: np.ndarray, machine: Machine
) -> InProcess:
    """Prepares the reference: reads x, writes as many bytes, does next to nothing.

    It is one multiplication, which cannot be left out as a plain copy can.
    """
    del cotangent, machine
    return _compiled(lambda x: (x * 2,), problem, x)


def _compiled(
    computation: Callable[..., tuple[Array, ...]],
    problem: Problem,
    *given: np.ndarray,
) -> InProcess:
    arguments = [jnp.asarray(one, problem.dtype) for one in given]
    jax.block_until_ready(arguments)
    # Whatever an earlier contender has compiled is not to shorten the time it takes.
    function = jax.jit(lambda *arguments: computation(*arguments))
    lowered = function.lower(*arguments)
    start = time.perf_counter()
    compiled = lowered.compile()
    seconds = time.perf_counter() - start
    memory = compiled.memory_analysis()
    return InProcess(
        # The jitted function and not `compiled`, whose calls are slower.
        call=lambda: function(*arguments),
        wait=jax.block_until_ready,
        to_numpy=_to_numpy,
        program=Program(
            work=hlo.work(compiled.as_text() or ""),
            temporary_bytes=memory.temp_size_in_bytes if memory else 0,
            compile_seconds=seconds,
        ),
    )


def _to_numpy(results: Any) -> list[np.ndarray]:
    return [np.asarray(one).astype(np.float32) for one in results]
