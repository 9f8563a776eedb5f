"""IDX files, the format of MNIST and its relatives, compressed with gzip or not.

A file is a magic number (two zero bytes, the element type, the number of axes), the
size of each axis as a big-endian 32-bit integer, and the elements, the last axis
fastest. Source: Y. LeCun, C. Cortes, C. Burges, The MNIST database.

In their place there may be the arrays of Keras' mnist.npz (npy.py).
"""

import gzip
import io
import math
import struct
import zlib
from dataclasses import dataclass

import numpy as np

from ..config.source import TITLES, DatasetName
from ..terminal.errors import DataError
from . import checksums, npy
from .checksums import dataset_of, differs
from .parts import Found, Split, check_labels
from .trees import MAX_UNPACKED, Tree

IMAGES, LABELS = "images-idx3-ubyte", "labels-idx1-ubyte"
LABELS_OF_QMNIST = "labels-idx2-int"
# Two zero bytes, the type of the elements, the number of axes.
_MAGIC = {IMAGES: 0x00000803, LABELS: 0x00000801, LABELS_OF_QMNIST: 0x00000C02}
_DTYPES = {0x08: np.dtype(np.uint8), 0x0C: np.dtype(">i4")}

FILE_NAMES = tuple(
    f"{part}-{what}" for part in ("train", "t10k") for what in (IMAGES, LABELS)
)
"""The four files, as published but for the .gz."""

# What Keras keeps in mnist.npz.
_KERAS = {
    f"train-{IMAGES}": "x_train.npy",
    f"train-{LABELS}": "y_train.npy",
    f"t10k-{IMAGES}": "x_test.npy",
    f"t10k-{LABELS}": "y_test.npy",
}


def _find(tree: Tree, name: str) -> str | None:
    """Returns the name under which `tree` has a file, packed or not."""
    names = [
        f"{each}{ending}"
        for each in (name, name.replace("-idx", ".idx"))
        for ending in (".gz", "")
    ]
    # Kaggle has folders around files of the same name.
    names = [*names, *(f"{each}/{each}" for each in names)]
    names += [_KERAS[name]] if name in _KERAS else []
    return next((each for each in names if tree.is_file(each)), None)


def _read(tree: Tree, name: str, magic: int) -> tuple[np.ndarray, bytes]:
    """Returns the array in a file, and the content of the IDX file, unpacked.

    Raises:
      DataError: If it does not start with `magic`, or has not the announced size.
    """
    path, content = tree.path(name), tree.read(name)
    if name.endswith(".npy"):
        array = npy.parse(content, magic & 0xFF, path)
        return array, struct.pack(f">{1 + array.ndim}I", magic, *array.shape) + (
            array.tobytes()
        )
    try:
        return _parse(content, magic, path, packed=name.endswith(".gz"))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"{path} is damaged or cut short: expected a whole gzip file, but "
            f"decompression failed ({error}). Copy or download it again."
        ) from error


def _parse(
    content: bytes, magic: int, path: str, packed: bool
) -> tuple[np.ndarray, bytes]:
    file = io.BytesIO(content)
    with gzip.open(file) if packed else file as file:
        dtype, axes = _DTYPES[magic >> 8], magic & 0xFF
        header_size = 4 * (1 + axes)
        header = file.read(header_size)
        if len(header) < header_size:
            raise DataError(
                f"{path} is cut short: expected a header of {header_size} bytes, but "
                f"the file has {len(header)}. Copy or download it again."
            )
        found, *shape = struct.unpack(f">{1 + axes}I", header)
        if found != magic:
            raise DataError(
                f"{path} is not the IDX file it should be: expected the magic number "
                f"{magic:#010x} ({dtype.name}, number of axes: {axes}), but got "
                f"{found:#010x}."
            )
        size = math.prod(shape) * dtype.itemsize
        if header_size + size > MAX_UNPACKED:
            raise DataError(
                f"{path} is refused: expected at most {MAX_UNPACKED:,} bytes unpacked, "
                f"but its header announces {size:,}."
            )
        # One byte more, to see that there is none: gzip compares checksums then.
        elements = file.read(size + 1)
    if len(elements) != size:
        follow = "more" if len(elements) > size else f"{len(elements):,}"
        sizes = [*shape, dtype.itemsize] if dtype.itemsize > 1 else shape
        raise DataError(
            f"{path} is damaged or cut short: its header announces "
            f"{' x '.join(map(str, sizes))} bytes of data, but {follow} follow. Copy "
            "or download it again."
        )
    if size == 0:
        raise DataError(f"{path} holds no data: its header announces {shape}.")
    return np.frombuffer(elements, dtype).reshape(shape), header + elements


