"""The command: every recipe and arm in turns, a table for each recipe."""

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from .. import augment, environment
from ..config import NormName, Recipe, RecipeName
from ..errors import UserError
from ..recipes import PRESETS
from ..signals import status_of
from . import jax_steps, results
from .measure import take_turns
from .results import OURS, Measured, Row

_DEFAULT_RECIPES: tuple[RecipeName, ...] = (
    "article",
    "caffe_quick",
    "caffe_full",
    "conv_local",
    "tf_tutorial",
    "resnet20",
)
_LEARNING_RATE = 1e-9


@dataclass(frozen=True)
class Speed:
    """Measures the training step of recipes, beside the same one in PyTorch.

    Networks, norms and optimizers are those of the ablation; images are random ones of
    the right shape, so that no data are needed. All contenders of a recipe take turns.
    Our step prepares and augments its images, and keeps averages of parameters where
    the recipe does; PyTorch's, measured where that is installed, gets images that are
    ready, and keeps none. Its networks are measured in both layouts of images; the
    ratio is to the faster one.
    """

    recipes: Annotated[
        tyro.conf.Positional[tuple[RecipeName, ...]],
        tyro.conf.arg(metavar="[RECIPE ...]"),
    ] = _DEFAULT_RECIPES
    """Recipes to measure. alexnet takes minutes, and is left out unless it is named."""
    norms: Annotated[
        tuple[NormName, ...],
        tyro.conf.arg(help_behavior_hint="(default: those of each recipe)"),
    ] = ()
    """Arms to measure. With none among them, the share of the step that each norm takes
    is told."""
    batch_size: Annotated[
        int | None,
        tyro.conf.arg(
            metavar="INT", help_behavior_hint="(default: that of each recipe)"
        ),
    ] = None
    """Images per step."""
    seconds: float = 20.0
    """Time for each recipe, without the time to compile. Every contender takes at least
    three turns, of a tenth of a second or of one step."""
    threads: Annotated[
        int | None,
        tyro.conf.arg(
            metavar="INT",
            help_behavior_hint="(default: the cores this process may use)",
        ),
    ] = None
    """Threads of PyTorch."""
    torch: bool = True
    """Measure PyTorch too, where it is installed."""
    output: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")
    ] = None
    """New file for the measurements, a JSON object a line."""
    show: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")
    ] = None
    """Measure nothing, but print the tables of such a file again."""

    def __post_init__(self):
        """Checks the values."""
        for name in ("batch_size", "threads"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UserError(
                    f"`{name.replace('_', '-')}` must be at least 1, but got {value}."
                )
        if not 0 < self.seconds < math.inf:
            raise UserError(
                f"`seconds` must be finite and greater than 0, but got {self.seconds}."
            )
        for name in ("recipes", "norms"):
            values = getattr(self, name)
            if len(set(values)) < len(values):
                raise UserError(
                    f"`{name}` must be different from one another, but got "
                    f"{' '.join(values)}."
                )


# Takes a step and waits for its end.
Step = Callable[[], object]


def _recipe(name: RecipeName, batch_size: int | None) -> Recipe:
    recipe = PRESETS[name].recipe
    if recipe.dataset == "digits":  # too small to tell anything of a network
        recipe = replace(recipe, dataset="mnist")
    # Noise is not to be learned: an arm that diverged would compute with other numbers.
    return replace(
        recipe,
        batch_size=batch_size or recipe.batch_size,
        learning_rate=_LEARNING_RATE,
    )


def _contenders(
    recipe: Recipe, norms: Sequence[NormName], with_torch: bool
) -> dict[tuple[NormName, str], Step]:
    """Returns what takes a step, by norm and library."""
    dataset = jax_steps.random_dataset(recipe)
    steps: dict[tuple[NormName, str], Step] = {
        (norm, OURS): jax_steps.make_step(recipe, norm, dataset) for norm in norms
    }
    if with_torch:
        from . import torch_steps

        shape = augment.cropped_shape(recipe, dataset.train.image_shape)
        for norm in norms:
            for library in torch_steps.FORMATS:
                step = torch_steps.make_step(recipe, norm, library, shape)
                if step is not None:
                    steps[norm, library] = step
    return steps


def _print(measured: Measured, console: Console) -> None:
    console.print(measured.table().terminal(measured.title), "")


def _measure_recipe(
    recipe: Recipe,
    norms: Sequence[NormName],
    with_torch: bool,
    seconds: float,
    console: Console,
) -> Measured:
    with Progress(
        TextColumn("{task.description}"), BarColumn(), console=console, transient=True
    ) as progress:
        task = progress.add_task(f"{recipe.name}: compiling", total=1)
        contenders = _contenders(recipe, norms, with_torch)
        count = f"{recipe.name}: {len(contenders)} in turns"
        progress.update(task, description=count)
        times = take_turns(
            contenders,
            seconds,
            on_round=lambda share: progress.update(task, completed=share),
        )
    rows = [
        Row(
            norm,
            {library: times[norm, library] for each, library in times if each == norm},
        )
        for norm in norms
    ]
    return Measured(recipe.name, recipe.batch_size, rows)


def _make_file(path: Path) -> None:
    try:
        path.open("x").close()
    except OSError as error:
        raise UserError(
            f"`output` must be a new file, but {path} cannot be made: "
            f"{error.strerror}. Name another one."
        ) from error


def measure(options: Speed, console: Console, command: str) -> int:
    """Measures recipes and prints a table for each.

    Args:
      options: What to measure.
      console: Where to print.
      command: The command line that says the same, to be kept.

    Returns:
      The exit status: 0, or 130 after Ctrl-C.

    Raises:
      UserError: If the file for the measurements exists or cannot be written.
    """
    if options.show is not None:
        for measured in results.read(options.show):
            _print(measured, console)
        return 0
    origin: dict[str, Any] = {
        "command": command,
        "environment": environment.describe(),
    }
    with_torch = options.torch and find_spec("torch") is not None
    if with_torch:
        # Its threads would spin while they wait for work, on the cores of ours.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        import torch  # pyright: ignore[reportMissingImports]

        torch.set_num_threads(options.threads or environment.count_cores())
        origin["environment"]["torch"] = torch.__version__
        origin["torch_threads"] = torch.get_num_threads()
    elif options.torch:
        console.print("PyTorch is not installed: ours alone is measured.")
    if options.output is not None:
        _make_file(options.output)
    try:
        for name in options.recipes:
            recipe = _recipe(name, options.batch_size)
            norms = options.norms or PRESETS[name].norms
            measured = _measure_recipe(
                recipe, norms, with_torch, options.seconds, console
            )
            _print(measured, console)
            if options.output is not None:
                with options.output.open("a", encoding="utf-8") as file:
                    file.writelines(measured.records(origin))
    except KeyboardInterrupt as stop:
        console.print("Interrupted: what was measured is above.")
        return status_of(stop)
    return 0
