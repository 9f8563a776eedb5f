"""What is compiled for an arm: its first state, training steps, evaluation."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from jax.sharding import Mesh

from .. import data
from ..config.config import NormName, Recipe
from ..models import FIRST_NORM, make_network
from ..models.norms import make_norm
from ..terminal.errors import UserError
from . import augment, parallel
from .optimizer import make_optimizer

_EVALUATION_BATCH = 500

# Steps that are one call: a scan over their batches, so that an accelerator need not
# wait for the next call. On CPU it gains nothing (within 4 % of the CPU time, for five
# recipes without a norm, jax 0.10.2), and XLA's own convolutions, which groups,
# bfloat16 and several devices still get there, are many times slower within a loop.
_STEPS_PER_CALL = {"cpu": 1}
_STEPS_PER_CALL_ELSEWHERE = 50


class State(NamedTuple):
    """What a step changes, and the key of everything random in it."""

    params: Any
    model_state: Any
    """Statistics of BatchNorm, for the arms that have them."""
    optimizer_state: optax.OptState
    average: Any
    """Moving average of the parameters, for recipes that measure with it, or None."""
    step: Array
    key: Array
    """As numbers, which a checkpoint can hold; drawn from by the number of the step."""


class Losses(NamedTuple):
    """Of each step in a call."""

    loss: Array
    gradient_norm: Array


class Program(NamedTuple):
    """The compiled functions of one arm, shared by its seeds."""

    init: Callable[[int], State]
    """seed -> state."""
    calls: Callable[[int, int], Iterator[Any]]
    """(seed, epoch) -> the batches of each call of an epoch, on the devices."""
    run: Callable[[State, Any], tuple[State, Losses]]
    """(state, batches) -> (new state, losses); the old state is donated."""
    evaluate: Callable[..., tuple[Array, Array]]
    """(state, images, labels, counts) -> (sum of losses, number of hits)."""
    activations: Callable[[State, Array], tuple[Array, Array]]
    """(state, images) -> (before, after) the first norm."""
    evaluation_batch: int
    mesh: Mesh
    compile_seconds: float
    """Of the training steps."""
    memory_bytes: int | None
    """What a device needs for a training step, as XLA plans it."""


def load(recipe: Recipe) -> data.Dataset:
    """Returns the data set of a recipe; the second call costs nothing."""
    return data.load(recipe.source)


def batches(seed: int, epoch: int, size: int, batch_size: int) -> np.ndarray:
    """Returns the indices of each batch: an order that seed and epoch alone decide."""
    order = np.random.default_rng([seed, epoch]).permutation(size).astype(np.int32)
    return order[: size - size % batch_size].reshape(-1, batch_size)


def steps_per_epoch(recipe: Recipe) -> int:
    """Returns the number of full batches of training images.

    Raises:
      UserError: If there is none, or the data cannot be read.
    """
    return _full_batches(recipe, load(recipe))


def _full_batches(recipe: Recipe, dataset: data.Dataset) -> int:
    size = len(dataset.train)
    if size < recipe.batch_size:
        raise UserError(
            f"`batch-size` must be at most the number of training images of "
            f"{recipe.dataset}, {size} without those held out, but got "
            f"{recipe.batch_size}. Set --batch-size {size} or less."
        )
    return size // recipe.batch_size


class Functions(NamedTuple):
    """Of an arm, before compilation."""

    init: Callable[[Any], State]
    """seed -> state."""
    step: Callable[[State, Array, Array], tuple[State, Losses]]
    """(state, images, labels) -> (new state, losses)."""
    evaluate: Callable[[State, Array, Array, Array], tuple[Array, Array]]
    """(state, images, labels, counts) -> (sum of losses, number of hits)."""
    activations: Callable[[State, Array], tuple[Array, Array]]
    """(state, images) -> (before, after) the first norm."""


def make_functions(recipe: Recipe, norm: NormName, dataset: data.Dataset) -> Functions:
    """Returns what is to be compiled for an arm.

    Args:
      recipe: What is trained.
      norm: With which norm.
      dataset: On which images: their shape, mean, number and classes count.

    Raises:
      UserError: If the images do not fit the recipe.
    """
    training, evaluation = (
        make_network(recipe, make_norm(recipe, norm, train), dataset.num_classes)
        for train in (True, False)
    )
    inputs = augment.make_inputs(recipe, dataset)
    shape = augment.cropped_shape(recipe, dataset.train.image_shape)

    def init_variables(key: Array) -> Any:
        return evaluation.init(key, jnp.zeros((1, *shape)), train=False)

    with _sizes_checked(recipe, shape):
        shapes = jax.eval_shape(init_variables, jax.random.key(0))
    optimizer = make_optimizer(
        recipe, shapes["params"], recipe.epochs * _full_batches(recipe, dataset)
    )

    def init(seed: Any) -> State:
        init_key, key = jax.random.split(jax.random.key(seed))
        variables = dict(init_variables(init_key))
        params = variables.pop("params")
        return State(
            params=params,
            model_state=variables,
            optimizer_state=optimizer.init(params),
            # A copy of its own: buffers are donated, each once.
            average=jax.tree.map(jnp.copy, params)
            if recipe.parameter_average
            else None,
            step=jnp.zeros((), jnp.int32),
            key=jax.random.key_data(key),
        )

    def losses_of(logits: Array, labels: Array) -> Array:
        return optax.softmax_cross_entropy_with_integer_labels(
            logits.astype(jnp.float32), labels
        )

    def step(state: State, images: Array, labels: Array) -> tuple[State, Losses]:
        key = jax.random.fold_in(jax.random.wrap_key_data(state.key), state.step)
        images = augment.augment(recipe, inputs(images), jax.random.fold_in(key, 1))

        def loss_of(params: Any) -> tuple[Array, Any]:
            logits, model_state = training.apply(
                {"params": params, **state.model_state},
                images,
                train=True,
                rngs={"dropout": key},
                mutable=list(state.model_state),
            )
            return losses_of(logits, labels).mean(), model_state

        (loss, model_state), gradient = jax.value_and_grad(loss_of, has_aux=True)(
            state.params
        )
        updates, optimizer_state = optimizer.update(
            gradient, state.optimizer_state, state.params
        )
        params = optax.apply_updates(state.params, updates)
        new_state = State(
            params=params,
            model_state=model_state,
            optimizer_state=optimizer_state,
            average=_moving_average(recipe, state, params),
            step=state.step + 1,
            key=state.key,
        )
        return new_state, Losses(loss, optax.tree.norm(gradient))

    def apply(state: State, images: Array, **options: Any) -> Any:
        params = state.average if recipe.parameter_average else state.params
        variables = {"params": params, **state.model_state}
        images = augment.center(recipe, inputs(images))
        return evaluation.apply(variables, images, train=False, **options)

    def evaluate(
        state: State, images: Array, labels: Array, counts: Array
    ) -> tuple[Array, Array]:
        logits = apply(state, images)
        hits = logits.argmax(-1) == labels
        return (counts * losses_of(logits, labels)).sum(), (counts * hits).sum()

    def activations(state: State, images: Array) -> tuple[Array, Array]:
        _, kept = apply(state, images, mutable="intermediates")
        first = kept["intermediates"][FIRST_NORM]
        return first["before"][0], first["after"][0]

    return Functions(init, step, evaluate, activations)


@contextmanager
def _sizes_checked(recipe: Recipe, image_shape: tuple[int, ...]) -> Iterator[None]:
    """Refuses a network of which a layer gets nothing: the images are too small."""

    def check(layer: Any, arguments: tuple, options: Any, context: Any) -> Any:
        if any(not getattr(each, "size", True) for each in arguments):
            height, width, _ = image_shape
            raise UserError(
                f"`network` must suit the size of the images, but of {width}x{height} "
                f"pixels nothing is left for {context.module.name} of "
                f"{recipe.network}. Take larger images (--crop, --image-size), or "
                "another network."
            )
        return layer(*arguments, **options)

    with nn.intercept_methods(check):
        yield


def _moving_average(recipe: Recipe, state: State, params: Any) -> Any:
    if state.average is None:
        return None
    # TensorFlow's: short at first, so that the initial weights are soon forgotten.
    steps = state.step + 1.0
    decay = jnp.minimum(recipe.parameter_average, (1 + steps) / (10 + steps))
    return optax.incremental_update(params, state.average, 1 - decay)


def shapes(recipe: Recipe, norm: NormName) -> State:
    """Returns the shapes of an arm's state; nothing is compiled."""
    return jax.eval_shape(make_functions(recipe, norm, load(recipe)).init, 0)


