"""What all arms have in common, in groups: data, model, optimisation, norms.

Classes are frozen and typed, and check their values when they are made. The command
line is generated from them (command_line.py): each group is a section of the help, and
the docstring of a field is the help of its option.
"""

import math
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import tyro

from ..models import LayerName, NetworkName
from ..terminal.errors import UserError
from .arms import ARMS
from .source import Source

if TYPE_CHECKING:
    NormName = str
else:  # the choices of the command line
    NormName = Literal[tuple(ARMS)]
DEFAULT_RECIPE = "article"
Inputs = Literal["unit", "minus_mean", "standardized", "standardized_each"]
_Factors = Annotated[
    tuple[tuple[str, float], ...], tyro.conf.arg(metavar="[PATTERN NUMBER ...]")
]

T = TypeVar("T")
# An option, or a section of them, that begins with its own name: --lrn.alpha.
_Named = Annotated[T, tyro.conf.arg(prefix_name=False)]
_NamedSection = Annotated[T, tyro.conf.arg(prefix_name=False, help="")]


def check(condition: bool, name: str, expected: str, value: object) -> None:
    """Refuses the value of an option.

    Raises:
      UserError: Unless the condition holds.
    """
    if not condition:
        raise UserError(f"`{name}` must be {expected}, but got {value}.")


def _check_not_negative(name: str, value: float) -> None:
    check(math.isfinite(value) and value >= 0, name, ">= 0", value)


def _check_share(name: str, value: float) -> None:
    check(0 <= value < 1, name, "at least 0 and less than 1", value)


def _check_finite(name: str, value: float) -> None:
    check(math.isfinite(value), name, "a finite number", value)


@dataclass(frozen=True)
class Data(Source):
    """Images, and how they are prepared."""

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
    train_images: int | None = None
    """Number of training images to train on, the first ones after others are held out.
    None: all."""

    def __post_init__(self):
        """Checks the values."""
        Source.__post_init__(self)
        number = self.train_images
        check(number is None or number >= 1, "train-images", "at least 1", number)
        check(self.padding >= 0, "padding", ">= 0", self.padding)
        check(self.crop is None or self.crop >= 1, "crop", "at least 1", self.crop)
        check(
            self.crop is not None or self.padding == 0,
            "padding",
            "0 where nothing is cropped (--crop)",
            self.padding,
        )
        low, high = self.contrast or (1, 1)
        check(0 < low <= high, "contrast", "two factors 0 < LOW <= HIGH", (low, high))


@dataclass(frozen=True)
class Model:
    """The network."""

    network: NetworkName = "article"
    """Layers, their sizes and initial weights; conv_local_wide is conv_local with 64
    filters instead of 32 in its first locally connected layer."""
    dropout_rate: float = 0.5
    """Share of the hidden units dropped while training, in networks with dropout:
    article and alexnet."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """What the network computes in. Parameters, statistics and losses are float32."""
    plain_layers: Annotated[
        tuple[LayerName, ...], tyro.conf.arg(metavar="[LAYER ...]")
    ] = ()
    """Layers to take from Flax as they are, instead of this project's, which are faster
    on CPU and equal up to rounding: any of convolution, locally_connected, max_pooling,
    average_pooling, or all."""

    def __post_init__(self):
        """Checks the values."""
        _check_share("dropout-rate", self.dropout_rate)


@dataclass(frozen=True)
class Optimisation:
    """How the parameters are trained."""

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
    path (conv1/kernel) counts, as in a shell: */bias 2. Parameters of norm layers are
    reached by patterns that begin with norm alone: norm*/*."""
    momentum: float = 0.9
    """Of sgd."""
    weight_decay: _Factors = ()
    """By parameter, as above: this multiple of the parameter is added to its gradient.
    """
    parameter_average: float = 0.0
    """Decay of a moving average of the parameters, with which accuracy is measured;
    0 measures with the parameters themselves."""
    target_accuracy: float | None = None
    """Validation accuracy, between 0 and 1, that the report counts the epochs to."""

    def __post_init__(self):
        """Checks the values."""
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            check(value >= 1, name.replace("_", "-"), "at least 1", value)
        rate = self.learning_rate
        check(math.isfinite(rate) and rate > 0, "learning-rate", "greater than 0", rate)
        target = self.target_accuracy
        if target is not None:
            check(0 < target <= 1, "target-accuracy", "between 0 and 1", target)
        for name in ("momentum", "parameter_average"):
            _check_share(name.replace("_", "-"), getattr(self, name))
        check(
            all(0 < drop < 1 for drop in self.drops),
            "drops",
            "shares between 0 and 1",
            self.drops,
        )
        for name in ("learning_rate_factors", "weight_decay"):
            for pattern, value in getattr(self, name):
                _check_not_negative(f"{name.replace('_', '-')} {pattern}", value)


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
        check(self.depth_radius >= 0, "lrn.depth-radius", ">= 0", self.depth_radius)
        for name in ("bias", "alpha"):
            _check_not_negative(f"lrn.{name}", getattr(self, name))
        _check_finite("lrn.beta", self.beta)


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
        check(odd, "lrn-within.size", "odd and at least 1", self.size)
        _check_not_negative("lrn-within.alpha", self.alpha)
        _check_finite("lrn-within.beta", self.beta)


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
            _check_not_negative(f"whole-map.{name}", getattr(self, name))


@dataclass(frozen=True)
class Norms:
    """Constants of the norms."""

    lrn: _NamedSection[LRNHyperparameters] = field(default_factory=LRNHyperparameters)
    lrn_within: _NamedSection[LRNWithinHyperparameters] = field(
        default_factory=LRNWithinHyperparameters
    )
    whole_map: _NamedSection[WholeMapHyperparameters] = field(
        default_factory=WholeMapHyperparameters
    )
    group_size: _Named[int] = 8
    """Channels in each group of the arm group_norm."""

    def __post_init__(self):
        """Checks the values."""
        check(self.group_size >= 1, "group-size", "at least 1", self.group_size)


@dataclass(frozen=True)
class Recipe(Norms, Optimisation, Model, Data):
    """Everything the arms have in common; its groups are its bases, the last first."""

    name: str = DEFAULT_RECIPE
    """The preset that this began as."""

    def __post_init__(self):
        """Checks the values."""
        for group in reversed(Recipe.__bases__):
            group.__post_init__(self)  # pyright: ignore[reportAttributeAccessIssue]

    @property
    def source(self) -> Source:
        """The data set alone: recipes that differ elsewhere have the same."""
        return Source(
            **{each.name: getattr(self, each.name) for each in fields(Source)}
        )
