"""One run: `train(config) -> Result`."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from . import data
from .config import Config, NormName, Recipe
from .errors import UserError
from .models.article import ArticleCNN
from .norms import NORMS

_EVALUATION_BATCH = 500


@dataclass(frozen=True)
class Epoch:
    """What was measured in and after one pass over the training images."""

    epoch: int
    """Counted from 1."""
    train_loss: float
    """Mean over the steps, with dropout, while the weights changed."""
    validation_loss: float
    validation_accuracy: float
    train_seconds: float
    """The training steps alone; compilation and evaluation are not in it."""


@dataclass(frozen=True)
class Result:
    """A finished run."""

    config: Config
    parameters: int
    compile_seconds: float
    """For the training step, once for all seeds of the arm."""
    epochs: tuple[Epoch, ...]
    test_loss: float
    test_accuracy: float


class NonFiniteLossError(FloatingPointError):
    """The loss of a training step was infinite or not a number."""

    def __init__(self, step: int, loss: float):
        super().__init__(f"the loss was {loss} at step {step}")
        self.step = step
        self.loss = loss


class State(NamedTuple):
    """What a step changes."""

    params: Any
    model_state: Any
    """Statistics of BatchNorm, for the arms that have them."""
    optimizer_state: optax.OptState
    step: Array


class Program(NamedTuple):
    """The compiled functions of one arm, shared by its seeds."""

    init: Callable[[Array], State]
    step: Callable[[State, np.ndarray, Array], tuple[State, Array]]
    """(state, indices of the batch, dropout key) -> (new state, loss); the old state
    is donated."""
    evaluate: Callable[[State, np.ndarray, np.ndarray, np.ndarray], tuple[Array, Array]]
    """(state, images, labels, counts) -> (sum of losses, number of hits)."""
    compile_seconds: float


@cache
def make_program(recipe: Recipe, norm: NormName) -> Program:
    """Compiles the functions of one arm, and puts the training images on the device."""
    dataset = data.load(recipe)
    model = ArticleCNN(NORMS[norm](recipe), dataset.num_classes, recipe.dropout_rate)
    optimizer = optax.adam(recipe.learning_rate)
    train_images = jax.device_put(data.gather(dataset.train).images)
    train_labels = jax.device_put(dataset.train.labels)

    def logits_of(variables, images: Array, **options) -> Any:
        # uint8 until here: a quarter of the memory
        return model.apply(
            variables, images.astype(jnp.float32) / dataset.white, **options
        )

    def init(key: Array) -> State:
        variables = model.init(
            key, jnp.zeros((1, *train_images.shape[1:])), train=False
        )
        params = variables.pop("params")
        return State(
            params, variables, optimizer.init(params), jnp.zeros((), jnp.int32)
        )

    def step(
        state: State, images: Array, labels: Array, indices: Array, dropout_key: Array
    ) -> tuple[State, Array]:
        def loss_of(params):
            logits, model_state = logits_of(
                {"params": params, **state.model_state},
                images[indices],
                train=True,
                rngs={"dropout": jax.random.fold_in(dropout_key, state.step)},
                mutable=list(state.model_state),
            )
            losses = optax.softmax_cross_entropy_with_integer_labels(
                logits, labels[indices]
            )
            return losses.mean(), model_state

        (loss, model_state), grads = jax.value_and_grad(loss_of, has_aux=True)(
            state.params
        )
        updates, optimizer_state = optimizer.update(grads, state.optimizer_state)
        params = optax.apply_updates(state.params, updates)
        return State(params, model_state, optimizer_state, state.step + 1), loss

    def evaluate(
        state: State, images: Array, labels: Array, counts: Array
    ) -> tuple[Array, Array]:
        logits = logits_of(
            {"params": state.params, **state.model_state}, images, train=False
        )
        losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
        return (counts * losses).sum(), (counts * (logits.argmax(-1) == labels)).sum()

    start = time.perf_counter()
    key = jax.random.key(0)
    indices = np.zeros(recipe.batch_size, np.int32)
    compiled_step = (
        jax.jit(step, donate_argnums=0)
        .lower(jax.eval_shape(init, key), train_images, train_labels, indices, key)
        .compile()
    )
    return Program(
        init=jax.jit(init),
        step=lambda state, indices, dropout_key: compiled_step(
            state, train_images, train_labels, indices, dropout_key
        ),
        evaluate=jax.jit(evaluate),
        compile_seconds=time.perf_counter() - start,
    )


def batches(seed: int, epoch: int, size: int, batch_size: int) -> Iterator[np.ndarray]:
    """Yields the indices of each batch: an order that seed and epoch alone decide."""
    order = np.random.default_rng([seed, epoch]).permutation(size).astype(np.int32)
    for start in range(0, size - batch_size + 1, batch_size):
        yield order[start : start + batch_size]


def steps_per_epoch(recipe: Recipe) -> int:
    """Returns the number of full batches of training images.

    Raises:
      UserError: If there is none, or the data cannot be read.
    """
    size = len(data.load(recipe).train)
    if size < recipe.batch_size:
        raise UserError(
            f"`batch-size` must be at most the number of training images of "
            f"{recipe.dataset}, {size}, but got {recipe.batch_size}."
        )
    return size // recipe.batch_size


def evaluate(program: Program, state: State, split: data.Part) -> tuple[float, float]:
    """Returns the mean loss and the accuracy over all images of a split."""
    loss = hits = 0.0
    for start in range(0, len(split), _EVALUATION_BATCH):
        # The last batch is filled up with images that count zero times, so that there
        # is one shape to compile.
        indices = np.arange(start, start + _EVALUATION_BATCH)
        part = split.take(indices % len(split))
        counts = (indices < len(split)).astype(np.float32)
        losses, correct = program.evaluate(state, part.images, part.labels, counts)
        loss, hits = loss + float(losses), hits + float(correct)
    return loss / len(split), hits / len(split)


def _finite(loss: Array, step: int) -> float:
    value = float(loss)
    if not math.isfinite(value):
        raise NonFiniteLossError(step, value)
    return value


def train(
    config: Config,
    *,
    on_step: Callable[[], None] = lambda: None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> Result:
    """Trains one network and tests it once, after the last epoch.

    Runs that differ in the norm alone start from the same weights and see the same
    images in the same order: weights, order and dropout depend on the seed only.

    Args:
      config: The run.
      on_step: Called after every training step.
      on_epoch: Called with the metrics of every epoch.

    Returns:
      The metrics of every epoch, and of the test images.

    Raises:
      NonFiniteLossError: If the loss of a step is not finite; it names the step.
      UserError: If the data cannot be read or do not fit the recipe.
    """
    recipe = config.recipe
    steps = steps_per_epoch(recipe)
    dataset = data.load(recipe)
    program = make_program(recipe, config.norm)
    init_key, dropout_key = jax.random.split(jax.random.key(config.seed))
    state = program.init(init_key)
    parameters = sum(leaf.size for leaf in jax.tree.leaves(state.params))

    epochs = []
    for epoch in range(1, recipe.epochs + 1):
        losses: list[Array] = []
        first_step = (epoch - 1) * steps + 1
        train_loss = 0.0
        start = time.perf_counter()
        for indices in batches(
            config.seed, epoch, len(dataset.train), recipe.batch_size
        ):
            state, loss = program.step(state, indices, dropout_key)
            losses.append(loss)
            # Looking at the loss before this one leaves the device something to do.
            if len(losses) > 1:
                train_loss += _finite(losses[-2], first_step + len(losses) - 2)
            on_step()
        train_loss += _finite(losses[-1], first_step + len(losses) - 1)
        train_seconds = time.perf_counter() - start
        validation_loss, validation_accuracy = evaluate(
            program, state, dataset.validation
        )
        epochs.append(
            Epoch(
                epoch=epoch,
                train_loss=train_loss / steps,
                validation_loss=validation_loss,
                validation_accuracy=validation_accuracy,
                train_seconds=train_seconds,
            )
        )
        on_epoch(epochs[-1])

    test_loss, test_accuracy = evaluate(program, state, dataset.test)
    return Result(
        config=config,
        parameters=parameters,
        compile_seconds=program.compile_seconds,
        epochs=tuple(epochs),
        test_loss=test_loss,
        test_accuracy=test_accuracy,
    )
