"""How gradients change parameters, each with its own rate and weight decay."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

import jax
import optax

from ..config.config import Recipe
from ..terminal.errors import UserError


def _path(entries: tuple) -> str:
    return "/".join(entry.key for entry in entries)


def _factors(
    option: str, patterns: Sequence[tuple[str, float]], params: Any, default: float
) -> Any:
    """Returns the number of the first pattern that fits, for each parameter.

    Only patterns that begin with "norm" fit parameters of norm layers: to treat what an
    arm adds as biases or kernels would be another difference between the arms.

    Raises:
      UserError: If a pattern fits no parameter of any kind.
    """

    def fits(path: str, pattern: str) -> bool:
        named = pattern.startswith("norm") or not path.startswith("norm")
        return named and fnmatchcase(path, pattern)

    paths = [_path(entries) for entries, _ in jax.tree.leaves_with_path(params)]
    for pattern, _ in patterns:
        if not any(fits(path, pattern) for path in paths):
            raise UserError(
                f"`{option}` must name parameters of the network, but {pattern} fits "
                f"none of {', '.join(paths)}."
            )

    def factor(entries: tuple, leaf: Any) -> float:
        del leaf
        path = _path(entries)
        fitting = [value for pattern, value in patterns if fits(path, pattern)]
        return fitting[0] if fitting else default

    return jax.tree.map_with_path(factor, params)


def _scale(factors: Any) -> optax.GradientTransformation:
    return optax.stateless(
        lambda updates, _: jax.tree.map(lambda u, f: f * u, updates, factors)
    )


def _decay(factors: Any) -> optax.GradientTransformation:
    return optax.stateless(
        lambda updates, params: jax.tree.map(
            lambda u, p, f: u + f * p if f else u, updates, params, factors
        )
    )


def schedule(recipe: Recipe, steps: int) -> optax.Schedule:
    """Returns the learning rate at each step of a training of `steps` steps."""
    scales: dict[int, float] = {}
    for drop in recipe.drops:
        step = round(drop * steps)
        scales[step] = 0.1 * scales.get(step, 1)  # several meet in a short training
    return optax.piecewise_constant_schedule(recipe.learning_rate, scales)


def factors(recipe: Recipe, params: Any) -> tuple[Any, Any]:
    """Returns weight decay and multiple of the learning rate of each parameter.

    Args:
      recipe: What is trained.
      params: Its parameters, or anything else in their structure.

    Raises:
      UserError: If the recipe names parameters that there are not.
    """
    decay = _factors("weight-decay", recipe.weight_decay, params, 0.0)
    rate = _factors("learning-rate-factors", recipe.learning_rate_factors, params, 1.0)
    return decay, rate


def make_optimizer(
    recipe: Recipe, params: Any, steps: int
) -> optax.GradientTransformation:
    """Returns the optimizer of a recipe.

    Args:
      recipe: What is trained.
      params: Its parameters, or their shapes.
      steps: Length of the whole training.

    Raises:
      UserError: If the recipe names parameters that there are not.
    """
    rate = optax.scale_by_learning_rate(schedule(recipe, steps))
    decays, multiples = factors(recipe, params)
    decay, scale = _decay(decays), _scale(multiples)
    if recipe.optimizer == "adam":
        return optax.chain(decay, optax.scale_by_adam(), scale, rate)
    # The rate comes before the momentum: after a drop, what was accumulated still
    # counts with the old one.
    momentum = optax.trace(recipe.momentum) if recipe.momentum else optax.identity()
    return optax.chain(decay, scale, rate, momentum)
