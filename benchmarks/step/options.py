"""What can be chosen of the training steps to measure."""

from dataclasses import dataclass
from typing import Annotated

import tyro

from experiments.models import LayerName

from ..options import Run, check, check_selection


@dataclass(frozen=True)
class Step(Run):
    """Measures the training step of the ablation's recipes, and PyTorch's."""

    recipes: Annotated[
        tyro.conf.Positional[tuple[str, ...]],
        tyro.conf.arg(metavar="[RECIPE ...]"),
    ] = (
        "article",
        "caffe_quick",
        "caffe_full",
        "conv_local",
        "tf_tutorial",
        "resnet20",
    )
    """As in the ablation. alexnet takes minutes, and is left out unless it is named."""
    norms: Annotated[
        tuple[str, ...],
        tyro.conf.arg(
            metavar="NAME [NAME ...]",
            help_behavior_hint="(default: each recipe's)",
        ),
    ] = ()
    """Arms, as in the ablation. With none among them, each norm has its share."""
    plain_layers: Annotated[
        tuple[LayerName, ...],
        tyro.conf.arg(
            help="Measure our step with Flax's own layers, too, for each of these "
            "names.",
            help_behavior_hint="",
        ),
    ] = ()
    batch_size: Annotated[
        int | None,
        tyro.conf.arg(
            metavar="INT", help_behavior_hint="(default: that of each recipe)"
        ),
    ] = None
    """Images per step."""
    torch: bool = True
    """Measure PyTorch too, where it is installed."""

    def __post_init__(self):
        """Checks the values; names of recipes and norms are checked by `plan`."""
        super().__post_init__()
        check_selection("recipes", self.recipes)
        for name in ("norms", "plain_layers"):
            check_selection(name, getattr(self, name), least=0)
        size = self.batch_size
        check(size is None or size >= 1, "batch_size", "at least 1", size)
