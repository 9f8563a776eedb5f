"""Loading: the fixed split, the fingerprint, and parts too large for memory."""

import gzip

import numpy as np
import pytest

from experiments import data
from experiments.data import digits, first_pass
from experiments.data.pictures import Pictures

from .files import (
    image_bytes,
    load,
    pairs,
    refused,
    training,
    write_cifar10,
    write_idx,
    write_pictures,
)


def test_split_is_a_tenth_and_keeps_every_image_once(tmp_path):
    dataset = load("mnist", write_idx(tmp_path, train=40))
    parts = (dataset.train, dataset.validation, dataset.test)
    assert [len(part) for part in parts] == [36, 4, 6]
    found = pairs(training(dataset))
    assert len(set(found)) == len(found) == 40


def test_digits_split_is_fixed_and_keeps_every_image_once():
    dataset = load("digits")
    parts = [dataset.train, dataset.validation, dataset.test]
    assert [len(part) for part in parts] == [1294, 144, 359]
    images, labels = digits.load()
    assert images.max() == digits.WHITE == dataset.white
    found = [pair for part in parts for pair in pairs(data.gather(part))]
    assert sorted(found) == pairs(data.Split(images, labels))
    assert dataset.class_names == tuple("0123456789")


def test_split_is_the_one_of_the_published_results(tmp_path):
    """Numbers in the reports came from it; it must not change."""
    dataset = load("mnist", write_idx(tmp_path, train=40))
    order = np.random.default_rng(20121203).permutation(40)
    np.testing.assert_array_equal(dataset.validation.labels, order[:4] % 10)
    np.testing.assert_array_equal(dataset.train.labels, order[4:] % 10)
    np.testing.assert_array_equal(dataset.test.labels, np.arange(6))

    dataset = load("digits")
    _, labels = digits.load()
    order = np.random.default_rng(20121203).permutation(1797)
    np.testing.assert_array_equal(dataset.test.labels, labels[order[:359]])
    np.testing.assert_array_equal(dataset.validation.labels, labels[order[359:503]])
    np.testing.assert_array_equal(dataset.train.labels, labels[order[503:]])


def test_fingerprint_is_of_images_labels_and_their_order(tmp_path):
    fingerprints = {load("mnist", write_idx(tmp_path / "0")).fingerprint}
    same = load("mnist", write_idx(tmp_path / "same"))
    assert same.fingerprint in fingerprints
    assert len(same.fingerprint) == 64

    def changed(name: str, position: int):
        """Returns the fingerprint after the change of one bit."""
        directory = write_idx(tmp_path / f"{name}{position}")
        path = directory / name
        content = path.read_bytes()
        packed = path.suffix == ".gz"
        content = bytearray(gzip.decompress(content) if packed else content)
        content[position] ^= 1
        path.write_bytes(gzip.compress(content) if packed else content)
        return load("mnist", directory).fingerprint

    fingerprints.add(load("mnist", write_idx(tmp_path / "1", seed=1)).fingerprint)
    fingerprints.add(changed("train-images-idx3-ubyte", 16))
    fingerprints.add(changed("t10k-images-idx3-ubyte", -1))
    fingerprints.add(changed("train-labels.idx1-ubyte.gz", 8))
    fingerprints.add(changed("t10k-labels.idx1-ubyte.gz", -1))
    fingerprints.add(load("mnist", write_idx(tmp_path / "2", test=7)).fingerprint)
    assert len(fingerprints) == 7


def test_fingerprint_does_not_depend_on_the_format(tmp_path, monkeypatch):
    """The same images in memory and decoded on demand."""
    directory = write_pictures(tmp_path)
    in_memory = load("folder", directory)
    monkeypatch.setattr(first_pass, "MEMORY_LIMIT", 0)
    assert load("folder", directory).fingerprint == in_memory.fingerprint


@pytest.mark.parametrize("more", [0, 1])
def test_parts_that_need_too_much_memory_decode_on_demand(tmp_path, monkeypatch, more):
    directory = write_pictures(tmp_path)
    in_memory = load("folder", directory, image_size=8)
    decoded = (2 * 6 + 2 * 2) * 8 * 8 * 3
    monkeypatch.setattr(first_pass, "MEMORY_LIMIT", decoded - 1 + more)
    dataset = load("folder", directory, image_size=8)
    parts = (dataset.train, dataset.validation, dataset.test)
    expected = data.Split if more else Pictures
    assert {type(part) for part in parts} == {expected}
    for part, other in zip(
        parts, (in_memory.train, in_memory.validation, in_memory.test), strict=True
    ):
        assert len(part) == len(other)
        assert part.image_shape == other.image_shape == (8, 8, 3)
        np.testing.assert_array_equal(part.labels, other.labels)
        indices = np.arange(len(part))[::-1]
        for name in ("images", "labels"):
            np.testing.assert_array_equal(
                getattr(part.take(indices), name), getattr(other.take(indices), name)
            )


def test_streams_of_a_part_are_its_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(first_pass, "MEMORY_LIMIT", 0)
    train = load("folder", write_pictures(tmp_path)).train
    order = np.random.default_rng(0).permutation(len(train))[:10].reshape(-1, 5)
    with data.Stream(train, order) as stream:
        for indices, batch in zip(order, stream, strict=True):
            expected = train.take(indices)
            np.testing.assert_array_equal(batch.images, expected.images)
            np.testing.assert_array_equal(batch.labels, expected.labels)


def test_image_is_found_damaged_before_training(tmp_path, monkeypatch):
    monkeypatch.setattr(first_pass, "MEMORY_LIMIT", 0)
    write_pictures(tmp_path)
    (tmp_path / "train" / "cat" / "0003.png").write_bytes(image_bytes()[:50])
    with refused(tmp_path, r"train/cat/0003\.png cannot be used"):
        load("folder", tmp_path)


def test_parts_of_different_formats_have_one_layout(tmp_path):
    for dataset in (load("digits"), load("cifar10", write_cifar10(tmp_path))):
        images = data.gather(dataset.train).images
        assert images.shape[1:] == dataset.train.image_shape
        assert images.dtype == np.uint8
        assert dataset.train.labels.dtype == np.int32
