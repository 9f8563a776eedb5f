"""The training step of an arm, as the ablation compiles it, on images of no meaning."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from experiments.config.config import NormName, Recipe
from experiments.data import Dataset, DatasetName, Split, gather
from experiments.training.step import make_functions

_SHAPES: dict[DatasetName, tuple[int, int, int]] = {
    "digits": (8, 8, 1),
    "mnist": (28, 28, 1),
    "fashion-mnist": (28, 28, 1),
    "cifar10": (32, 32, 3),
    "cifar10-jpeg": (32, 32, 3),
    "cifar100": (32, 32, 3),
}
_CLASSES = 10


def random_dataset(recipe: Recipe) -> Dataset:
    """Returns a batch of random images in the shape of a recipe's data."""
    shape = _SHAPES.get(recipe.dataset, (recipe.image_size, recipe.image_size, 3))
    random = np.random.default_rng(0)
    size = recipe.batch_size
    part = Split(
        random.integers(0, 256, (size, *shape), np.uint8),
        random.integers(0, _CLASSES, size, np.int32),
    )
    return Dataset(
        name=recipe.dataset,
        title="random images",
        train=part,
        validation=part,
        test=part,
        white=255,
        class_names=tuple(map(str, range(_CLASSES))),
        fingerprint="",
    )


def make_step(recipe: Recipe, norm: NormName, dataset: Dataset) -> Callable[[], object]:
    """Returns a function that takes one step, from raw images to new parameters."""
    functions = make_functions(recipe, norm, dataset)
    batch = gather(dataset.train)
    images, labels = jnp.asarray(batch.images), jnp.asarray(batch.labels)
    state = jax.jit(functions.init)(0)
    compiled = (
        jax.jit(functions.step, donate_argnums=0).lower(state, images, labels).compile()
    )

    def step() -> object:
        nonlocal state
        state, losses = compiled(state, images, labels)
        return jax.block_until_ready((state, losses))

    return step
