"""CIFAR-10 and CIFAR-100, in the binary and in the python version.

An image is 3,072 bytes: 32 rows of 32 pixels of red, then of green, then of blue. The
binary version has the label before it (CIFAR-100: the coarse label, then the fine one).
The python version is pickled dictionaries with an array of images and a list of labels,
or an array or tuple of labels where the data were pickled anew.
Source: A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.
"""

from dataclasses import dataclass

import numpy as np

from ..config.source import DatasetName
from ..terminal.errors import DataError
from . import pickles
from .checksums import differs
from .parts import Found, Split, check_labels
from .trees import Tree

_SIDE = 32
_IMAGE_BYTES = 3 * _SIDE * _SIDE
_BINARY, _PYTHON = ".bin", ""


def _images(rows: np.ndarray) -> np.ndarray:
    """Returns rows of planes as images, channels last."""
    planes = rows.reshape(-1, 3, _SIDE, _SIDE)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1))


@dataclass(frozen=True)
class Cifar:
    """Reads the batches of one of the two data sets."""

    dataset: DatasetName
    class_names: tuple[str, ...]
    train: tuple[str, ...]
    """Names of the training batches, without the .bin of the binary version."""
    test: str
    label_bytes: int
    """Bytes before an image in the binary version; the last of them is the label."""
    label_key: str
    """Name of the labels in the python version."""

    @property
    def _stems(self) -> tuple[str, ...]:
        return (*self.train, self.test)

    @property
    def wanted(self) -> str:
        """The files of both versions, in words."""
        binary = ", ".join(f"{stem}{_BINARY}" for stem in self._stems)
        return f"{binary} (binary version) or {', '.join(self._stems)} (python version)"

    def _lacking(self, tree: Tree, ending: str) -> list[str]:
        return [
            f"{stem}{ending}"
            for stem in self._stems
            if not tree.is_file(f"{stem}{ending}")
        ]

    def missing(self, tree: Tree) -> str | None:
        """Returns the first batch that the more complete version lacks, or None."""
        versions = (_BINARY, _PYTHON)
        lacking = min((self._lacking(tree, ending) for ending in versions), key=len)
        return f"{lacking[0]} file" if lacking else None

    def read(self, tree: Tree) -> Found:
        """Returns the images, and the fine labels, in the batches of `tree`.

        Raises:
          DataError: If a batch is damaged, or a pickle tries to run code.
        """
        ending = _PYTHON if self._lacking(tree, _BINARY) else _BINARY
        parse = self._parse_python if ending == _PYTHON else self._parse_binary
        published = True
        batches = []
        for stem in self._stems:
            name = f"{stem}{ending}"
            content = tree.read(name)
            rows, labels = parse(content, tree.path(name))
            check_labels(labels, self.class_names, tree.path(name))
            batches.append(Split(_images(rows), labels.astype(np.int32)))
            published &= not differs(f"{self.dataset}/{name}", content)
        *train, test = batches
        together = Split(
            np.concatenate([batch.images for batch in train]),
            np.concatenate([batch.labels for batch in train]),
        )
        return Found(together, test, self.class_names, published)

    def _parse_binary(self, content: bytes, path: str) -> tuple[np.ndarray, np.ndarray]:
        record = self.label_bytes + _IMAGE_BYTES
        if len(content) == 0 or len(content) % record:
            raise DataError(
                f"{path} is damaged or cut short: expected records of {record:,} "
                f"bytes, but its {len(content):,} bytes are not a whole number of "
                "them. Copy or download it again."
            )
        rows = np.frombuffer(content, np.uint8).reshape(-1, record)
        return rows[:, self.label_bytes :], rows[:, self.label_bytes - 1]

    def _parse_python(self, content: bytes, path: str) -> tuple[np.ndarray, np.ndarray]:
        rows, labels = pickles.load(content, path, "data", self.label_key)
        shape = (labels.size, _IMAGE_BYTES)
        if rows.dtype != np.uint8 or rows.shape != shape or rows.size == 0:
            raise DataError(
                f"{path} is not a batch of this data set: expected `data` of "
                f"{_IMAGE_BYTES:,} bytes an image, and an integer for each in "
                f"`{self.label_key}`, but got an array of shape {rows.shape} of "
                f"{rows.dtype}, and {labels.size} integers. Copy or download it again."
            )
        return rows, labels.ravel()
