"""The functions of an arm before compilation: initial state, step, evaluation."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from jax import Array

from ..config.arms import ARMS
from ..config.recipe import NormName, Recipe
from ..data import Dataset
from ..models import layers, make_network
from ..models.norms import NormLayer
from ..terminal.errors import UserError
from . import augment
from .optimizer import make_optimizer


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
    """The loss and the norm of the gradient, of each step in a call."""

    loss: Array
    gradient_norm: Array


class Predictions(NamedTuple):
    """How images were classified, one value each."""

    loss: Array
    hit: Array
    """Whether the class with the largest logit is the right one."""
    confidence: Array
    """Probability of that class."""


class Functions(NamedTuple):
    """The functions of an arm."""

    init: Callable[..., State]
    """(seed, images) -> state; images, the first batch, may be left out: only the arm
    scaled looks at them."""
    step: Callable[[State, Array, Array], tuple[State, Losses]]
    """(state, images, labels) -> (new state, losses)."""
    evaluate: Callable[[State, Array, Array], Predictions]
    """(state, images, labels) -> how each image was classified."""
    around_norms: Callable[[State, Array], dict[str, list[Array]]]
    """(state, images) -> by place, the activations before the norm and after each of
    its layers."""


def steps_per_epoch(recipe: Recipe, dataset: Dataset) -> int:
    """Returns the number of full batches of training images.

    Raises:
      UserError: If there is none.
    """
    size = len(dataset.train)
    there = f"images of {recipe.dataset}, {size} without those held out"
    if recipe.train_images is not None:
        if recipe.train_images > size:
            raise UserError(
                f"`train-images` must be at most the number of training {there}, but "
                f"got {recipe.train_images}."
            )
        size = recipe.train_images
        there = f"images that --train-images says, {size}"
    if size < recipe.batch_size:
        raise UserError(
            f"`batch-size` must be at most the number of training {there}, but got "
            f"{recipe.batch_size}. Set --batch-size {size} or less."
        )
    return size // recipe.batch_size


def count_images(recipe: Recipe, dataset: Dataset) -> int:
    """Returns the number of images in all steps of a training."""
    return recipe.epochs * steps_per_epoch(recipe, dataset) * recipe.batch_size


def _make_network(
    recipe: Recipe, norm: NormName, dataset: Dataset, *, train: bool
) -> nn.Module:
    arm = ARMS[norm]
    made_of = arm.layers(recipe, train)
    return make_network(
        recipe.network,
        norm=lambda name: NormLayer(made_of, name=name),
        norm_before_relu=arm.before_relu,
        num_classes=dataset.num_classes,
        dropout_rate=recipe.dropout_rate,
        dtype=recipe.dtype,
    )


def make_functions(recipe: Recipe, norm: NormName, dataset: Dataset) -> Functions:
    """Returns the functions of an arm.

    Args:
      recipe: What is trained.
      norm: The norm of the arm.
      dataset: Its images decide shapes, mean, number of steps and number of classes.

    Raises:
      UserError: If the images do not fit the recipe.
    """
    training, evaluation = (
        _make_network(recipe, norm, dataset, train=train) for train in (True, False)
    )
    inputs = augment.make_inputs(recipe, dataset)
    shape = augment.cropped_shape(recipe, dataset.train.image_shape)

    def init_variables(key: Array, images: Array) -> Any:
        return evaluation.init(key, images, train=False)

    no_images = jnp.zeros((1, *shape))
    with _sizes_checked(recipe, shape):
        shapes = jax.eval_shape(init_variables, jax.random.key(0), no_images)
    optimizer = make_optimizer(
        recipe, shapes["params"], recipe.epochs * steps_per_epoch(recipe, dataset)
    )

    def prepared(images: Array) -> Array:
        return augment.center(recipe, inputs(images))

    def init(seed: Any, images: Array | None = None) -> State:
        init_key, key = jax.random.split(jax.random.key(seed))
        first = no_images if images is None else prepared(images)
        variables = dict(init_variables(init_key, first))
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
        return evaluation.apply(variables, prepared(images), train=False, **options)

    def evaluate(state: State, images: Array, labels: Array) -> Predictions:
        logits = apply(state, images).astype(jnp.float32)
        return Predictions(
            loss=losses_of(logits, labels),
            hit=logits.argmax(-1) == labels,
            confidence=jax.nn.softmax(logits).max(-1),
        )

    def around_norms(state: State, images: Array) -> dict[str, list[Array]]:
        _, kept = apply(state, images, mutable="intermediates")
        return {
            place: [*each["before"], *each.get("after", ())]
            for place, each in kept["intermediates"].items()
            if place.startswith("norm")
        }

    def with_layers(function: Callable) -> Callable:
        @wraps(function)
        def traced(*arguments: Any) -> Any:
            with layers.plain(recipe.plain_layers):
                return function(*arguments)

        return traced

    return Functions(*map(with_layers, (init, step, evaluate, around_norms)))


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


def shapes(recipe: Recipe, norm: NormName, dataset: Dataset) -> State:
    """Returns the shapes of an arm's state; nothing is compiled."""
    return jax.eval_shape(make_functions(recipe, norm, dataset).init, 0)


def count_parameters(state: State) -> int:
    """Returns the number of parameters, which may be shapes."""
    return sum(leaf.size for leaf in jax.tree.leaves(state.params))
