"""What was recorded is compared with what would be trained, before it is trained."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..config.arms import TUNED, own_fields
from ..config.config import Config
from ..terminal.errors import UserError
from .run import Run, recipe_fields


def different_fields(run: Run, config: Config) -> list[str]:
    """Returns the fields in which the recipe of a run is not that of a config."""
    recipe = json.loads(json.dumps(asdict(config.recipe), default=str))
    ours, theirs = dict(recipe_fields(recipe)), dict(recipe_fields(run.start["recipe"]))
    return [
        name
        for name in sorted(ours.keys() | theirs.keys())
        if ours.get(name) != theirs.get(name)
    ]


def _check_recipe(directory: Path, run: Run, config: Config) -> None:
    own: set[str] = set()
    # What a tuned arm has of its own is not known before the draws are compared.
    if run.norm != config.arm or config.variant == TUNED:
        own = own_fields(run.norm) | own_fields(config.arm)
    different = [
        name for name in different_fields(run, config) if name.split(".")[0] not in own
    ]
    if different:
        raise UserError(
            f"`resume` needs the options that {directory} was begun with, but its "
            f"recipe ({', '.join(different)}) is another. Leave them out: they are "
            "kept in the directory."
        )


def _check_data(directory: Path, run: Run, start: Mapping[str, Any]) -> None:
    for name in ("dataset_title", "fingerprint"):
        found, expected = start[name], run.start.get(name)
        if found != expected:
            raise UserError(
                f"`resume` needs the images that {directory} was begun with, but there "
                f"are others now: their {name.replace('_', ' ')} is {found} instead of "
                f"{expected}. Bring those images back, or start another ablation; what "
                "was recorded can still be reported."
            )


def made_with(start: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the environment and devices of a run, or of its last part, by name.

    Args:
      start: The first line of its metrics.
    """
    last = (start.get("resumed") or [start])[-1]
    return {**last["environment"], "devices": last.get("devices", 1)}


def check(
    directory: Path,
    recorded: Sequence[Run],
    arms: Sequence[Config],
    start: Mapping[str, Any],
) -> list[str]:
    """Compares the runs in a directory with the runs to be trained there.

    Args:
      directory: Where they are.
      recorded: The runs there.
      arms: A run of each arm that is to be trained.
      start: What would be recorded of them now.

    Returns:
      In words, what they were made with that is something else now. It may change
      numbers.

    Raises:
      UserError: If recipe or images are others: they could not be reported together.
    """
    by_name = {arm.arm: arm for arm in arms}
    now = made_with(start)
    changes: dict[str, None] = {}  # in order, each once
    for run in recorded:
        _check_recipe(directory, run, by_name.get(run.norm, arms[0]))
        _check_data(directory, run, start)
        before = made_with(run.start)
        changes |= {
            f"{name} {now[name]} instead of {before[name]}": None
            for name in now
            if before.get(name, now[name]) != now[name]
        }
    return list(changes)
