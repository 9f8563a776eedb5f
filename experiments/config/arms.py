"""The arms of the ablation, one entry each: what it is called, drawn as, and made of.

An arm is a tuple of layers at every place of a network where a norm goes, applied one
after the other; nothing else differs between arms. Functions import what they need when
they are called, so that whoever only reads of an arm loads no JAX.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .recipe import Recipe

# What makes each layer; some treat training and evaluation apart.
Layers = tuple[Callable[[], Any], ...]


@dataclass(frozen=True)
class Look:
    """How an arm is drawn: a color that stands out from each ground, and a marker."""

    on_light: str
    on_dark: str
    marker: str


@dataclass(frozen=True)
class Arm:
    """One entry of the table."""

    title: str
    """What people read."""
    description: str
    """What it does, in a phrase."""
    look: Look
    layers: "Callable[[Recipe, bool], Layers]"
    """Of a recipe, which holds the constants, and whether it is for training."""
    constants: str | None = None
    """The field of a recipe with the constants, which arms may share."""
    strength: str | None = None
    """The constant among them that says how strong it is, for tuning."""
    gain: bool = False
    """Whether its first layer multiplies each element by a gain."""
    local: bool = False
    """Whether that gain should vary, as LRN's should: a constant one says nothing."""
    before_relu: bool = False
    """Whether it stands before the relu, in networks whose norms follow it."""


def _lrn(recipe: "Recipe", train: bool) -> Layers:
    from lrn_jax.linen import LocalResponseNorm

    del train
    return (partial(LocalResponseNorm, **asdict(recipe.lrn)),)


def _scaled(recipe: "Recipe", train: bool) -> Layers:
    from ..models.norms import Scaled

    (lrn,) = _lrn(recipe, train)
    return (partial(Scaled, lrn),)


def _lrn_within(recipe: "Recipe", train: bool) -> Layers:
    from lrn_jax import conventions
    from lrn_jax.linen import LocalResponseNorm

    del train
    arguments = conventions.caffe(
        local_size=recipe.lrn_within.size,
        alpha=recipe.lrn_within.alpha,
        beta=recipe.lrn_within.beta,
        norm_region="WITHIN_CHANNEL",
    )
    arguments["axis"] = (1, 2)  # Caffe's channels are on axis 1
    return (partial(LocalResponseNorm, **arguments),)


def _whole_map(recipe: "Recipe", train: bool) -> Layers:
    from lrn_jax import conventions
    from lrn_jax.linen import LocalResponseNorm

    del train
    arguments = conventions.whole_map(a=recipe.whole_map.a, b=recipe.whole_map.b)
    return (partial(LocalResponseNorm, **arguments),)


def _divisive(recipe: "Recipe", train: bool) -> Layers:
    from lrn_jax.linen import LearnedLocalResponseNorm

    del train
    arguments = asdict(recipe.lrn)
    return (partial(LearnedLocalResponseNorm, **arguments, per_channel=True),)


def _batch_norm(recipe: "Recipe", train: bool) -> Layers:
    # flax's momentum of 0.99 would need hundreds of steps to forget the first batch,
    # more than a small data set has in its first epochs; 0.9 is PyTorch's default.
    return (_flax("BatchNorm", recipe, use_running_average=not train, momentum=0.9),)


def _lrn_batch_norm(recipe: "Recipe", train: bool) -> Layers:
    return _lrn(recipe, train) + _batch_norm(recipe, train)


# Over an image's height, width and channels, as in the comparisons of norms in
# convolutional networks; flax's default is the channels of one position.
_IMAGE_AXES = (1, 2, 3)


def _layer_norm(recipe: "Recipe", train: bool) -> Layers:
    del train
    return (_flax("LayerNorm", recipe, reduction_axes=_IMAGE_AXES),)


def _group_norm(recipe: "Recipe", train: bool) -> Layers:
    del train
    size = recipe.group_size
    return (_flax("GroupNorm", recipe, num_groups=None, group_size=size),)


def _rms_norm(recipe: "Recipe", train: bool) -> Layers:
    del train
    return (_flax("RMSNorm", recipe),)


def _flax(name: str, recipe: "Recipe", **arguments: Any) -> Callable[[], Any]:
    """Returns the constructor of a norm of flax, in the dtype of the network."""
    import flax.linen as nn
    import jax.numpy as jnp

    return partial(getattr(nn, name), dtype=jnp.dtype(recipe.dtype), **arguments)


