"""From options to measurements: every recipe's arms in turns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec

import jax

from experiments.config.arms import ARMS, title
from experiments.config.config import NormName, Recipe
from experiments.config.recipes import PRESETS
from experiments.data import Dataset
from experiments.models import LayerName
from experiments.training import augment

from ..environment import version
from ..options import check_selection
from ..records import Record
from ..run import Plan
from ..turns import Tell, Timer, take_turns, time_calls
from . import jax_steps
from .options import Step
from .tables import Family

# A turn lasts this long, after a warm-up that is not timed: first steps find another
# contender's data in the caches, and for a hundredth of a second the threads of that
# library still spin, as in no training.
_TURN_SECONDS = 0.1
_WARM_UP = 0.25

_LEARNING_RATE = 1e-9


# Takes a step and waits for its end.
Take = Callable[[], object]


@dataclass(frozen=True)
class _Contender:
    """A way to take the step of a recipe."""

    name: str
    title: str
    family: Family
    make: Callable[[Recipe, NormName, Dataset], Take | None]
    """Returns None for a norm that it does not have."""


def _ours(
    name: str, title: str, family: Family, plain: tuple[LayerName, ...]
) -> _Contender:
    def make(recipe: Recipe, norm: NormName, dataset: Dataset) -> Take:
        recipe = replace(recipe, plain_layers=plain)
        return jax_steps.make_step(recipe, norm, dataset)

    return _Contender(name, title, family, make)


def _torch(threads: int) -> list[_Contender]:
    from . import torch_steps

    torch_steps.set_threads(threads)

    def contender(library: str) -> _Contender:
        def make(recipe: Recipe, norm: NormName, dataset: Dataset) -> Take | None:
            shape = augment.cropped_shape(recipe, dataset.train.image_shape)
            return torch_steps.make_step(recipe, norm, library, shape)

        title = library.replace("torch", "PyTorch")
        return _Contender(library, title, "peer", make)

    return [*map(contender, torch_steps.FORMATS)]


def _contenders(options: Step) -> tuple[list[_Contender], list[str]]:
    """Returns who takes part, and who is left out and why."""
    chosen = [_ours("jax", "JAX", "ours", ())]
    for name in options.plain_layers:
        shown = f"plain {name.replace('_', ' ')}"
        chosen.append(_ours(f"jax plain {name}", shown, "plain", (name,)))
    if not options.torch:
        return chosen, []
    if jax.default_backend() != "cpu":
        return chosen, ["PyTorch: measured on CPU only"]
    if find_spec("torch") is None:
        return chosen, ["PyTorch: no torch installed"]
    return chosen + _torch(options.num_threads), []


def plan(options: Step, tell: Tell) -> Plan:
    """Returns the plan for these options.

    Raises:
      UserError: If there is no such recipe, norm or layer.
    """
    check_selection("recipes", options.recipes, PRESETS)
    check_selection("norms", options.norms, ARMS, least=0)
    presets = {str(name): preset for name, preset in PRESETS.items()}
    known: dict[str, NormName] = {norm: norm for norm in ARMS}
    contenders, left_out = _contenders(options)

    def measure(name: str) -> list[Record]:
        recipe = presets[name].recipe
        if recipe.dataset == "digits":  # too small to tell anything of a network
            recipe = replace(recipe, dataset="mnist")
        recipe = replace(
            recipe,
            batch_size=options.batch_size or recipe.batch_size,
            # Noise is not to be learned: an arm that diverged would compute with other
            # numbers.
            learning_rate=_LEARNING_RATE,
        )
        return _compare(
            recipe,
            [known[norm] for norm in options.norms] or presets[name].norms,
            contenders,
            rounds=options.rounds,
            seconds=options.seconds,
            tell=tell,
        )

    packages = ["flax", "optax"]
    if any(each.family == "peer" for each in contenders):
        packages.append("torch")
    versions = {name: version(name) for name in packages}
    return Plan(versions, left_out, map(measure, options.recipes))


def _compare(
    recipe: Recipe,
    norms: Sequence[NormName],
    contenders: Sequence[_Contender],
    *,
    rounds: int,
    seconds: float,
    tell: Tell,
) -> list[Record]:
    """Returns a record for each norm and contender that has it."""
    dataset = jax_steps.random_dataset(recipe)
    timers: dict[tuple[NormName, _Contender], Timer] = {}
    for norm in norms:
        for contender in contenders:
            tell(f"{recipe.name}: compiling {title(norm)}, {contender.title}")
            if (step := contender.make(recipe, norm, dataset)) is not None:
                timers[norm, contender] = partial(time_calls, step, lambda last: None)
    times = take_turns(
        timers,
        rounds=rounds,
        seconds=seconds,
        shortest=_TURN_SECONDS,
        warm_up=_WARM_UP,
        tell=lambda what: tell(f"{recipe.name}: {what}"),
    )
    return [
        {
            "record": "measurement",
            "recipe": recipe.name,
            "batch_size": recipe.batch_size,
            "norm": norm,
            "norm_title": title(norm),
            "contender": contender.name,
            "title": contender.title,
            "family": contender.family,
            **each.record(),
        }
        for (norm, contender), each in times.items()
    ]
