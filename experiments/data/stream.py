"""Batches decoded ahead by a few threads, in order."""

import math
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

import numpy as np

from .parts import Part, Split, UnusableFilesError

THREADS = 4
AHEAD = 8
_PIECE_IMAGES = 16
_PIECE_BYTES = 2**25


class Stream:
    """Yields the batches of a part at given indices, in the order of the indices.

    Each batch is decoded by one thread, and what it holds depends on its indices alone.
    At most `ahead` batches are decoded or waiting, so a consumer that is slow holds the
    threads back. An error in a thread is raised where its batch would have come; after
    an `UnusableFilesError` the other batches can still be had. The threads end with the
    last batch, with another error, or with `close`, which waits for no more than the
    batches that are being decoded; `with` closes in any case:

        with Stream(dataset.train, batches(seed, epoch, ...)) as stream:
            for batch in stream:
                step(batch.images, batch.labels)
    """

    def __init__(
        self,
        part: Part,
        batches: Iterable[np.ndarray],
        *,
        threads: int = THREADS,
        ahead: int = AHEAD,
    ):
        self._part = part
        self._batches = iter(batches)
        self._ahead = ahead
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")
        self._pending: deque[Future[Split]] = deque()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Split:
        try:
            while len(self._pending) < self._ahead:
                indices = next(self._batches, None)
                if indices is None:
                    break
                self._pending.append(self._pool.submit(self._part.take, indices))
            if not self._pending:
                raise StopIteration
            return self._pending.popleft().result()
        except UnusableFilesError:
            raise
        except BaseException:  # Ctrl-C, too
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the threads; the stream has no further batches."""
        self._batches = iter(())
        self._pending.clear()
        self._pool.shutdown(cancel_futures=True)


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
