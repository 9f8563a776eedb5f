"""--tune: the search space, the draws from it, and the choice among them.

A draw is a run of an arm with values from the search space. Draws have a seed of their
own and never see the test images.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import isfinite, log
from typing import NamedTuple, TypeVar

from ..terminal.errors import UserError
from .arms import ARMS
from .recipe import NormName, Recipe
from .sweep import value_of, with_value

FOLDER = "tuning"
"""Where the draws are, in the directory of an ablation."""
SEED = 1000
"""Of all draws: no seed of the runs that are tested."""

_Draw = TypeVar("_Draw")


class Range(NamedTuple):
    """Where values are drawn from, evenly in their logarithm."""

    low: float
    high: float
    own: float | None = None
    """The value of the recipe, if there is one."""

    def at(self, share: float) -> float:
        """Returns the value at a share of the way from the low to the high end."""
        # As few digits as people read: the records hold the same number.
        return float(f"{self.low * (self.high / self.low) ** share:.3g}")

    def has_at_edge(self, value: float) -> bool:
        """Whether a value lies within a twentieth of the range of one of its ends."""
        share = log(value / self.low) / log(self.high / self.low)
        return not 0.05 <= share <= 0.95


# The search space, in multiples of the recipe's own values. The strength is the
# constant that the table of arms names; an arm without one ignores it.
SPACE = {
    "learning_rate": Range(0.1, 100.0),
    "weight_decay": Range(0.1, 10.0),
    "strength": Range(0.01, 100.0),
}
# In place of the multiples where the recipe decays nothing.
NEW_DECAY = Range(1e-6, 1e-3)
_DECAYED = "*/kernel"


def decays(recipe: Recipe) -> bool:
    """Whether a recipe has weight decay."""
    return any(value > 0 for _, value in recipe.weight_decay)


def space(recipe: Recipe, norm: NormName) -> dict[str, Range]:
    """Returns what is tuned for an arm, by its name in the recipe, and its range.

    The weight decay of a recipe that has some is in multiples of it, all else is in the
    values themselves.

    Raises:
      UserError: If the strength of the arm is 0, of which there are no multiples.
    """

    def multiples(name: str, of: Range) -> Range:
        value = value_of(recipe, name)
        if value <= 0:
            raise UserError(
                f"`{name.replace('_', '-')}` must be greater than 0 where --tune takes "
                f"multiples of it, but got {value}."
            )
        return Range(value * of.low, value * of.high, value)

    found = {
        "learning_rate": multiples("learning_rate", SPACE["learning_rate"]),
        "weight_decay": (
            SPACE["weight_decay"]._replace(own=1.0) if decays(recipe) else NEW_DECAY
        ),
    }
    strength = ARMS[norm].strength
    if strength:
        found[strength] = multiples(strength, SPACE["strength"])
    return found


def with_values(recipe: Recipe, values: Mapping[str, float]) -> Recipe:
    """Returns a recipe with the values of a draw."""
    for name, value in values.items():
        if name != "weight_decay":
            recipe = with_value(recipe, name, value)
        elif decays(recipe):
            factors = [(pattern, value * old) for pattern, old in recipe.weight_decay]
            recipe = replace(recipe, weight_decay=tuple(factors))
        else:
            recipe = replace(recipe, weight_decay=((_DECAYED, value),))
    return recipe


def draws(recipe: Recipe, norm: NormName, number: int) -> list[dict[str, float]]:
    """Returns the values of each draw of an arm, named and measured as in `space`.

    They are the first ones of one quasi-random sequence (Halton's), which covers the
    space evenly. It is the same for all arms, and a larger number leaves the first
    draws as they are.

    Raises:
      UserError: If the strength of the arm is 0, of which there are no multiples.
    """
    from scipy.stats import qmc  # takes long to load

    ranges = space(recipe, norm)
    return [
        {
            name: ends.at(share)
            for (name, ends), share in zip(ranges.items(), point, strict=False)
        }
        for point in qmc.Halton(len(SPACE), rng=0).random(number)
    ]


def choose(draws: Sequence[_Draw], loss: Callable[[_Draw], float]) -> _Draw | None:
    """Returns the draw with the lowest loss, the first of several.

    If all diverged, which is an infinite loss, there is none.
    """
    best = min(draws, key=loss, default=None)
    return best if best is not None and isfinite(loss(best)) else None
