"""What a run is made of: frozen, typed, checked when made, and all of it recorded.

The command line is generated from these classes; a field's docstring is its help.
"""

import math
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from ..terminal.errors import UserError
from .arms import ARMS
from .significance import fewest_seeds
from .source import DatasetName as DatasetName
from .source import Source

if TYPE_CHECKING:
    NormName = str
else:  # the choices of the command line
    NormName = Literal[tuple(ARMS)]
NetworkName = Literal[
    "article",
    "caffe_quick",
    "caffe_full",
    "conv_local",
    "conv_local_wide",
    "tf_tutorial",
    "alexnet",
    "resnet20",
]
DEFAULT_RECIPE = "article"
Inputs = Literal["unit", "minus_mean", "standardized", "standardized_each"]
_Directory = Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")]
_Factors = Annotated[
    tuple[tuple[str, float], ...], tyro.conf.arg(metavar="[PATTERN NUMBER ...]")
]


def _check(condition: bool, name: str, expected: str, value: object) -> None:
    if not condition:
        raise UserError(f"`{name}` must be {expected}, but got {value}.")


def _finite_and_not_negative(value: float) -> bool:
    return math.isfinite(value) and value >= 0


@dataclass(frozen=True)
class LRNHyperparameters:
    """LRN across channels: of the arms lrn and lrn_batch_norm, where divisive begins.

    The defaults are the AlexNet paper's, as printed.
    """

    depth_radius: int = 2
    """Half-width of the window, in channels, not counting the center."""
    bias: float = 2.0
    """Additive constant (k in the paper)."""
    alpha: float = 1e-4
    """Weight of the plain sum of squares (PyTorch's alpha divided by its size)."""
    beta: float = 0.75
    """Exponent."""

    def __post_init__(self):
        """Checks the values."""
        _check(self.depth_radius >= 0, "lrn.depth-radius", ">= 0", self.depth_radius)
        for name in ("bias", "alpha"):
            value = getattr(self, name)
            _check(_finite_and_not_negative(value), f"lrn.{name}", ">= 0", value)
        _check(math.isfinite(self.beta), "lrn.beta", "a finite number", self.beta)


@dataclass(frozen=True)
class LRNWithinHyperparameters:
    """The arm lrn_within, Caffe's WITHIN_CHANNEL; the defaults are of cifar10_full."""

    size: int = 3
    """Side of the square window in each map, odd."""
    alpha: float = 5e-5
    """Weight of the mean of the squares in the window."""
    beta: float = 0.75
    """Exponent."""

    def __post_init__(self):
        """Checks the values."""
        odd = self.size >= 1 and self.size % 2 == 1
        _check(odd, "lrn-within.size", "odd and at least 1", self.size)
        _check(
            _finite_and_not_negative(self.alpha), "lrn-within.alpha", ">= 0", self.alpha
        )
        _check(
            math.isfinite(self.beta), "lrn-within.beta", "a finite number", self.beta
        )


@dataclass(frozen=True)
class WholeMapHyperparameters:
    """The arm of the article: x / sqrt(a + b * sum over height and width of x^2)."""

    a: float = 4.0
    """Additive constant."""
    b: float = 5.0
    """Weight of the sum of squares over height and width."""

    def __post_init__(self):
        """Checks the values."""
        for name in ("a", "b"):
            value = getattr(self, name)
            _check(_finite_and_not_negative(value), f"whole-map.{name}", ">= 0", value)


