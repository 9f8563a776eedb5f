"""What is asked for: one run, a recipe and what is known of it, a whole ablation."""

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any

import tyro

from ..terminal.errors import UserError
from . import contrasts
from .recipe import LRNHyperparameters, NormName, Recipe, check
from .significance import fewest_seeds


@dataclass(frozen=True)
class Config:
    """One run: the recipe, the norm that makes the arm, and the seed."""

    recipe: Recipe
    norm: NormName
    seed: int
    variant: str = ""
    """What tells the arm from others with the same norm, such as "alpha=0.001"."""

    @property
    def arm(self) -> str:
        """The name of the arm, in records and of files."""
        return f"{self.norm}-{self.variant}" if self.variant else self.norm


@dataclass(frozen=True)
class Reference:
    """A published accuracy of a recipe."""

    arm: NormName
    accuracy: float
    """Between 0 and 1."""
    source: str
    note: str = ""


@dataclass(frozen=True)
class Preset:
    """A recipe with what is known about it."""

    recipe: Recipe
    norms: tuple[NormName, ...]
    """The arms its source compares, and those one would ask for beside them."""
    network: str
    """The network and its training, in a sentence."""
    deviations: tuple[str, ...] = ()
    """Sentences on where the recipe leaves its source."""
    references: tuple[Reference, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """Which arms are compared."""

    norms: Annotated[tuple[NormName, ...], tyro.conf.arg(metavar="ARM [ARM ...]")] = (
        "none",
        "lrn",
        "batch_norm",
        "whole_map",
    )
    """Arms to compare. The first one is the baseline of what is not in --contrasts."""
    contrasts: Annotated[
        tuple[str, ...],
        tyro.conf.arg(
            metavar="[ARM-ARM ...]",
            help_behavior_hint="(default: what LRN does)",
        ),
    ] = ()
    """Differences to test, for example lrn-none lrn-batch_norm: the accuracy of the
    first arm less that of the second. Name them before training: p is corrected for
    their number, and all other differences are only shown. Without it they are
    lrn-none, lrn-scaled, lrn-batch_norm and lrn_batch_norm-batch_norm, as far as there
    are arms for them; if there is none, each arm less the first."""
    sweep: Annotated[str, tyro.conf.arg(metavar="NAME=VALUE,VALUE,...")] = ""
    """Train the arm lrn once for each value of one of its hyperparameters, for example
    alpha=1e-4,1e-3,1e-2; each value is an arm of its own."""

    def __post_init__(self):
        """Checks the values."""
        chosen = " ".join(self.norms)
        check(len(self.norms) >= 1, "norms", "at least one norm", "none at all")
        different = len(set(self.norms)) == len(self.norms)
        check(different, "norms", "different from one another", chosen)
        swept = "lrn" in self.norms or not self.sweep
        check(swept, "norms", "a selection with lrn, which --sweep varies", chosen)


@dataclass(frozen=True)
class Execution:
    """Which runs are made, and what is kept of them."""

    seeds: Annotated[
        int | None,
        tyro.conf.arg(
            metavar="INT",
            help_behavior_hint="(default: the fewest that can show a difference)",
        ),
    ] = None
    """Number of seeds: each arm is trained with seed 0, 1, 2, ... Without it they are
    the fewest that can show a difference in so many contrasts, such as 6 for 1
    contrast, 7 for 2 or 3, 8 for 4."""
    output: Annotated[
        Path | None,
        tyro.conf.arg(
            metavar="DIR", help_behavior_hint="(default: runs/DATASET-DATE-TIME)"
        ),
    ] = None
    """New directory for metrics and report."""
    resume: tyro.conf.FlagCreatePairsOff[bool] = False
    """Go on with the ablation in --output, which was ended before it was finished. It
    needs no other options: they are kept there. Further --norms, values of --sweep and
    --seeds are added, and kept as well."""
    shard: Annotated[str, tyro.conf.arg(metavar="I/N")] = "1/1"
    """Do the I-th of N about equal parts of the runs, and leave the others to other
    jobs, with the same --output or another."""
    checkpoint_seconds: float = 10.0
    """Save a checkpoint after each epoch that ends at least so long after the last one:
    0 for every epoch, inf for none."""
    keep_checkpoints: tyro.conf.FlagCreatePairsOff[bool] = False
    """Keep the last checkpoint of a finished run: its final weights."""
    tensorboard: tyro.conf.FlagCreatePairsOff[bool] = False
    """Write the metrics to event files as well, in the folder tensorboard of --output,
    epoch by epoch: tensorboard --logdir shows them. Needs: pip install tensorboardX."""

    def __post_init__(self):
        """Checks the values."""
        check(self.seeds is None or self.seeds >= 1, "seeds", "at least 1", self.seeds)
        seconds = self.checkpoint_seconds
        check(seconds >= 0, "checkpoint-seconds", ">= 0", seconds)
        if self.resume and self.output is None:
            raise UserError(
                "`resume` needs the directory of an ablation that was ended early, but "
                "no --output was given."
            )
        self.part_of_runs()

    def part_of_runs(self) -> tuple[int, int]:
        """Returns the part of the runs to do, from 0, and the number of parts."""
        try:
            part, parts = map(int, self.shard.split("/"))
        except ValueError:
            part = parts = 0
        expected = "I/N with 1 <= I <= N"
        check(1 <= part <= parts, "shard", expected, self.shard or "nothing")
        return part - 1, parts


@dataclass(frozen=True)
class Cluster:
    """On what the runs are made: devices and processes."""

    devices: int = 1
    """Devices to divide each batch among. A single one is best where the runs can be
    divided instead (--shard)."""
    distributed: tyro.conf.FlagCreatePairsOff[bool] = False
    """Divide each batch among all devices of several processes, each started with this
    command. On clusters JAX finds the processes by itself; elsewhere the next three
    options name them."""
    coordinator: Annotated[str, tyro.conf.arg(metavar="HOST:PORT")] = ""
    """Address at which process 0 can be reached."""
    num_processes: int | None = None
    """Number of processes."""
    process_id: int | None = None
    """Number of this process, from 0."""

    def __post_init__(self):
        """Checks the values."""
        check(self.devices >= 1, "devices", "at least 1", self.devices)


@dataclass(frozen=True)
class Ablation(Cluster, Execution, Comparison):
    """Trains the same network with each norm and several seeds, and compares them."""

    recipe: Recipe = field(default_factory=Recipe)

    def __post_init__(self):
        """Checks the values."""
        for group in reversed(Ablation.__bases__):
            group.__post_init__(self)  # pyright: ignore[reportAttributeAccessIssue]
        lrn = self.recipe.lrn
        check(
            "divisive" not in self.norms or min(lrn.bias, lrn.alpha, lrn.beta) > 0,
            "lrn.bias, lrn.alpha and lrn.beta",
            "greater than 0 where the arm divisive begins from them",
            f"{lrn.bias}, {lrn.alpha} and {lrn.beta}",
        )
        self.compared()  # checks the sweep, too

    def _sweep(self) -> dict[str, Recipe]:
        """Returns a recipe for each value of the sweep, by the name of the variant."""
        name, _, values = self.sweep.partition("=")
        name = name.replace("-", "_")
        defaults = {each.name: each.default for each in fields(LRNHyperparameters)}
        expected = f"NAME=VALUE,VALUE,... with a NAME of {', '.join(defaults)}"
        check(name in defaults and values != "", "sweep", expected, self.sweep)
        kind: Any = type(defaults[name])
        try:
            numbers = [kind(value) for value in values.split(",")]
        except ValueError:
            numbers = []
        check(
            bool(numbers) and len(set(numbers)) == len(numbers),
            "sweep",
            f"{expected} that are different numbers ({kind.__name__})",
            self.sweep,
        )

        def in_digits(number: float) -> str:
            short = f"{number:g}"  # may be that of another number, too
            return short if float(short) == number else repr(number)

        return {
            f"{name}={in_digits(number)}": replace(
                self.recipe, lrn=replace(self.recipe.lrn, **{name: number})
            )
            for number in numbers
        }

    def arms(self) -> list[Config]:
        """Returns the run with seed 0 of each arm."""
        arms = []
        for norm in self.norms:
            if norm == "lrn" and self.sweep:
                for variant, recipe in self._sweep().items():
                    arms.append(Config(recipe, norm, 0, variant))
            else:
                arms.append(Config(self.recipe, norm, 0))
        return arms

    def compared(self) -> list[contrasts.Contrast]:
        """Returns the pairs of arms whose difference is tested."""
        arms = [arm.arm for arm in self.arms()]
        if self.contrasts:
            return contrasts.parse(self.contrasts, arms)
        return contrasts.default(arms)

    @property
    def fewest_seeds(self) -> int:
        """With how many seeds the contrasts can show a difference at all."""
        return fewest_seeds(max(1, len(self.compared())))

    def configs(self) -> list[Config]:
        """Returns the runs of this job, arm by arm within a seed.

        In this order a drift of the machine's speed meets all arms alike.
        """
        seeds = range(self.seeds or self.fewest_seeds)
        runs = [replace(arm, seed=seed) for seed in seeds for arm in self.arms()]
        part, parts = self.part_of_runs()
        return runs[part::parts]