def count_parameters(state: State) -> int:
    """Returns the number of parameters, which may be shapes."""
    return sum(leaf.size for leaf in jax.tree.leaves(state.params))


@cache
def _on_devices(source: data.Source, mesh: Mesh) -> tuple[Array, Array]:
    """Returns training images and labels, for all arms at once."""
    train = data.gather(data.load(source).train)
    layout = parallel.replicated(mesh)
    return parallel.put(train.images, layout), parallel.put(train.labels, layout)


class _Feed(NamedTuple):
    """How training images reach the steps."""

    arrays: tuple[Array, ...]
    """On the devices all the time."""
    fetch: Callable[..., tuple[Array, Array]]
    """(a batch, *arrays) -> its images and labels; part of what is compiled."""
    calls: Callable[[int, int], Iterator[Any]]
    """As `Program.calls`."""
    shapes: list[Any]
    """What `calls` yields, each shape once."""


def _resident(recipe: Recipe, mesh: Mesh, steps_per_call: int) -> _Feed:
    """Returns the feed of images that are all on the devices."""
    size, num_calls = (
        len(load(recipe).train),
        -(-steps_per_epoch(recipe) // steps_per_call),
    )
    layout = parallel.divided(mesh, axis=1)

    def split(seed: int, epoch: int) -> list[np.ndarray]:
        return np.array_split(batches(seed, epoch, size, recipe.batch_size), num_calls)

    return _Feed(
        arrays=_on_devices(recipe.source, mesh),
        fetch=lambda indices, images, labels: (images[indices], labels[indices]),
        calls=lambda seed, epoch: (
            parallel.put(indices, layout) for indices in split(seed, epoch)
        ),
        # A rest may make some calls one step longer than others.
        shapes=[
            jax.ShapeDtypeStruct((steps, recipe.batch_size), jnp.int32)
            for steps in {len(indices) for indices in split(0, 1)}
        ],
    )


def _streamed(recipe: Recipe, mesh: Mesh) -> _Feed:
    """Returns the feed of images that are too many for that, one step a call."""
    train = load(recipe).train
    layout = parallel.divided(mesh, axis=1)

    def calls(seed: int, epoch: int) -> Iterator[tuple[Array, Array]]:
        indices = batches(seed, epoch, len(train), recipe.batch_size)
        with data.Stream(train, indices) as stream:
            for batch in stream:
                yield (
                    parallel.put(batch.images[np.newaxis], layout),
                    parallel.put(batch.labels[np.newaxis], layout),
                )

    shape = (1, recipe.batch_size)
    return _Feed(
        arrays=(),
        fetch=lambda batch: batch,
        calls=calls,
        shapes=[
            (
                jax.ShapeDtypeStruct((*shape, *train.image_shape), jnp.uint8),
                jax.ShapeDtypeStruct(shape, jnp.int32),
            )
        ],
    )


def _steps_per_call(mesh: Mesh) -> int:
    platform = mesh.devices.flat[0].platform
    return _STEPS_PER_CALL.get(platform, _STEPS_PER_CALL_ELSEWHERE)


def _num_steps(batches: Any) -> int:
    return jax.tree.leaves(batches)[0].shape[0]


@cache
def make_program(
    recipe: Recipe,
    norm: NormName,
    mesh: Mesh | None = None,
    steps_per_call: int | None = None,
) -> Program:
    """Compiles the functions of one arm, and puts the training images on the devices.

    Args:
      recipe: What is trained.
      norm: With which norm.
      mesh: The devices; None is the first one.
      steps_per_call: Training steps in one call; None is what suits the platform.

    Raises:
      UserError: If the data cannot be read, or do not fit the recipe or the devices.
    """
    mesh = mesh or parallel.make_mesh()
    parallel.check_batch(recipe.batch_size, mesh)
    functions = make_functions(recipe, norm, load(recipe))
    if isinstance(load(recipe).train, data.Split):
        feed = _resident(recipe, mesh, steps_per_call or _steps_per_call(mesh))
    else:
        feed = _streamed(recipe, mesh)
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
        _num_steps(shapes): jitted.lower(state, feed.arrays, shapes).compile()
        for shapes in feed.shapes
    }
    compile_seconds = time.perf_counter() - start
    return Program(
        init=jax.jit(functions.init, out_shardings=everywhere),
        calls=feed.calls,
        run=lambda state, batches: compiled[_num_steps(batches)](
            state, feed.arrays, batches
        ),
        evaluate=jax.jit(
            functions.evaluate,
            in_shardings=(everywhere, divided, divided, divided),
            out_shardings=everywhere,
        ),
        activations=jax.jit(functions.activations, out_shardings=everywhere),
        evaluation_batch=-(-_EVALUATION_BATCH // mesh.size) * mesh.size,
        mesh=mesh,
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


def evaluate(program: Program, state: State, part: data.Part) -> tuple[float, float]:
    """Returns the mean loss and the accuracy over all images of a part."""
    loss = hits = 0.0
    layout = parallel.divided(program.mesh)
    # The last batch is filled up with images that count zero times, so that there is
    # one shape to compile.
    starts = range(0, len(part), program.evaluation_batch)
    batches = [np.arange(start, start + program.evaluation_batch) for start in starts]
    with data.Stream(part, [indices % len(part) for indices in batches]) as stream:
        for indices, batch in zip(batches, stream, strict=True):
            counts = (indices < len(part)).astype(np.float32)
            arrays = (batch.images, batch.labels, counts)
            losses, correct = program.evaluate(
                state, *(parallel.put(array, layout) for array in arrays)
            )
            loss, hits = loss + float(losses), hits + float(correct)
    return loss / len(part), hits / len(part)


def activations(
    program: Program, state: State, images: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns what went into the first norm layer, and what came out of it.

    Both are float32, (batch, height, width, channels), of one batch of uint8 images,
    treated as when accuracy is measured. Without a norm they are the same.
    """
    before, after = program.activations(
        state, parallel.put(images, parallel.replicated(program.mesh))
    )
    return np.asarray(before, np.float32), np.asarray(after, np.float32)
