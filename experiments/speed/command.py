"""The command: every recipe and arm in turns, a table for each recipe."""

import json
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
from rich.table import Table

from .. import augment, environment
from ..config import NormName, Recipe, RecipeName
from ..errors import INTERRUPTED, UserError
from ..norms import title
from ..recipes import PRESETS
from . import ours
from .measure import Times, take_turns

_DEFAULT_RECIPES: tuple[RecipeName, ...] = (
    "article",
    "caffe_quick",
    "caffe_full",
    "conv_local",
    "tf_tutorial",
    "resnet20",
)
_NOTHING = "\N{EN DASH}"
_LEARNING_RATE = 1e-9


@dataclass(frozen=True)
class Speed:
    """Measures the training step of recipes, beside the same one in PyTorch.

    Networks, norms and optimizers are those of the ablation; images are random ones of
    the right shape, so that no data are needed. All contenders of a recipe take turns.
    Our step prepares and augments its images, and keeps averages of parameters where
    the recipe does; PyTorch's, measured where that is installed, gets images that are
    ready, and keeps none. Its networks are measured in both layouts of images; the
    table has the faster one.
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
    three steps."""
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


@dataclass(frozen=True)
class Contender:
    """One step that is measured."""

    norm: NormName
    library: str
    """jax, or torch with a layout of images."""
    step: Callable[[], object]


@dataclass(frozen=True)
class Row:
    """What was measured of an arm."""

    norm: NormName
    ours: Times
    peers: dict[str, Times]
    """By library; empty where there is no twin."""

    @property
    def fastest_peer(self) -> str | None:
        """The faster of PyTorch's layouts."""
        return min(self.peers, key=lambda name: self.peers[name].median, default=None)

    def ratio(self) -> float | None:
        """Returns our images per second as a multiple of the fastest peer's."""
        peer = self.fastest_peer
        return None if peer is None else self.peers[peer].median / self.ours.median

    def share(self, without: Times | None) -> float | None:
        """Returns the share of the step that the norm takes.

        Args:
          without: The step without a norm, if it was measured.
        """
        if without is None or self.norm == "none":
            return None
        return 1 - without.median / self.ours.median


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
) -> list[Contender]:
    dataset = ours.random_dataset(recipe)
    contenders = [
        Contender(norm, "jax", ours.make_step(recipe, norm, dataset)) for norm in norms
    ]
    if with_torch:
        from . import torch_steps

        shape = augment.cropped_shape(recipe, dataset.train.image_shape)
        for norm in norms:
            for layout in torch_steps.FORMATS:
                step = torch_steps.make_step(recipe, norm, layout, shape)
                if step is not None:
                    contenders.append(Contender(norm, f"torch {layout}", step))
    return contenders


def _rows(
    contenders: Sequence[Contender], times: dict[tuple[str, str], Times]
) -> list[Row]:
    return [
        Row(
            norm=each.norm,
            ours=times[each.norm, each.library],
            peers={
                peer.library: times[peer.norm, peer.library]
                for peer in contenders
                if peer.norm == each.norm and peer.library != "jax"
            },
        )
        for each in contenders
        if each.library == "jax"
    ]


def _measure_recipe(
    recipe: Recipe,
    norms: Sequence[NormName],
    with_torch: bool,
    seconds: float,
    console: Console,
) -> list[Row]:
    with Progress(
        TextColumn("{task.description}"), BarColumn(), console=console, transient=True
    ) as progress:
        task = progress.add_task(f"{recipe.name}: compiling", total=1)
        contenders = _contenders(recipe, norms, with_torch)
        count = f"{recipe.name}: {len(contenders)} in turns"
        progress.update(task, description=count)
        times = take_turns(
            {(each.norm, each.library): each.step for each in contenders},
            seconds,
            on_round=lambda share: progress.update(task, completed=share),
        )
    return _rows(contenders, times)


def make_table(recipe: Recipe, rows: Sequence[Row]) -> Table:
    """Returns what was measured of a recipe, for people."""
    rounds = len(rows[0].ours.seconds)
    table = Table(
        title=f"{recipe.name}, {recipe.batch_size} images a step, {rounds} turns each"
    )
    columns = ("norm", "ms a step", "images/s", "PyTorch", "ratio", "norm's share")
    for i, column in enumerate(columns):
        table.add_column(column, justify="left" if i == 0 else "right")
    without = next((row.ours for row in rows if row.norm == "none"), None)
    for row in rows:
        peer, ratio, share = row.fastest_peer, row.ratio(), row.share(without)
        table.add_row(
            title(row.norm),
            f"{1000 * row.ours.median:.1f}",
            f"{recipe.batch_size / row.ours.median:,.0f}",
            _NOTHING
            if peer is None
            else f"{recipe.batch_size / row.peers[peer].median:,.0f} "
            f"({peer.removeprefix('torch ')})",
            _NOTHING if ratio is None else f"{ratio:.2f}",
            _NOTHING if share is None else f"{share:.1%}",
        )
    return table


def _make_file(path: Path) -> None:
    try:
        path.open("x").close()
    except OSError as error:
        raise UserError(
            f"`output` must be a new file, but {path} cannot be made: "
            f"{error.strerror}. Name another one."
        ) from error


def _record(recipe: Recipe, row: Row, origin: dict[str, Any]) -> str:
    seconds = {"jax": row.ours, **row.peers}
    content = {
        **origin,
        "recipe": recipe.name,
        "batch_size": recipe.batch_size,
        "norm": row.norm,
        "seconds": {name: list(times.seconds) for name, times in seconds.items()},
    }
    return json.dumps(content) + "\n"


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
    origin: dict[str, Any] = {
        "command": command,
        "environment": environment.describe(),
    }
    with_torch = options.torch and find_spec("torch") is not None
    if with_torch:
        # Its threads would spin while they wait for work, on the cores of ours.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        import torch

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
            rows = _measure_recipe(recipe, norms, with_torch, options.seconds, console)
            console.print(make_table(recipe, rows))
            if options.output is not None:
                with options.output.open("a", encoding="utf-8") as file:
                    file.writelines(_record(recipe, row, origin) for row in rows)
    except KeyboardInterrupt:
        console.print("Interrupted: what was measured is above.")
        return INTERRUPTED
    return 0
