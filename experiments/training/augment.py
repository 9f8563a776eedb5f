"""From the pixels of a data set to the numbers a network sees."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..config.config import Recipe
from ..data import Dataset
from ..data.stream import chunks
from ..terminal.errors import UserError

_SMALLEST_VARIANCE = 1e-6  # of a color that all images have alike


@dataclass(frozen=True, eq=False)
class Inputs:
    """What is taken off every image, and what it is then divided by."""

    offset: np.ndarray
    divisor: np.ndarray

    def __call__(self, images: Array) -> Array:
        """Returns float32 for uint8, which takes a quarter of the memory until here."""
        return (images.astype(jnp.float32) - self.offset) / self.divisor


@cache
def _moments(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Returns mean image and mean of squares of the training images."""
    total = np.zeros(dataset.train.image_shape)
    squares = np.zeros(dataset.train.image_shape)
    for chunk in chunks(dataset.train):
        images = chunk.images.astype(np.float64)
        total += images.sum(axis=0)
        squares += np.square(images).sum(axis=0)
    size = len(dataset.train)
    return total / size, squares / size


def _rank_4(*arrays: Any) -> list[np.ndarray]:
    return [np.array(each, np.float32, ndmin=4) for each in arrays]


def make_inputs(recipe: Recipe, dataset: Dataset) -> Inputs:
    """Returns the part of the preparation that is the same for all images."""
    if recipe.inputs in ("unit", "standardized_each"):
        return Inputs(*_rank_4(0, dataset.white))
    mean, squares = _moments(dataset)
    if recipe.inputs == "minus_mean":
        return Inputs(*_rank_4(mean, dataset.white / 255))
    mean = mean.mean(axis=(0, 1))
    variance = squares.mean(axis=(0, 1)) - mean**2
    return Inputs(*_rank_4(mean, np.sqrt(np.maximum(variance, _SMALLEST_VARIANCE))))


def _crop(images: Array, size: int, rows: Array, columns: Array) -> Array:
    def one(image: Array, row: Array, column: Array) -> Array:
        shape = (size, size, image.shape[-1])
        return jax.lax.dynamic_slice(image, (row, column, 0), shape)

    return jax.vmap(one)(images, rows, columns)


def _standardize_each(images: Array) -> Array:
    mean = images.mean(axis=(1, 2, 3), keepdims=True)
    deviation = images.std(axis=(1, 2, 3), keepdims=True)
    # The bound is that of tf.image.per_image_standardization, for uniform images.
    return (images - mean) / jnp.maximum(deviation, images[0].size ** -0.5)


def cropped_shape(recipe: Recipe, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Returns the shape of an image that a network sees.

    Raises:
      UserError: If an image is smaller than what is to be cut out of it.
    """
    if recipe.crop is None:
        return shape
    if recipe.crop > min(shape[:2]):
        raise UserError(
            f"`crop` must be at most the size of the images, {shape[0]}x{shape[1]}, "
            f"but got {recipe.crop}."
        )
    return (recipe.crop, recipe.crop, shape[-1])


def augment(recipe: Recipe, images: Array, key: Array) -> Array:
    """Returns images as they are trained on, changed at random.

    Args:
      recipe: Says how.
      images: What `Inputs` returned, (batch, height, width, channels).
      key: Decides what is random.
    """
    size = len(images)
    row_key, column_key, flip_key, contrast_key = jax.random.split(key, 4)
    if recipe.crop is not None:
        margin = (recipe.padding, recipe.padding)
        images = jnp.pad(images, ((0, 0), margin, margin, (0, 0)))
        _, height, width, _ = images.shape
        rows = jax.random.randint(row_key, (size,), 0, height - recipe.crop + 1)
        columns = jax.random.randint(column_key, (size,), 0, width - recipe.crop + 1)
        images = _crop(images, recipe.crop, rows, columns)
    if recipe.flip:
        mirrored = jax.random.bernoulli(flip_key, shape=(size, 1, 1, 1))
        images = jnp.where(mirrored, images[:, :, ::-1], images)
    if recipe.contrast is not None:
        low, high = recipe.contrast
        factor = jax.random.uniform(
            contrast_key, (size, 1, 1, 1), minval=low, maxval=high
        )
        mean = images.mean(axis=(1, 2), keepdims=True)
        images = mean + factor * (images - mean)
    return _last(recipe, images)


def center(recipe: Recipe, images: Array) -> Array:
    """Returns images as accuracy is measured on them; nothing is random."""
    if recipe.crop is not None:
        _, height, width, _ = images.shape
        row, column = (height - recipe.crop) // 2, (width - recipe.crop) // 2
        images = images[:, row : row + recipe.crop, column : column + recipe.crop]
    return _last(recipe, images)


def _last(recipe: Recipe, images: Array) -> Array:
    return _standardize_each(images) if recipe.inputs == "standardized_each" else images
