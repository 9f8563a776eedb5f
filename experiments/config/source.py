"""Which images to train on, and where they are: the part of a recipe that is data."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

import tyro

from ..terminal.errors import UserError

DatasetName = Literal[
    "digits",
    "mnist",
    "fashion-mnist",
    "kmnist",
    "qmnist",
    "emnist-balanced",
    "emnist-bymerge",
    "emnist-byclass",
    "emnist-letters",
    "emnist-digits",
    "emnist-mnist",
    "cifar10",
    "cifar10-jpeg",
    "cifar100",
    "folder",
]

# What stands wherever results are shown; a folder goes by its own name.
TITLES: dict[DatasetName, str] = {
    "digits": "digits",
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
    "kmnist": "KMNIST",
    "qmnist": "QMNIST",
    "emnist-balanced": "EMNIST Balanced",
    "emnist-bymerge": "EMNIST By_Merge",
    "emnist-byclass": "EMNIST By_Class",
    "emnist-letters": "EMNIST Letters",
    "emnist-digits": "EMNIST Digits",
    "emnist-mnist": "EMNIST MNIST",
    "cifar10": "CIFAR-10",
    "cifar10-jpeg": "CIFAR-10-JPEG (lossy)",
    "cifar100": "CIFAR-100",
    "folder": "folder",
}
_DEFAULT_IMAGE_SIZE = 64
_LARGEST_IMAGE_SIZE = 4096
Place = Annotated[Path | None, tyro.conf.arg(metavar="PATH", help_behavior_hint="")]


@dataclass(frozen=True)
class Source:
    """A data set by name, and where to look for it."""

    dataset: DatasetName = "digits"
    """Images to train on. digits (1,797 of 8x8) comes with scikit-learn and needs no
    files. mnist, fashion-mnist (70,000 of 28x28), cifar10 and cifar100 (60,000 of
    32x32, in color) are looked for, and downloaded where nothing is found. kmnist,
    qmnist and the six divisions of EMNIST are looked for only. So is cifar10-jpeg, a
    lossy copy of CIFAR-10, whose results do not compare with published ones. folder is
    images of one's own, a folder for each class."""
    data_dir: Place = None
    """Directory with the files of the data set, or an archive of them (.zip, .npz,
    .tar, .tar.gz, .tar.bz2, .tar.xz). It is then the only place that is searched.
    Without it the places are $LRN_JAX_DATA, the cache ($XDG_CACHE_HOME/lrn_jax or
    ~/.cache/lrn_jax), ./data, and ~/.keras/datasets."""
    val_dir: Place = None
    """Directory or archive with the validation images of a folder, CLASS/*.jpg, where
    they stand elsewhere; --data-dir has the training images then. Without it they are
    the part named val, valid or validation beside train and test, or else a tenth of
    the training images."""
    test_dir: Place = None
    """The same for the test images. Without it they are the part named test or testing,
    or else val, or else a fifth of each class."""
    skip_damaged: tyro.conf.FlagCreatePairsOff[bool] = False
    """Go on without the files of a folder that cannot be used, and say how many of
    which class they were."""
    offline: tyro.conf.FlagCreatePairsOff[bool] = False
    """Never download. Files that are nowhere on this machine are then an error."""
    image_size: int = _DEFAULT_IMAGE_SIZE
    """Height and width that images of a folder are brought to: the largest centered
    square, resized. The other data sets have a size of their own."""

    def __post_init__(self):
        """Checks the values."""
        if self.dataset not in get_args(DatasetName):
            raise UserError(
                f"`dataset` must be one of {', '.join(get_args(DatasetName))}, but got "
                f"{self.dataset}."
            )
        if self.dataset == "digits" and self.data_dir is not None:
            raise UserError(
                "`data-dir` must not be given for digits, which come with "
                f"scikit-learn, but got {self.data_dir}. Name the data set in that "
                "directory: --dataset folder for images of your own, or for example "
                "--dataset mnist."
            )
        if self.dataset == "folder" and self.data_dir is None:
            raise UserError(
                "`data-dir` must name the directory or the archive with the images of "
                "a folder, but was not given."
            )
        if self.image_size < 1:
            raise UserError(
                f"`image-size` must be at least 1, but got {self.image_size}."
            )
        if self.image_size > _LARGEST_IMAGE_SIZE:
            raise UserError(
                f"`image-size` must be at most {_LARGEST_IMAGE_SIZE}, but got "
                f"{self.image_size}."
            )
        other_size = self.image_size != _DEFAULT_IMAGE_SIZE and self.image_size
        for name, given in {
            "val-dir": self.val_dir,
            "test-dir": self.test_dir,
            "skip-damaged": self.skip_damaged,
            "image-size": other_size,
        }.items():
            if given and self.dataset != "folder":
                raise UserError(
                    f"`{name}` must not be given for {self.dataset}, since it is for "
                    f"--dataset folder only, but got {given}."
                )
