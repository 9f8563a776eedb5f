"""The first pass over all images: each is decoded once, so that none fails later.

It makes the fingerprint, and keeps the images in memory if they fit. Otherwise the
parts decode images on demand, each time they are taken.
"""

import hashlib
import math
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import numpy as np

from .parts import Part, Split, UnusableFilesError
from .pictures import Pictures
from .stream import in_order, pieces

MEMORY_LIMIT = 2 * 2**30
"""Bytes of decoded images that are kept in memory."""

OnProgress = Callable[[int, int], object]
"""(images decoded, all images) -> anything: called after every few images."""


def _decode(
    part: Part, keep: bool, digest: Any, on_decoded: Callable[[int], object]
) -> tuple[Part, dict[str, str]]:
    """Returns a part, in memory if `keep`, and the reasons why files are unusable."""
    shape = (len(part), *part.image_shape)
    images = np.empty(shape, np.uint8) if keep else None
    reasons: dict[str, str] = {}

    def attempt(indices: np.ndarray) -> Split | UnusableFilesError:
        try:
            return part.take(indices)
        except UnusableFilesError as error:
            return error

    indices = pieces(part)
    with closing(in_order(attempt, indices)) as results:
        for piece, result in zip(indices, results, strict=True):
            if isinstance(result, UnusableFilesError):
                reasons |= result.reasons
            else:
                digest.update(result.images.data)
                if images is not None:
                    images[piece] = result.images
            on_decoded(len(piece))
    return part if images is None else Split(images, part.labels), reasons


def leave_out(
    parts: Sequence[Part], error: UnusableFilesError
) -> tuple[list[Part], list[int]]:
    """Returns the parts without the files of an error, and the labels of those files.

    Raises:
      UnusableFilesError: The same, if nothing would be left of a part.
    """
    left, labels = [], []
    for part in parts:
        if isinstance(part, Pictures):
            bad = part.indices_of(error.reasons)
            labels += part.labels[bad].tolist()
            part = part.select(np.delete(np.arange(len(part)), bad))
        if not len(part):
            raise error
        left.append(part)
    return left, labels


def decode_once(
    parts: Sequence[Part], on_progress: OnProgress
) -> tuple[list[Part], str]:
    """Returns the parts, in memory unless they are too large, and their fingerprint.

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
            part, more = _decode(part, size <= MEMORY_LIMIT, digest, on_decoded)
            reasons |= more
        digest.update(part.labels.astype("<i4").data)
        passed.append(part)
    if reasons:
        raise UnusableFilesError(reasons)
    return passed, digest.hexdigest()
