"""Batches decoded ahead by a few threads, in order."""

import math
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from typing import TypeVar

import numpy as np

from .parts import Part, Split

THREADS = 4
AHEAD = 8
_PIECE_IMAGES = 16
_PIECE_BYTES = 2**25
_Result = TypeVar("_Result")


def in_order(
    function: Callable[[np.ndarray], _Result],
    arguments: Iterable[np.ndarray],
    threads: int = THREADS,
    ahead: int = AHEAD,
) -> Generator[_Result]:
    """Yields what a function returns for each argument, computed ahead by threads.

    At most `ahead` results are being computed or waiting, so a slow consumer holds the
    threads back. An error is raised in place of its result. The threads end with the
    last result, with an error, or when the generator is closed, which waits only for
    calls that have begun.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")
    try:
        rest = iter(arguments)
        pending = deque(pool.submit(function, each) for each in islice(rest, ahead))
        while pending:
            yield pending.popleft().result()
            pending.extend(pool.submit(function, each) for each in islice(rest, 1))
    finally:  # after Ctrl-C, too
        pool.shutdown(cancel_futures=True)


class Stream(closing):
    """The batches of a part at given indices, in the order of the indices.

    Each batch is decoded by one thread, and depends on its indices alone:

        with Stream(dataset.train, batches(seed, epoch, ...)) as stream:
            for batch in stream:
                step(batch.images, batch.labels)
    """

    def __init__(self, part: Part, batches: Iterable[np.ndarray], **options: int):
        super().__init__(in_order(part.take, batches, **options))

    def __enter__(self) -> Iterator[Split]:
        return super().__enter__()


def pieces(part: Part) -> list[np.ndarray]:
    """Returns the indices of a whole part, in pieces that are small in memory."""
    size = _PIECE_BYTES // math.prod(part.image_shape)
    size = min(max(size, 1), _PIECE_IMAGES)
    indices = np.arange(len(part))
    return [indices[start : start + size] for start in indices[::size]]


def chunks(part: Part) -> Iterator[Split]:
    """Yields a whole part, from the first image to the last, in pieces."""
    with Stream(part, pieces(part)) as stream:
        yield from stream


def gather(part: Part) -> Split:
    """Returns a whole part in memory."""
    if isinstance(part, Split):
        return part
    images = np.empty((len(part), *part.image_shape), np.uint8)
    for indices, chunk in zip(pieces(part), chunks(part), strict=True):
        images[indices] = chunk.images
    return Split(images, part.labels)
