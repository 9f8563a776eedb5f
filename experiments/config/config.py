"""What is asked for: one run, a recipe and what is known of it, a whole ablation."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import tyro

from ..terminal.errors import UserError
from . import contrasts, sweep, tuning
from .arms import DRAW, TUNED
from .recipe import NormName, Recipe, check
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

    @property
    def is_draw(self) -> bool:
        """Whether tuning chooses from it: it then never sees the test images."""
        return self.variant.startswith(f"{DRAW}=")


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
    """Train arms once for each value of one number of the recipe; each value is an arm
    of its own. alpha=1e-4,1e-3 and LRN's other hyperparameters vary lrn and scaled, a
    constant such as whole_map.b=1,5 its arms, other numbers, such as
    learning_rate=1e-3,1e-2, every arm."""
    tune: Annotated[
        int | None, tyro.conf.arg(metavar="INT", help_behavior_hint="(default: none)")
    ] = None
    """Tune each arm first, with this number of draws of learning rate, weight decay
    and, for norms that have one, their strength, the same draws for all arms. The draw
    with the lowest validation loss makes an arm of its own, tested beside the untuned
    one."""

    def __post_init__(self):
        """Checks the values."""
        chosen = " ".join(self.norms)
        check(len(self.norms) >= 1, "norms", "at least one norm", "none at all")
        different = len(set(self.norms)) == len(self.norms)
        check(different, "norms", "different from one another", chosen)
        check(self.tune is None or self.tune >= 1, "tune", "at least 1", self.tune)
        swept = self.sweep and self.tune
        check(not swept, "tune", "left out where --sweep is given", self.tune)


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
    needs no other options: they are kept there. Further --norms, values of --sweep,
    draws of --tune and --seeds are added, and kept as well."""
    shard: Annotated[str, tyro.conf.arg(metavar="I/N")] = "1/1"
    """Do the I-th of N about equal parts of the runs, and leave the others to other
    jobs, with the same --output or another; with --tune it has to be the same."""
    checkpoint_seconds: float = 10.0
    """Save a checkpoint after each epoch that ends at least so long after the last one:
    0 for every epoch, inf for none."""
    keep_checkpoints: tyro.conf.FlagCreatePairsOff[bool] = False
    """Keep the last checkpoint of a finished run: its final weights."""
    tensorboard: tyro.conf.FlagCreatePairsOff[bool] = False
    """Write the metrics to event files as well, in the folder tensorboard of --output
    (and of its folder tuning), epoch by epoch: tensorboard --logdir shows them. Needs:
    pip install tensorboardX."""

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
        self.part([])  # checks the shard

    def part(self, runs: list[Config]) -> list[Config]:
        """Returns the part of runs that this job does."""
        try:
            part, parts = map(int, self.shard.split("/"))
        except ValueError:
            part = parts = 0
        expected = "I/N with 1 <= I <= N"
        check(1 <= part <= parts, "shard", expected, self.shard or "nothing")
        return runs[part - 1 :: parts]


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
        check(
            not (self.tune and self.distributed and self.output is None),
            "output",
            "given where several processes tune (--tune, --distributed)",
            "nothing",
        )
        self.compared()  # checks the sweep, too
        for norm in self.norms if self.tune else ():
            tuning.space(self.recipe, norm)  # checks what is tuned

    def arms(self) -> list[Config]:
        """Returns the run with seed 0 of each arm.

        Tuned arms are known by name before their values are, see `configs`.
        """
        varied = sweep.swept(self.norms, self.sweep) if self.sweep else []
        arms = []
        for norm in self.norms:
            if norm in varied:
                variants = sweep.variants(self.recipe, self.sweep)
                arms += [Config(each, norm, 0, name) for name, each in variants.items()]
            else:
                arms.append(Config(self.recipe, norm, 0))
        return arms + ([replace(arm, variant=TUNED) for arm in arms if self.tune])

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

    def draws(self) -> dict[Config, dict[str, float]]:
        """Returns the runs that tuning chooses from, with the values drawn for each.

        Arm by arm within a draw.
        """
        if not self.tune:
            return {}
        number = self.tune
        values = {norm: tuning.draws(self.recipe, norm, number) for norm in self.norms}
        return {
            Config(
                tuning.with_values(self.recipe, values[norm][i]),
                norm,
                tuning.SEED,
                f"{DRAW}={i + 1}",
            ): values[norm][i]
            for i in range(number)
            for norm in self.norms
        }

    def configs(self, chosen: Mapping[NormName, Recipe] | None = None) -> list[Config]:
        """Returns the tested runs of this job, arm by arm within a seed.

        In this order a drift of the machine's speed meets all arms alike.

        Args:
          chosen: By norm, the recipe that tuning chose; the tuned runs of other norms
            are left out. Without it all are there, with the values of the recipe.
        """
        seeds = range(self.seeds or self.fewest_seeds)
        runs = self.part([replace(arm, seed=i) for i in seeds for arm in self.arms()])
        if chosen is None:
            return runs
        return [
            replace(run, recipe=chosen[run.norm]) if run.variant == TUNED else run
            for run in runs
            if run.variant != TUNED or run.norm in chosen
        ]
