"""IDX files, the format of MNIST and Fashion-MNIST, compressed with gzip or not.

A file is a magic number (two zero bytes, the element type, the number of axes), the
size of each axis as a big-endian 32-bit integer, and the elements, the last axis
fastest. Source: Y. LeCun, C. Cortes, C. Burges, The MNIST database.
"""

import gzip
import io
import math
import struct
import zlib
from dataclasses import dataclass

import numpy as np

from ..config.source import DatasetName
from ..terminal.errors import DataError
from .checksums import differs
from .parts import Found, Split, check_labels
from .trees import MAX_UNPACKED, Tree

_IMAGES_MAGIC = 0x00000803  # unsigned bytes, three axes
_LABELS_MAGIC = 0x00000801  # unsigned bytes, one axis
_MAGIC = {
    f"{part}-{what}": magic
    for part in ("train", "t10k")
    for what, magic in (("images", _IMAGES_MAGIC), ("labels", _LABELS_MAGIC))
}


def _name(stem: str, separator: str = "-") -> str:
    return f"{stem}{separator}idx{_MAGIC[stem] & 0xFF}-ubyte"


FILE_NAMES = tuple(_name(stem) for stem in _MAGIC)
"""The four files, as published but for the .gz."""


def _find(tree: Tree, stem: str) -> str | None:
    """Returns the name under which `tree` has a file, packed or not."""
    names = [
        f"{_name(stem, separator)}{ending}"
        for separator in "-."
        for ending in (".gz", "")
    ]
    return next((name for name in names if tree.is_file(name)), None)


def _read(tree: Tree, name: str, magic: int) -> tuple[np.ndarray, bytes]:
    """Returns the array in a file of unsigned bytes, and the file unpacked.

    Raises:
      DataError: If it does not start with `magic`, or has not the announced size.
    """
    path, content = tree.path(name), tree.read(name)
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
        axes = magic & 0xFF
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
                f"{magic:#010x} (unsigned bytes, number of axes: {axes}), but got "
                f"{found:#010x}."
            )
        size = math.prod(shape)
        if header_size + size > MAX_UNPACKED:
            raise DataError(
                f"{path} is refused: expected at most {MAX_UNPACKED:,} bytes unpacked, "
                f"but its header announces {size:,}."
            )
        # One byte more, to see that there is none: gzip compares checksums then.
        elements = file.read(size + 1)
    if len(elements) != size:
        follow = "more" if len(elements) > size else f"{len(elements):,}"
        raise DataError(
            f"{path} is damaged or cut short: its header announces "
            f"{' x '.join(map(str, shape))} bytes of data, but {follow} follow. Copy "
            "or download it again."
        )
    if size == 0:
        raise DataError(f"{path} holds no data: its header announces {shape}.")
    return np.frombuffer(elements, np.uint8).reshape(shape), header + elements


@dataclass(frozen=True)
class IDX:
    """Reads the four IDX files of a data set with grey images of one size.

    The number of images and their size are free, since other data come in this format.
    The files must agree with one another, and the labels be in range.
    """

    dataset: DatasetName
    class_names: tuple[str, ...]
    wanted: str = f"{', '.join(FILE_NAMES)} (packed, .gz, or not)"

    def missing(self, tree: Tree) -> str | None:
        """Returns the first file that `tree` lacks, or None."""
        lacking = [stem for stem in _MAGIC if _find(tree, stem) is None]
        return f"{lacking[0]} file" if lacking else None

    def read(self, tree: Tree) -> Found:
        """Returns the data in the files of `tree`.

        Raises:
          DataError: If they are damaged, or do not fit together.
        """
        arrays, paths, published = {}, {}, True
        for stem, magic in _MAGIC.items():
            name = _find(tree, stem)
            assert name is not None  # there is nothing missing
            paths[stem] = tree.path(name)
            arrays[stem], content = _read(tree, name, magic)
            published &= not differs(f"{self.dataset}/{stem}", content)
        parts = []
        for part in ("train", "t10k"):
            (images, images_path), (labels, labels_path) = (
                (arrays[f"{part}-{what}"], paths[f"{part}-{what}"])
                for what in ("images", "labels")
            )
            if len(images) != len(labels):
                raise DataError(
                    f"{images_path} and {labels_path} do not belong together: expected "
                    f"a label for each image, but got {len(images)} images and "
                    f"{len(labels)} labels."
                )
            check_labels(labels, self.class_names, labels_path)
            parts.append(Split(images[..., np.newaxis], labels.astype(np.int32)))
        train, test = parts
        if train.image_shape != test.image_shape:
            raise DataError(
                f"{paths['train-images']} and {paths['t10k-images']} do not belong "
                f"together: expected images of one size, but got {train.image_shape} "
                f"and {test.image_shape}."
            )
        return Found(train, test, self.class_names, published)
