"""Data sets: images and labels, split once and for all, the same for every run.

`load` finds the files of a data set (find.py, download.py) in a directory or an archive
(trees.py, archive.py), reads them (catalogue.py says which of idx.py, cifar.py and
pictures.py does), and divides the images (protocol.py). Everything is in memory then,
unless the decoded images need more than `MEMORY_LIMIT`: then the parts decode on demand
what is taken from them, and `Stream` does so ahead of training.
"""

import hashlib
import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from . import digits, protocol
from .catalogue import CATALOGUE
from .find import find, open_place
from .parts import Found, Part, Split
from .pictures import PictureFolders
from .protocol import VALIDATION_SHARE
from .source import TITLES, DatasetName, Source
from .stream import Stream, chunks, gather

__all__ = [
    "MEMORY_LIMIT",
    "TITLES",
    "VALIDATION_SHARE",
    "Dataset",
    "DatasetName",
    "Part",
    "Source",
    "Split",
    "Stream",
    "gather",
    "load",
]

MEMORY_LIMIT = 2 * 2**30
"""Bytes of decoded images that are kept in memory."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Three parts without a common image, and what there is to know about them."""

    name: DatasetName
    title: str
    """How to call it wherever results are shown."""
    train: Part
    """A `Split`, with all images in memory, or a part that decodes what is taken."""
    validation: Part
    test: Part
    white: int
    """Value of white; black is 0."""
    class_names: tuple[str, ...]
    fingerprint: str
    """SHA-256 of images and labels of all parts, decoded and in order. Decoders of JPEG
    differ in the last bit, so for such images it depends on the version of Pillow."""

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)


def _fingerprint(*parts: Part) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(repr((len(part), *part.image_shape)).encode())
        for chunk in chunks(part):
            digest.update(np.ascontiguousarray(chunk.images).data)
        digest.update(part.labels.astype("<i4").data)
    return digest.hexdigest()


def _find(source: Source) -> tuple[Found, str]:
    """Returns the data set that is read from files, and its title."""
    title = TITLES[source.dataset]
    if source.dataset == "folder":
        assert source.data_dir is not None  # checked by Source
        found = PictureFolders(source.image_size).read(open_place(source.data_dir))
        return found, f"{title} {source.data_dir.resolve().name}"
    found = CATALOGUE[source.dataset].reader.read(find(source))
    return found, title if found.published else f"{title} (not the published files)"


@cache
def load(source: Source) -> Dataset:
    """Returns a data set; the second call costs nothing.

    Every image is decoded once in it, so that none fails later.

    Raises:
      DataError: If a file is missing, damaged, or not what it should be.
    """
    random = protocol.random()
    if source.dataset == "digits":
        everything = Split(*digits.load())
        order, test_indices = protocol.hold_out_test(
            random.permutation(len(everything))
        )
        rest, test = everything, everything.take(test_indices)
        class_names, title, white = digits.CLASS_NAMES, TITLES["digits"], digits.WHITE
    else:
        found, title = _find(source)
        rest, test, class_names = found.train, found.test, found.class_names
        order = random.permutation(len(rest))
        white = 255
    train_indices, validation_indices = protocol.hold_out_validation(order)
    parts = (rest.select(train_indices), rest.select(validation_indices), test)
    if sum(len(part) * math.prod(part.image_shape) for part in parts) <= MEMORY_LIMIT:
        parts = tuple(gather(part) for part in parts)
    train, validation, test = parts
    return Dataset(
        name=source.dataset,
        title=title,
        train=train,
        validation=validation,
        test=test,
        white=white,
        class_names=class_names,
        fingerprint=_fingerprint(train, validation, test),
    )
