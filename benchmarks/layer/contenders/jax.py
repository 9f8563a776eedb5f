"""JAX: this library under each of its names, what one writes without it, a copy."""

import time
from collections.abc import Callable, Mapping
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
    beta = jnp.asarray(arguments["beta"], x.dtype)
    return x * lax.pow(_scale(x, arguments), jnp.broadcast_to(-beta, x.shape))


def naive_with_exp(x: Array, arguments: Arguments) -> Array:
    """The same with a power that XLA:CPU makes vectors of."""
    return x * jnp.exp(-arguments["beta"] * jnp.log(_scale(x, arguments)))


def _scale(x: Array, arguments: Arguments) -> Array:
    axes, radius = arguments["axis"], arguments["depth_radius"]
    axes = axes if isinstance(axes, tuple) else (axes,)
    if radius is None:
        energy = jnp.sum(x * x, axis=axes, keepdims=True)
    else:
        energy = lax.reduce_window(
            x * x,
            np.zeros((), x.dtype),
            lax.add,
            window_dimensions=[
                2 * radius + 1 if i in axes else 1 for i in range(x.ndim)
            ],
            window_strides=[1] * x.ndim,
            padding=[(radius, radius) if i in axes else (0, 0) for i in range(x.ndim)],
        )
    s = arguments["bias"] + arguments["alpha"] * energy
    return jnp.broadcast_to(s, x.shape)


def computation(layer: Layer, problem: Problem) -> Callable[..., tuple[Array, ...]]:
    """Returns the layer, or the layer with its gradients.

    Its arguments are the hyperparameters that are arrays, by name, x, and for gradients
    a cotangent.
    """

    def forward(learned: Mapping[str, Array], x: Array) -> tuple[Array, ...]:
        arguments: Any = {**problem.arguments, **learned}
        return (layer(x, arguments),)

    def forward_and_backward(
        learned: Mapping[str, Array], x: Array, cotangent: Array
    ) -> tuple[Array, ...]:
        (y,), vjp = jax.vjp(forward, learned, x)
        of_learned, of_x = vjp((cotangent,))
        return y, of_x, *of_learned.values()

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
    chosen: dict[str, Any] = {"implementation": implementation}
    return lambda x, arguments: lrn(x, **arguments, **chosen)


def prepare_lrn(implementation: str | None) -> Prepare:
    """Returns the preparation of `lrn_jax.lrn` with one of its implementations."""
    return prepare_layer(lrn_layer(implementation))


def prepare_copy(
    problem: Problem, x: np.ndarray, cotangent: np.ndarray, machine: Machine
) -> InProcess:
    """Prepares the reference: reads x, writes the same number of bytes.

    It is one multiplication, which cannot be left out as a plain copy can.
    """
    del cotangent, machine
    return _compiled(lambda learned, x: (x * 2,), problem, x)


def _compiled(
    computation: Callable[..., tuple[Array, ...]],
    problem: Problem,
    *given: np.ndarray,
) -> InProcess:
    learned = {name: jnp.asarray(one) for name, one in problem.learned().items()}
    arguments = [learned, *(jnp.asarray(one, problem.dtype) for one in given)]
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
