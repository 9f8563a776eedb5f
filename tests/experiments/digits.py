"""The digits on some devices, and arms compiled for them: once for all tests."""

from functools import cache

from experiments import data
from experiments.config.recipe import Recipe
from experiments.training import parallel
from experiments.training.compilation import CompiledArm, compile_arm
from experiments.training.feed import Placed

DATASET = data.load(Recipe().source)


@cache
def placed(num_devices: int = 1) -> Placed:
    """The digits on the first devices."""
    return Placed(DATASET, parallel.make_mesh(num_devices))


def compiled(recipe: Recipe, norm: str) -> CompiledArm:
    """An arm on one device."""
    return compile_arm(recipe, norm, placed())
