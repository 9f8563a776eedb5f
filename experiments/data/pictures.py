"""Images in files, decoded each time they are taken."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from ..terminal.errors import DataError
from .decoding import LARGEST_FILE, decode
from .parts import Split, UnusableFilesError
from .trees import Tree


@dataclass(frozen=True, eq=False)
class Pictures:
    """Images in files (decoding.py), with labels."""

    tree: Tree
    names: tuple[str, ...]
    labels: np.ndarray
    side: int
    resize: bool

    def __len__(self) -> int:
        return len(self.names)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Height, width and channels of every image."""
        return (self.side, self.side, 3)

    def take(self, indices: np.ndarray) -> Split:
        """Returns the images and labels at `indices`, decoded.

        Raises:
          UnusableFilesError: If images do not decode; it names them.
        """
        images = np.empty((len(indices), *self.image_shape), np.uint8)
        reasons = {}
        for image, index in zip(images, indices, strict=True):
            name = self.names[index]
            path = self.tree.path(name)
            try:
                content = self.tree.read(name, LARGEST_FILE)
                image[:] = decode(content, path, self.side, resize=self.resize)
            except DataError as error:
                reasons[path] = str(error)
        if reasons:
            raise UnusableFilesError(reasons)
        return Split(images, self.labels[indices])

    def select(self, indices: np.ndarray) -> "Pictures":
        """Returns a part with the images at `indices`; reads nothing."""
        names = tuple(self.names[index] for index in indices)
        return replace(self, names=names, labels=self.labels[indices])

    def indices_of(self, paths: Collection[str]) -> np.ndarray:
        """Returns the indices of the images at `paths`, of those that are here."""
        found = [
            index
            for index, name in enumerate(self.names)
            if self.tree.path(name) in paths
        ]
        return np.array(found, int)
