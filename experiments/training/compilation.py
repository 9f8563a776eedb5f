"""An arm, compiled: its functions and its feed on the devices."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from .. import data
from ..config.recipe import NormName, Recipe
from ..metrics.evaluation import Evaluation
from ..models.norms import SCALE
from . import parallel
from .feed import Feed, Placed, make_feed, with_first_images
from .step import Functions, Losses, Predictions, State, make_functions

_EVALUATION_BATCH = 500


class CompiledArm(NamedTuple):
    """The compiled functions of one arm, shared by its seeds."""

    init: Callable[[int], State]
    """seed -> state."""
    calls: Callable[[int, int], Iterator[Any]]
    """(seed, epoch) -> the batches of each call of an epoch, on the devices."""
    run: Callable[[State, Any], tuple[State, Losses]]
    """(state, batches) -> (new state, losses); the old state is donated."""
    evaluate: Callable[[State, data.Part], Evaluation]
    """(state, part) -> how all images of the part are classified."""
    around_norms: Callable[[State, np.ndarray], dict[str, list[np.ndarray]]]
    """(state, images) -> by place, activations before the norm and after each of its
    layers, in float32.

    Images (batch, height, width, channels) of uint8 are treated as when accuracy is
    measured.
    """
    compile_seconds: float
    """Of the training steps."""
    memory_bytes: int | None
    """What a device needs for a training step, as XLA plans it."""


def _num_steps(batches: Any) -> int:
    return jax.tree.leaves(batches)[0].shape[0]


@cache
def compile_arm(
    recipe: Recipe,
    norm: NormName,
    placed: Placed,
    steps_per_call: int | None = None,
) -> CompiledArm:
    """Compiles the functions of one arm, once for all its seeds.

    Args:
      recipe: What is trained.
      norm: The norm of the arm.
      placed: On which images and devices.
      steps_per_call: Training steps in one call; None is what suits the platform.

    Raises:
      UserError: If the data do not fit the recipe or the devices.
    """
    mesh = placed.mesh
    placed = with_first_images(placed, recipe.train_images)
    parallel.check_batch(recipe.batch_size, mesh)
    functions = make_functions(recipe, norm, placed.dataset)
    feed = make_feed(recipe, placed, steps_per_call)
    everywhere, divided = parallel.replicated(mesh), parallel.divided(mesh)

    def run(
        state: State, arrays: tuple[Array, ...], batches: Any
    ) -> tuple[State, Losses]:
        def step(state: State, batch: Any) -> tuple[State, Losses]:
            return functions.step(state, *feed.fetch(batch, *arrays))

        if _num_steps(batches) > 1:
            return jax.lax.scan(step, state, batches)
        # A scan of one step would still be a loop, and slow on CPU for it.
        state, losses = step(state, jax.tree.map(lambda each: each[0], batches))
        return state, jax.tree.map(lambda loss: loss[jnp.newaxis], losses)

    start = time.perf_counter()
    jitted = jax.jit(
        run,
        donate_argnums=0,
        in_shardings=(everywhere, everywhere, parallel.divided(mesh, axis=1)),
        out_shardings=everywhere,
    )
    state = jax.eval_shape(functions.init, 0)
    compiled = {
        _num_steps(shapes): jitted.lower(state, placed.arrays, shapes).compile()
        for shapes in feed.shapes
    }
    compile_seconds = time.perf_counter() - start
    around_norms = jax.jit(functions.around_norms, out_shardings=everywhere)

    def around(state: State, images: np.ndarray) -> dict[str, list[np.ndarray]]:
        found = around_norms(state, parallel.put(images, everywhere))
        return jax.tree.map(lambda each: np.asarray(each, np.float32), found)

    return CompiledArm(
        init=_init(functions, feed, placed)
        if SCALE in state.model_state
        else jax.jit(functions.init, out_shardings=everywhere),
        calls=feed.calls,
        run=lambda state, batches: compiled[_num_steps(batches)](
            state, placed.arrays, batches
        ),
        evaluate=_over_parts(
            jax.jit(
                functions.evaluate,
                in_shardings=(everywhere, divided, divided),
                out_shardings=everywhere,
            ),
            placed,
        ),
        around_norms=around,
        compile_seconds=compile_seconds,
        memory_bytes=_memory(list(compiled.values())),
    )


def _memory(compiled: list[Any]) -> int | None:
    plans = [each.memory_analysis() for each in compiled]
    if None in plans:  # not every platform has them
        return None
    return max(
        plan.argument_size_in_bytes
        + plan.output_size_in_bytes
        + plan.temp_size_in_bytes
        - plan.alias_size_in_bytes
        for plan in plans
    )


def _init(functions: Functions, feed: Feed, placed: Placed) -> Callable[[int], State]:
    """Returns the initial state of an arm that looks at the first batch."""
    mesh = placed.mesh
    everywhere = parallel.replicated(mesh)

    @partial(
        jax.jit,
        in_shardings=(everywhere, everywhere, parallel.divided(mesh, axis=1)),
        out_shardings=everywhere,
    )
    def init(seed: Any, arrays: tuple[Array, ...], batches: Any) -> State:
        first = jax.tree.map(lambda each: each[0], batches)
        images, _ = feed.fetch(first, *arrays)
        return functions.init(seed, images)

    def with_first_batch(seed: int) -> State:
        with closing(feed.calls(seed, 1)) as calls:
            return init(seed, placed.arrays, next(calls))

    return with_first_batch


def _over_parts(
    evaluate: Callable[..., Predictions], placed: Placed
) -> Callable[[State, data.Part], Evaluation]:
    """Returns the evaluation of whole parts, batch by batch."""
    layout, number = parallel.divided(placed.mesh), placed.mesh.size
    size = -(-_EVALUATION_BATCH // number) * number

    def evaluate_part(state: State, part: data.Part) -> Evaluation:
        predictions = []
        # The last batch is filled up with images that do not count, so that there is
        # one shape to compile.
        batches = [np.arange(i, i + size) for i in range(0, len(part), size)]
        with data.Stream(part, [indices % len(part) for indices in batches]) as stream:
            for batch in stream:
                images, labels = (
                    parallel.put(array, layout)
                    for array in (batch.images, batch.labels)
                )
                predictions.append(jax.device_get(evaluate(state, images, labels)))
        loss, hits, confidence = (
            np.concatenate(each)[: len(part)] for each in zip(*predictions, strict=True)
        )
        return Evaluation.of(loss, hits, confidence)

    return evaluate_part
