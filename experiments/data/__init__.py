"""Data sets: images and labels, split once and for all, the same for every run.

`load` finds the files of a data set (find.py, download.py) in a directory or an archive
(trees.py, archive.py), reads them (catalogue.py says which of idx.py, cifar.py and
pictures.py does), and divides the images (protocol.py). Everything is in memory then,
unless the decoded images need more than `MEMORY_LIMIT`: then the parts decode on demand
what is taken from them, and `Stream` does so ahead of training.
"""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..config.source import TITLES, DatasetName, Source
from . import digits, protocol
from .catalogue import CATALOGUE
from .find import find, open_place
from .parts import Found, Part, Split, UnusableFilesError
from .pictures import PictureFolders
from .protocol import VALIDATION_SHARE
from .stream import Stream, gather, pieces

__all__ = [
    "MEMORY_LIMIT",
    "TITLES",
    "VALIDATION_SHARE",
    "Dataset",
    "DatasetName",
    "OnProgress",
    "Part",
    "Source",
    "Split",
    "Stream",
    "gather",
    "load",
]

MEMORY_LIMIT = 2 * 2**30
"""Bytes of decoded images that are kept in memory."""

OnProgress = Callable[[int, int], object]
"""(images decoded, all images) -> anything: called after every few images."""


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


def _find(source: Source) -> tuple[Found, str]:
    """Returns the data set that is read from files, and its title."""
    title = TITLES[source.dataset]
    if source.dataset == "folder":
        assert source.data_dir is not None  # checked by Source
        found = PictureFolders(source.image_size).read(open_place(source.data_dir))
        return found, f"{title} {source.data_dir.resolve().name}"
    found = CATALOGUE[source.dataset].reader.read(find(source))
    return found, title if found.published else f"{title} (not the published files)"


def _decode(
    part: Part,
    keep: bool,
    digest: Any,
    reasons: dict[str, str],
    on_decoded: Callable[[int], object],
) -> Part:
    """Decodes a part once: adds it to the digest, and what fails to the reasons."""
    shape = (len(part), *part.image_shape)
    images = np.empty(shape, np.uint8) if keep else None
    indices = pieces(part)
    with Stream(part, indices) as stream:
        for piece in indices:
            try:
                chunk = next(stream)
            except UnusableFilesError as error:
                reasons |= error.reasons
            else:
                digest.update(chunk.images.data)
                if images is not None:
                    images[piece] = chunk.images
            on_decoded(len(piece))
    return part if images is None else Split(images, part.labels)


def _first_pass(
    parts: tuple[Part, ...], on_progress: OnProgress
) -> tuple[tuple[Part, ...], str]:
    """Decodes every image once.

    Returns:
      The parts, in memory unless they are too large for it, and their fingerprint.

    Raises:
      UnusableFilesError: If images do not decode.
    """
    size = sum(len(part) * math.prod(part.image_shape) for part in parts)
    total = sum(len(part) for part in parts if not isinstance(part, Split))
    digest, reasons, passed, done = hashlib.sha256(), {}, [], 0

    def on_decoded(count: int) -> None:
        nonlocal done
        done += count
        on_progress(done, total)

    for part in parts:
        digest.update(repr((len(part), *part.image_shape)).encode())
        if isinstance(part, Split):
            digest.update(np.ascontiguousarray(part.images).data)
        else:
            part = _decode(part, size <= MEMORY_LIMIT, digest, reasons, on_decoded)
        digest.update(part.labels.astype("<i4").data)
        passed.append(part)
    if reasons:
        raise UnusableFilesError(reasons)
    return tuple(passed), digest.hexdigest()


def _load(source: Source, on_progress: OnProgress) -> Dataset:
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
    (train, validation, test), fingerprint = _first_pass(
        (rest.select(train_indices), rest.select(validation_indices), test),
        on_progress,
    )
    return Dataset(
        name=source.dataset,
        title=title,
        train=train,
        validation=validation,
        test=test,
        white=white,
        class_names=class_names,
        fingerprint=fingerprint,
    )


class _Loader:
    """The type of `load`, which keeps what it has loaded."""

    def __init__(self):
        self._loaded: dict[Source, Dataset] = {}

    def __call__(
        self, source: Source, on_progress: OnProgress = lambda done, total: None
    ) -> Dataset:
        """Returns a data set; the second call costs nothing.

        Every image is decoded once in it, so that none fails later.

        Raises:
          DataError: If a file is missing, damaged, or not what it should be.
        """
        if source not in self._loaded:
            self._loaded[source] = _load(source, on_progress)
        return self._loaded[source]

    def cache_clear(self) -> None:
        """Forgets what has been loaded."""
        self._loaded.clear()


load = _Loader()