def _stem(name: str) -> str:
    """Returns the name of a file without what says how it is written."""
    return name.partition("-idx")[0]


@dataclass(frozen=True)
class IDX:
    """Reads the four IDX files of a data set with grey images of one size.

    The number of images and their size are free, since other data come in this format.
    The files must agree with one another, and the labels be in range.
    """

    dataset: DatasetName
    class_names: tuple[str, ...]
    parts: tuple[str, str] = ("train", "t10k")
    """What the names of the files of training and test begin with."""
    labels: str = LABELS
    """What the names of the files with labels end with. If they have several numbers
    for an image, the first one is the label."""
    first_label: int = 0
    transposed: bool = False
    """Whether images are in the files column by column."""

    @property
    def _names(self) -> list[str]:
        return [
            f"{part}-{what}" for part in self.parts for what in (IMAGES, self.labels)
        ]

    @property
    def wanted(self) -> str:
        """The four files, in words."""
        return f"{', '.join(self._names)} (packed, .gz, or not)"

    def missing(self, tree: Tree) -> str | None:
        """Returns the first file that `tree` lacks, or None."""
        lacking = [name for name in self._names if _find(tree, name) is None]
        return f"{_stem(lacking[0])} file" if lacking else None

    def read(self, tree: Tree) -> Found:
        """Returns the data in the files of `tree`.

        Raises:
          DataError: If they are damaged, do not fit together, or are the published
            files of another data set.
        """
        published, splits, paths = True, [], []
        for part in self.parts:
            images, images_path, same_images = self._read(tree, part, IMAGES)
            labels, labels_path, same_labels = self._read(tree, part, self.labels)
            published &= same_images and same_labels
            labels = labels.reshape(len(labels), -1)[:, 0].astype(np.int32)
            if len(images) != len(labels):
                raise DataError(
                    f"{images_path} and {labels_path} do not belong together: expected "
                    f"a label for each image, but got {len(images)} images and "
                    f"{len(labels)} labels."
                )
            check_labels(labels, self.class_names, labels_path, self.first_label)
            if self.transposed:
                images = np.ascontiguousarray(images.transpose(0, 2, 1))
            splits.append(Split(images[..., np.newaxis], labels - self.first_label))
            paths.append(images_path)
        train, test = splits
        if train.image_shape != test.image_shape:
            raise DataError(
                f"{' and '.join(paths)} do not belong together: expected images of one "
                f"size, but got {train.image_shape} and {test.image_shape}."
            )
        return Found(train, test, self.class_names, published, notes=self._notes)

    @property
    def _notes(self) -> tuple[str, ...]:
        if any(name.startswith(f"{self.dataset}/") for name in checksums.CHECKSUMS):
            return ()
        return (
            f"The files of {TITLES[self.dataset]} were not compared with the published "
            "ones, of which this program has no checksums.",
        )

    def _read(self, tree: Tree, part: str, what: str) -> tuple[np.ndarray, str, bool]:
        """Returns an array, the path of its file, and whether it may be the published.

        Raises:
          DataError: If it is damaged, or the published file of another data set.
        """
        name = f"{part}-{what}"
        found = _find(tree, name)
        assert found is not None  # there is nothing missing
        path, stem = tree.path(found), _stem(name)
        array, content = _read(tree, found, _MAGIC[what])
        other = dataset_of(stem, content)
        if other is not None and other != self.dataset:
            raise DataError(
                f"{path} is a file of {TITLES[other]}: expected "
                f"{TITLES[self.dataset]}. Read it with --dataset {other}."
            )
        return array, path, not differs(f"{self.dataset}/{stem}", content)
