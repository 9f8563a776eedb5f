"""Streams: the order asked for, whatever the threads do; errors; an end to threads."""

import threading
import time

import numpy as np
import pytest

from experiments.data import Split, Stream, gather


class Slow:
    """A part that takes the longer for a batch the earlier it is asked for it.

    Or as long as `wait_for` does.
    """

    image_shape = (1, 1, 1)

    def __init__(self, size: int, broken: int = -1, wait_for=None):
        self.labels = np.arange(size, dtype=np.int32)
        self.broken = broken
        self.asked = 0
        self.wait_for = wait_for or (lambda indices: time.sleep(0.01 / self.asked))

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: np.ndarray) -> Split:
        self.asked += 1
        self.wait_for(indices)
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


@pytest.mark.parametrize(("threads", "ahead"), [(1, 3), (5, 1), (2, 3), (5, 6)])
def test_batches_come_in_the_order_asked_for(threads, ahead):
    asked = batches(12)
    with Stream(Slow(48), asked, threads=threads, ahead=ahead) as stream:
        found = list(stream)
        assert next(stream, None) is None
    np.testing.assert_array_equal([batch.labels for batch in found], asked)
    np.testing.assert_array_equal([batch.images.ravel() for batch in found], asked)
    assert not decoding()


def test_slow_consumer_holds_the_threads_back():
    asked = []

    def order():
        for indices in batches(100):
            asked.append(indices)
            yield indices

    with Stream(Slow(400), order(), threads=2, ahead=3) as stream:
        assert not asked
        for taken in range(1, 4):
            next(stream)
            # Those taken, and those decoded or waiting when the last one was taken.
            assert len(asked) == taken + 2


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

    with (
        pytest.raises(ValueError, match="no further order"),
        Stream(Slow(4), asked()) as stream,
    ):
        next(stream)
    assert not decoding()


def test_closing_early_ends_the_threads_and_the_stream():
    asked = batches(100)
    let_go = threading.Event()
    part = Slow(400, wait_for=lambda indices: indices is asked[0] or let_go.wait(60))
    with Stream(part, asked, threads=2, ahead=50) as stream:
        next(stream)
        assert len(decoding()) == 2
        # Closing waits for those two, but they go on only once it waits.
        threading.Timer(0.1, let_go.set).start()
    assert not decoding()
    assert part.asked <= 3  # what waited was not decoded
    assert next(stream, None) is None


def test_whole_part_is_gathered_in_its_order():
    part = Slow(600)
    np.testing.assert_array_equal(gather(part).labels, part.labels)
    np.testing.assert_array_equal(gather(part).images.ravel(), part.labels % 256)
