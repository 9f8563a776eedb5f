"""Whether the arm scaled, LRN's control, has anything to scale."""

from dataclasses import replace

import jax

from ..config.config import Ablation
from ..config.recipe import Recipe
from ..models.norms import SCALE
from .compilation import compile_arm
from .feed import Placed

_NEAR_ONE = 0.01


def factors(recipe: Recipe, placed: Placed) -> list[float]:
    """Returns what the arm scaled multiplies by, place by place, with seed 0."""
    state = compile_arm(recipe, "scaled", placed).init(0)
    return [float(factor) for factor in jax.tree.leaves(state.model_state[SCALE])]


def without_idle(ablation: Ablation, placed: Placed) -> tuple[Ablation, str]:
    """Leaves out the arm scaled where LRN leaves the scale alone.

    That is where every factor lies within a hundredth of 1: the arm would be that
    without a norm. It stays where a contrast names it, and where a sweep or tuning
    gives LRN other constants.

    Returns:
      The ablation, and a note if the arm is left out.
    """
    if (
        "scaled" not in ablation.norms
        or len(ablation.norms) == 1
        or ablation.contrasts
        or ablation.sweep
        or ablation.tune
    ):
        return ablation, ""
    found = factors(ablation.recipe, placed)
    if any(abs(factor - 1) >= _NEAR_ONE for factor in found):
        return ablation, ""
    norms = tuple(norm for norm in ablation.norms if norm != "scaled")
    gains = ", ".join(f"{factor:.3g}" for factor in found)
    return replace(ablation, norms=norms), (
        "Note: the arm scaled is left out, because LRN leaves the scale alone here "
        f"(median gain {gains})."
    )