@dataclass(frozen=True)
class Recipe(Source):
    """Everything the arms have in common, beginning with the data."""

    name: tyro.conf.Suppress[str] = DEFAULT_RECIPE
    """The preset that this began as."""

    network: NetworkName = "article"
    """Layers, their sizes and initial weights; conv_local_wide is conv_local with 64
    filters instead of 32 in its first locally connected layer."""
    dropout_rate: float = 0.5
    """Share of the hidden units dropped while training, where the network has such
    layers: article and alexnet."""

    inputs: Inputs = "unit"
    """What pixels become. LRN's strength depends on their scale. unit: numbers between
    0 and 1. minus_mean: between 0 and 255, less the mean of the training images at each
    pixel. standardized: mean 0 and deviation 1 for each color over the training images.
    standardized_each: the same for each image by itself, over all colors."""
    crop: int | None = None
    """Height and width of what is cut out of an image: at a random place while
    training, from the center when accuracy is measured. None: whole images."""
    padding: int = 0
    """Zeros put around an image before it is cropped; only while training."""
    flip: bool = False
    """Mirror every other image, at random, while training."""
    contrast: tuple[float, float] | None = None
    """Range of a random factor on each image's distance from its mean in each color,
    while training."""

    epochs: int = 40
    """Passes over the training images."""
    batch_size: int = 64
    """Images per step. The rest of an epoch that fills no batch is left out of it."""
    optimizer: Literal["adam", "sgd"] = "adam"
    """sgd multiplies by the learning rate before it accumulates momentum, as
    cuda-convnet and Caffe do."""
    learning_rate: float = 1e-3
    """Step size at the start."""
    drops: tuple[float, ...] = ()
    """Moments, as shares of the whole training, at which the learning rate is divided
    by 10."""
    learning_rate_factors: _Factors = ()
    """Multiples of the learning rate, by parameter; the first pattern that fits its
    path (conv1/kernel) counts, as in a shell: */bias 2."""
    momentum: float = 0.9
    """Of sgd."""
    weight_decay: _Factors = ()
    """By parameter, as above: this multiple of the parameter is added to its gradient.
    Parameters of norm layers are never decayed."""
    parameter_average: float = 0.0
    """Decay of a moving average of the parameters, with which accuracy is measured;
    0 measures with the parameters themselves."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """What the network computes in. Parameters, statistics and losses are float32."""

    lrn: LRNHyperparameters = field(default_factory=LRNHyperparameters)
    lrn_within: LRNWithinHyperparameters = field(
        default_factory=LRNWithinHyperparameters
    )
    whole_map: WholeMapHyperparameters = field(default_factory=WholeMapHyperparameters)
    group_size: int = 8
    """Channels in each group of the arm group_norm."""

    def __post_init__(self):
        """Checks the values."""
        super().__post_init__()
        for name in ("epochs", "batch_size", "group_size"):
            value = getattr(self, name)
            _check(value >= 1, name.replace("_", "-"), "at least 1", value)
        rate = self.learning_rate
        _check(
            math.isfinite(rate) and rate > 0, "learning-rate", "greater than 0", rate
        )
        for name in ("dropout_rate", "momentum", "parameter_average"):
            value = getattr(self, name)
            expected = "at least 0 and less than 1"
            _check(0 <= value < 1, name.replace("_", "-"), expected, value)
        _check(
            all(0 < drop < 1 for drop in self.drops),
            "drops",
            "shares between 0 and 1",
            self.drops,
        )
        _check(self.padding >= 0, "padding", ">= 0", self.padding)
        _check(self.crop is None or self.crop >= 1, "crop", "at least 1", self.crop)
        _check(
            self.crop is not None or self.padding == 0,
            "padding",
            "0 where nothing is cropped (--crop)",
            self.padding,
        )
        low, high = self.contrast or (1, 1)
        _check(0 < low <= high, "contrast", "two factors 0 < LOW <= HIGH", (low, high))
        for name in ("learning_rate_factors", "weight_decay"):
            for pattern, value in getattr(self, name):
                option = f"{name.replace('_', '-')} {pattern}"
                _check(_finite_and_not_negative(value), option, ">= 0", value)

    @property
    def source(self) -> Source:
        """The data alone: recipes that differ elsewhere have the same."""
        return Source(
            **{each.name: getattr(self, each.name) for each in fields(Source)}
        )


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


_DEFAULT_NORMS: tuple[NormName, ...] = ("none", "lrn", "batch_norm", "whole_map")


@dataclass(frozen=True)
class Ablation:
    """Trains the same network with each norm and several seeds, and compares them."""

    recipe: Annotated[Recipe, tyro.conf.arg(name="")] = field(default_factory=Recipe)
    norms: tuple[NormName, ...] = _DEFAULT_NORMS
    """Arms to compare. The first one is the baseline of the differences."""
    seeds: Annotated[
        int | None,
        tyro.conf.arg(
            metavar="INT",
            help_behavior_hint="(default: the fewest that can show a difference "
            "between so many arms, such as 6 for 2 arms, 7 for 4, 8 for 5)",
        ),
    ] = None
    """Number of seeds: each arm is trained with seed 0, 1, 2, ..."""
    sweep: Annotated[str, tyro.conf.arg(metavar="NAME=VALUE,VALUE,...")] = ""
    """Train the arm lrn once for each value of one of its hyperparameters, for example
    alpha=1e-4,1e-3,1e-2; each value is an arm of its own."""
    output: _Directory = None
    """New directory for metrics and report (default: runs/DATASET-DATE-TIME)."""
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
    devices: int = 1
    """Devices to divide each batch among. A single one is best where the runs can be
    divided instead (--shard)."""
    distributed: tyro.conf.FlagCreatePairsOff[bool] = False
    """Divide each batch among all devices of several processes, each started with this
    command. On clusters JAX finds out by itself who they are; elsewhere the next three
    options say it."""
    coordinator: Annotated[str, tyro.conf.arg(metavar="HOST:PORT")] = ""
    """Address at which process 0 can be reached."""
    num_processes: int | None = None
    """Number of processes."""
    process_id: int | None = None
    """Number of this process, from 0."""

    def __post_init__(self):
        """Checks the values."""
        _check(self.seeds is None or self.seeds >= 1, "seeds", "at least 1", self.seeds)
        _check(len(self.norms) >= 1, "norms", "at least one norm", "none at all")
        _check(
            len(set(self.norms)) == len(self.norms),
            "norms",
            "different from one another",
            " ".join(self.norms),
        )
        lrn = self.recipe.lrn
        _check(
            "divisive" not in self.norms or min(lrn.bias, lrn.alpha, lrn.beta) > 0,
            "lrn.bias, lrn.alpha and lrn.beta",
            "greater than 0 where the arm divisive begins from them",
            f"{lrn.bias}, {lrn.alpha} and {lrn.beta}",
        )
        seconds = self.checkpoint_seconds
        _check(seconds >= 0, "checkpoint-seconds", ">= 0", seconds)
        if self.resume and self.output is None:
            raise UserError(
                "`resume` needs the directory of an ablation that was ended early, but "
                "no --output was given."
            )
        _check(self.devices >= 1, "devices", "at least 1", self.devices)
        if self.sweep:
            _check(
                "lrn" in self.norms,
                "norms",
                "a selection with lrn, which --sweep varies",
                " ".join(self.norms),
            )
        self.configs()  # checks sweep and shard

    def _sweep(self) -> dict[str, Recipe]:
        """Returns a recipe for each value of the sweep, by the name of the variant."""
        name, _, values = self.sweep.partition("=")
        name = name.replace("-", "_")
        defaults = {each.name: each.default for each in fields(LRNHyperparameters)}
        expected = f"NAME=VALUE,VALUE,... with a NAME of {', '.join(defaults)}"
        _check(name in defaults and values != "", "sweep", expected, self.sweep)
        kind: Any = type(defaults[name])
        try:
            numbers = [kind(value) for value in values.split(",")]
        except ValueError:
            numbers = []
        _check(
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

    def _shard(self) -> tuple[int, int]:
        """Returns the part of the runs to do, from 0, and the number of parts."""
        try:
            part, parts = map(int, self.shard.split("/"))
        except ValueError:
            part = parts = 0
        expected = "I/N with 1 <= I <= N"
        _check(1 <= part <= parts, "shard", expected, self.shard or "nothing")
        return part - 1, parts

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

    @property
    def fewest_seeds(self) -> int:
        """With how many seeds a difference between the arms can be shown at all."""
        return fewest_seeds(max(1, len(self.arms()) - 1))

    def configs(self) -> list[Config]:
        """Returns the runs of this job, arm by arm within a seed.

        In this order a drift of the machine's speed meets all arms alike.
        """
        seeds = range(self.seeds or self.fewest_seeds)
        runs = [replace(arm, seed=seed) for seed in seeds for arm in self.arms()]
        part, parts = self._shard()
        return runs[part::parts]
