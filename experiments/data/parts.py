"""Parts of a data set: images with labels, in memory or decoded on demand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, Protocol, Self

import numpy as np

from ..terminal.errors import DataError
from .trees import Tree

_NAMED = 20  # files in a message


def listed(names: Sequence[str], most: int = 5) -> str:
    """Returns the first names in words, and how many more there are."""
    more = [f"{len(names) - most:,} more"] if len(names) > most else []
    return ", ".join([*names[:most], *more])


class UnusableFilesError(DataError):
    """Files of a data set cannot be used, each for a reason.

    Args:
      reasons: The reasons, by path.
      skippable: Whether one could go on without them.
      hint: A way out, at the end of the message.
    """

    def __init__(
        self, reasons: dict[str, str], *, skippable: bool = True, hint: str = ""
    ):
        self.reasons = reasons
        self.skippable = skippable
        first, *others = sorted(reasons)
        message = reasons[first]
        if others:
            named, rest = others[: _NAMED - 1], len(others[_NAMED - 1 :])
            message += f" Nor can {len(others)} more be used: {', '.join(named)}"
            message += f", and {rest} more." if rest else "."
        super().__init__(f"{message} {hint}")


class Part(Protocol):
    """Labeled images of one shape, in memory or in files."""

    @property
    def labels(self) -> np.ndarray:
        """Labels (n,) int32."""
        ...

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Height, width and channels of every image."""
        ...

    def __len__(self) -> int: ...

    def take(self, indices: np.ndarray) -> "Split":
        """Returns the images and labels at `indices`, in memory.

        Raises:
          UnusableFilesError: If an image cannot be read or decoded.
        """
        ...

    def select(self, indices: np.ndarray) -> Self:
        """Returns a part with the images at `indices`; reads nothing."""
        ...


@dataclass(frozen=True, eq=False)
class Split:
    """Images (n, height, width, channels) uint8, and labels (n,) int32, in memory."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Height, width and channels of every image."""
        return self.images.shape[1:]

    def take(self, indices: np.ndarray) -> "Split":
        """Returns the images and labels at `indices`."""
        return Split(self.images[indices], self.labels[indices])

    select = take


def check_labels(
    labels: np.ndarray, class_names: tuple[str, ...], path: str, first: int = 0
) -> None:
    """Raises a DataError if a label is of no class; `first` is the smallest."""
    last = first + len(class_names) - 1
    for label in (labels.min(), labels.max()):
        if not first <= label <= last:
            raise DataError(
                f"{path} has a label outside its range: expected {first} to {last}, "
                f"but got {label}."
            )


class Found(NamedTuple):
    """The contents of the files of a data set."""

    train: Part
    test: Part
    class_names: tuple[str, ...]
    published: bool = True
    """False if the files are known to differ from the published ones."""
    validation: Part | None = None
    """None if it is to be held out from the training images."""
    notes: tuple[str, ...] = ()
    """Sentences that whoever reads results should know."""
    skipped: Mapping[str, int] = MappingProxyType({})
    """Number of files that were left out because they are no images, by class."""


class Reader(Protocol):
    """Reads one format."""

    @property
    def wanted(self) -> str:
        """The files a data set of this format consists of, in words."""
        ...

    def missing(self, tree: Tree) -> str | None:
        """Returns the first thing that `tree` lacks, or None if it lacks nothing."""
        ...

    def read(self, tree: Tree) -> Found:
        """Returns the data in `tree`.

        Raises:
          DataError: If a file is damaged, or of another kind.
        """
        ...
