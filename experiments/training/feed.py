"""How training images reach the steps: from the devices' memory, or as a stream."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import Mesh

from .. import data
from ..config.recipe import Recipe
from . import parallel
from .step import steps_per_epoch

# Steps in one call: a scan over their batches, so that an accelerator need not wait
# for the next call. On CPU it gains nothing (within 4 % of the CPU time, for five
# recipes without a norm, jax 0.10.2), and XLA's own convolutions, which groups,
# bfloat16 and several devices still get there, are many times slower within a loop.
_STEPS_PER_CALL = {"cpu": 1}
_STEPS_PER_CALL_ELSEWHERE = 50


@dataclass(frozen=True)
class Placed:
    """A data set, and the devices that train on it."""

    dataset: data.Dataset
    mesh: Mesh

    @cached_property
    def arrays(self) -> tuple[Array, ...]:
        """Training images and labels on the devices, once for all arms.

        There are none if the images do not fit into memory.
        """
        train = self.dataset.train
        if not isinstance(train, data.Split):
            return ()
        layout = parallel.replicated(self.mesh)
        return parallel.put(train.images, layout), parallel.put(train.labels, layout)


@cache
def with_first_images(placed: Placed, number: int | None) -> Placed:
    """Returns the same with the first training images alone; None is with all."""
    if number is None:
        return placed
    train = placed.dataset.train.select(np.arange(number))
    return Placed(replace(placed.dataset, train=train), placed.mesh)


class Feed(NamedTuple):
    """The batches of a recipe."""

    fetch: Callable[..., tuple[Array, Array]]
    """(a batch, *`Placed.arrays`) -> images and labels; part of what is compiled."""
    calls: Callable[[int, int], Generator[Any]]
    """(seed, epoch) -> the batches of each call of an epoch, on the devices."""
    shapes: list[Any]
    """What `calls` yields, each shape once."""


def batches(seed: int, epoch: int, size: int, batch_size: int) -> np.ndarray:
    """Returns the indices of each batch: an order that seed and epoch alone decide."""
    order = np.random.default_rng([seed, epoch]).permutation(size).astype(np.int32)
    return order[: size - size % batch_size].reshape(-1, batch_size)


def make_feed(recipe: Recipe, placed: Placed, steps_per_call: int | None) -> Feed:
    """Returns the feed of a recipe.

    Args:
      recipe: What is trained.
      placed: On which images and devices.
      steps_per_call: Training steps in one call; None is what suits the platform. If
        images are streamed, it is one.

    Raises:
      UserError: If there is no full batch.
    """
    if not isinstance(placed.dataset.train, data.Split):
        return _streamed(recipe, placed)
    platform = placed.mesh.devices.flat[0].platform
    default = _STEPS_PER_CALL.get(platform, _STEPS_PER_CALL_ELSEWHERE)
    return _resident(recipe, placed, steps_per_call or default)


def _resident(recipe: Recipe, placed: Placed, steps_per_call: int) -> Feed:
    """Returns the feed of images that are on the devices."""
    size = len(placed.dataset.train)
    num_calls = -(-steps_per_epoch(recipe, placed.dataset) // steps_per_call)
    layout = parallel.divided(placed.mesh, axis=1)

    def split(seed: int, epoch: int) -> list[np.ndarray]:
        return np.array_split(batches(seed, epoch, size, recipe.batch_size), num_calls)

    return Feed(
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


def _streamed(recipe: Recipe, placed: Placed) -> Feed:
    """Returns the feed of images that are too many for that, one step a call."""
    train = placed.dataset.train
    layout = parallel.divided(placed.mesh, axis=1)

    def calls(seed: int, epoch: int) -> Generator[tuple[Array, Array]]:
        indices = batches(seed, epoch, len(train), recipe.batch_size)
        with data.Stream(train, indices) as stream:
            for batch in stream:
                yield (
                    parallel.put(batch.images[np.newaxis], layout),
                    parallel.put(batch.labels[np.newaxis], layout),
                )

    shape = (1, recipe.batch_size)
    return Feed(
        fetch=lambda batch: batch,
        calls=calls,
        shapes=[
            (
                jax.ShapeDtypeStruct((*shape, *train.image_shape), jnp.uint8),
                jax.ShapeDtypeStruct(shape, jnp.int32),
            )
        ],
    )
