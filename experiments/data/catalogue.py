"""The data sets that are read from files: formats, names of files, mirrors."""

from dataclasses import dataclass
from pathlib import Path

from ..config.source import DatasetName
from .checksums import CHECKSUMS
from .cifar import Cifar
from .download import Published
from .folders import PictureFolders
from .idx import FILE_NAMES, IDX, LABELS_OF_QMNIST
from .parts import Reader


@dataclass(frozen=True)
class Entry:
    """A data set: its reader, and the names and addresses of its files."""

    reader: Reader
    folders: tuple[str, ...]
    """Folders with its files in a place: our name, torchvision's, Keras'."""
    archives: tuple[str, ...] = ()
    """Names of archives of its files, in a place."""
    downloads: tuple[Published, ...] = ()
    """Files to download; none if nobody offers them."""


def _keras(name: str) -> tuple[str, ...]:
    """Returns the folders that versions of Keras unpack an archive to."""
    return (name, f"{name}/{name}", f"{name}-target/{name}")


def _downloads(*names: str, mirrors: tuple[str, ...]) -> tuple[Published, ...]:
    return tuple(Published(name, CHECKSUMS[name], mirrors) for name in names)


def _idx_downloads(dataset: DatasetName, *mirrors: str) -> tuple[Published, ...]:
    names = (f"{dataset}/{name}.gz" for name in FILE_NAMES)
    return _downloads(*names, mirrors=mirrors)


_TORONTO = ("https://www.cs.toronto.edu/~kriz",)
_CIFAR10_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)

_CIFAR100_CLASSES = tuple(
    Path(__file__).with_name("cifar100_classes.txt").read_text().split()
)

_FASHION_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

_DIGITS = tuple("0123456789")
_UPPER = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
# Those of the small letters that look unlike the large ones.
_MERGED = (*_DIGITS, *_UPPER, *"abdefghnqrt")
_KMNIST_CLASSES = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")


def _emnist(
    dataset: DatasetName, class_names: tuple[str, ...], first_label: int = 0
) -> Entry:
    """Returns one of the six divisions of EMNIST."""
    reader = IDX(
        dataset,
        class_names,
        parts=(f"{dataset}-train", f"{dataset}-test"),
        first_label=first_label,
        transposed=True,
    )
    return Entry(reader, folders=("emnist", "EMNIST/raw"), archives=("gzip.zip",))


CATALOGUE: dict[DatasetName, Entry] = {
    "mnist": Entry(
        reader=IDX("mnist", _DIGITS),
        folders=("mnist", "MNIST/raw"),
        archives=("mnist.npz",),
        downloads=_idx_downloads(
            "mnist",
            "https://ossci-datasets.s3.amazonaws.com/mnist",
            "https://storage.googleapis.com/cvdf-datasets/mnist",
        ),
    ),
    "fashion-mnist": Entry(
        reader=IDX("fashion-mnist", _FASHION_CLASSES),
        folders=("fashion-mnist", "FashionMNIST/raw"),
        downloads=_idx_downloads(
            "fashion-mnist",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/"
            "data/fashion",
        ),
    ),
    "kmnist": Entry(
        reader=IDX("kmnist", _KMNIST_CLASSES),
        folders=("kmnist", "KMNIST/raw"),
    ),
    "qmnist": Entry(
        reader=IDX(
            "qmnist",
            _DIGITS,
            parts=("qmnist-train", "qmnist-test"),
            labels=LABELS_OF_QMNIST,
        ),
        folders=("qmnist", "QMNIST/raw"),
    ),
    "emnist-balanced": _emnist("emnist-balanced", _MERGED),
    "emnist-bymerge": _emnist("emnist-bymerge", _MERGED),
    "emnist-byclass": _emnist(
        "emnist-byclass", (*_DIGITS, *_UPPER, *"abcdefghijklmnopqrstuvwxyz")
    ),
    "emnist-letters": _emnist("emnist-letters", _UPPER, first_label=1),
    "emnist-digits": _emnist("emnist-digits", _DIGITS),
    "emnist-mnist": _emnist("emnist-mnist", _DIGITS),
    "cifar10": Entry(
        reader=Cifar(
            dataset="cifar10",
            class_names=_CIFAR10_CLASSES,
            train=tuple(f"data_batch_{number}" for number in range(1, 6)),
            test="test_batch",
            label_bytes=1,
            label_key="labels",
        ),
        folders=("cifar-10-batches-bin", *_keras("cifar-10-batches-py")),
        archives=(
            "cifar-10-binary.tar.gz",
            "cifar-10-python.tar.gz",
            "cifar-10-batches-py.tar.gz",
        ),
        downloads=_downloads("cifar-10-binary.tar.gz", mirrors=_TORONTO),
    ),
    "cifar10-jpeg": Entry(
        reader=PictureFolders(side=32, class_names=_CIFAR10_CLASSES),
        folders=("cifar10-jpeg",),
        archives=(
            "cifar10-jpeg.zip",
            "cifar10-jpeg.tar",
            "cifar10-jpeg.tar.gz",
            "cifar10-jpeg.tar.xz",
        ),
    ),
    "cifar100": Entry(
        reader=Cifar(
            dataset="cifar100",
            class_names=_CIFAR100_CLASSES,
            train=("train",),
            test="test",
            label_bytes=2,
            label_key="fine_labels",
        ),
        folders=("cifar-100-binary", *_keras("cifar-100-python")),
        archives=("cifar-100-binary.tar.gz", "cifar-100-python.tar.gz"),
        downloads=_downloads("cifar-100-binary.tar.gz", mirrors=_TORONTO),
    ),
}
