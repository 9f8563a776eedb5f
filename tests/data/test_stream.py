"""Streams: the order asked for, whatever the threads do; errors; an end to threads."""

import threading
import time

import numpy as np
import pytest

from experiments.data import Split, Stream, gather


class Slow:
    """A part that takes the longer for a batch the earlier it is asked for it."""

    image_shape = (1, 1, 1)

    def __init__(self, size: int, broken: int = -1):
        self.labels = np.arange(size, dtype=np.int32)
        self.broken = broken
        self.asked = 0

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: np.ndarray) -> Split:
        self.asked += 1
        time.sleep(0.03 / self.asked)
        if self.broken in indices:
            raise ValueError(f"image {self.broken} is broken")
        labels = self.labels[indices]
        return Split(labels.astype(np.uint8).reshape(-1, 1, 1, 1), labels)

    def select(self, indices: np.ndarray) -> "Slow":
        raise NotImplementedError


def batches(number: int) -> list[np.ndarray]:
    """Indices of batches of four, in a random order."""
    order = np.random.default_rng(0).permutation(4 * number)
    return list(order.reshape(number, 4))


def decoding() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name.startswith("decode")]


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("ahead", [1, 3])
def test_batches_come_in_the_order_asked_for(threads, ahead):
    asked = batches(12)
    with Stream(Slow(48), asked, threads=threads, ahead=ahead) as stream:
        found = list(stream)
        assert next(stream, None) is None
    np.testing.assert_array_equal([batch.labels for batch in found], asked)
    np.testing.assert_array_equal([batch.images.ravel() for batch in found], asked)
    assert not decoding()


def test_threads_wait_for_a_slow_consumer():
    part = Slow(400)
    asked = iter(batches(100))
    with Stream(part, asked, threads=2, ahead=3) as stream:
        for taken in range(1, 4):
            next(stream)
            time.sleep(0.1)
            assert part.asked == taken + 2
    assert len(list(asked)) == 100 - 5  # the order is not read ahead, either


def test_error_in_a_thread_is_raised_where_its_batch_would_have_come():
    asked = batches(10)
    with Stream(Slow(40, broken=asked[3][1]), asked, threads=4, ahead=6) as stream:
        for indices in asked[:3]:
            np.testing.assert_array_equal(next(stream).labels, indices)
        with pytest.raises(ValueError, match=rf"image {asked[3][1]} is broken"):
            next(stream)
        assert not decoding()
        assert next(stream, None) is None


def test_error_in_the_order_ends_the_threads():
    def asked():
        yield np.arange(4)
        raise ValueError("no further order")

    stream = Stream(Slow(4), asked())
    with pytest.raises(ValueError, match="no further order"):
        next(stream)
    assert not decoding()


def test_closing_early_ends_the_threads_and_the_stream():
    part = Slow(400)
    stream = Stream(part, batches(100), threads=2, ahead=50)
    next(stream)
    assert decoding()
    stream.close()
    assert not decoding()
    asked = part.asked
    assert asked < 51  # what waited was not decoded
    assert next(stream, None) is None
    stream.close()
    assert part.asked == asked


def test_whole_part_is_gathered_in_its_order():
    part = Slow(600)
    np.testing.assert_array_equal(gather(part).labels, part.labels)
    np.testing.assert_array_equal(gather(part).images.ravel(), part.labels % 256)