# Related arms have related hues, and every arm a marker of its own: ten colors are more
# than anybody can tell apart, the color-blind above all.
ARMS: Mapping[str, Arm] = {
    "none": Arm(
        title="no norm",
        description="no layer at all",
        look=Look("#555b61", "#c3cad1", "o"),
        layers=lambda recipe, train: (),
    ),
    "lrn": Arm(
        title="LRN",
        description=(
            "local response normalization across channels (Krizhevsky et al. 2012)"
        ),
        look=Look("#0067a6", "#56b4e9", "s"),
        layers=_lrn,
        constants="lrn",
        strength="lrn.alpha",
        gain=True,
        local=True,
    ),
    "scaled": Arm(
        title="scaled",
        description=(
            "multiplication by the median gain that LRN has in that place on the "
            "first training batch: all that LRN does but look at neighbors"
        ),
        look=Look("#1f6f93", "#9ad4f5", "*"),
        layers=_scaled,
        constants="lrn",
        strength="lrn.alpha",
        gain=True,
    ),
    "lrn_within": Arm(
        title="LRN within channels",
        description="LRN over a square of positions, in each channel (Caffe)",
        look=Look("#00838f", "#4dd0e1", "p"),
        layers=_lrn_within,
        constants="lrn_within",
        strength="lrn_within.alpha",
        gain=True,
        local=True,
    ),
    "whole_map": Arm(
        title="whole-map",
        description=(
            "each feature map divided by its own energy, "
            "x / sqrt(a + b * sum over height and width of x^2)"
        ),
        look=Look("#00805e", "#3ecf9f", "D"),
        layers=_whole_map,
        constants="whole_map",
        strength="whole_map.b",
        gain=True,
        local=True,
    ),
    "divisive": Arm(
        title="learned divisive",
        description=(
            "LRN with a learned bias, alpha and beta for each channel, "
            "which begin with the constants of LRN"
        ),
        look=Look("#6a4fb3", "#b7a3f5", "h"),
        layers=_divisive,
        constants="lrn",
        strength="lrn.alpha",
        gain=True,
        local=True,
    ),
    "batch_norm": Arm(
        title="BatchNorm",
        description=(
            "batch normalization (Ioffe and Szegedy 2015), with learned scale "
            "and shift; running statistics, momentum 0.9, where accuracy is measured"
        ),
        look=Look("#c44e00", "#ff9248", "^"),
        layers=_batch_norm,
    ),
    "batch_norm_before_relu": Arm(
        title="BatchNorm before relu",
        description=(
            "batch normalization where its paper has it, before each relu that "
            "the other norms follow"
        ),
        look=Look("#9a5b00", "#ffc266", "d"),
        layers=_batch_norm,
        before_relu=True,
    ),
    "lrn_batch_norm": Arm(
        title="LRN + BatchNorm",
        description="LRN, then batch normalization",
        look=Look("#a64d86", "#e39ac8", "v"),
        layers=_lrn_batch_norm,
        constants="lrn",
        strength="lrn.alpha",
        gain=True,
        local=True,
    ),
    "layer_norm": Arm(
        title="LayerNorm",
        description=(
            "layer normalization (Ba et al. 2016) of each image over height, "
            "width and channels, with learned scale and shift"
        ),
        look=Look("#8a6d00", "#e0c341", "<"),
        layers=_layer_norm,
    ),
    "group_norm": Arm(
        title="GroupNorm",
        description=(
            "group normalization (Wu and He 2018) of groups of channels in "
            "each image, with learned scale and shift"
        ),
        look=Look("#b3263a", "#ff8a94", ">"),
        layers=_group_norm,
        constants="group_size",
    ),
    "rms_norm": Arm(
        title="RMSNorm",
        description=(
            "RMS normalization (Zhang and Sennrich 2019): each position divided "
            "by the root mean square of its channels, with a learned scale and no shift"
        ),
        look=Look("#7a5236", "#c9a07f", "P"),
        layers=_rms_norm,
    ),
}

# Fields of a recipe that only some arms use: other arms may have other values.
_CONSTANTS = {arm.constants for arm in ARMS.values() if arm.constants}

TUNED, DRAW = "tuned", "draw"
"""Variants: of an arm with the values that tuning chose, and, with a number, of a run
that tuning chooses from."""


def is_tuned(arm: str) -> bool:
    """Whether an arm has the values that tuning chose, by its name."""
    return arm.partition("-")[2] == TUNED


def own_fields(arm: str) -> set[str]:
    """Returns the fields and sections of a recipe in which an arm may differ.

    They are the constants, what its variant names in a sweep, and what is tuned.

    Args:
      arm: Its name (`Config.arm`).
    """
    name, _, _ = arm.partition("-")[2].partition("=")
    tuned = {"learning_rate", "weight_decay"} if name in (TUNED, DRAW) else set()
    return _CONSTANTS | tuned | {name}


def contrast_title(arm: str, other: str) -> str:
    """Returns the title of the difference of two arms."""

    def part(name: str) -> str:
        return f"({title(name)})" if "+" in title(name) else title(name)

    return f"{part(arm)} \N{MINUS SIGN} {part(other)}"


def title(arm: str) -> str:
    """Returns the title of an arm (`Config.arm`)."""
    norm, _, variant = arm.partition("-")
    name = ARMS[norm].title if norm in ARMS else norm
    return f"{name}, {variant}" if variant else name
