"""IDX files: every form they come in, and every way they are damaged."""

import gzip
import hashlib

import numpy as np
import pytest

from experiments.data import checksums

from .files import (
    idx_bytes,
    little_memory,
    load,
    pairs,
    refused,
    training,
    write_idx,
)

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels.idx1-ubyte.gz"
TEST_IMAGES = "t10k-images-idx3-ubyte"


def test_files_are_read_raw_and_compressed_under_either_name(tmp_path):
    dataset = load("mnist", write_idx(tmp_path))
    found = training(dataset)
    assert dataset.train.image_shape == (4, 5, 1)
    assert (found.images.dtype, found.labels.dtype) == (np.uint8, np.int32)
    raw = (tmp_path / IMAGES).read_bytes()[16:]
    # Image i has label i % 10, wherever the split puts it.
    assert pairs(found) == sorted(
        (raw[20 * i : 20 * (i + 1)], i % 10) for i in range(20)
    )
    assert (dataset.white, dataset.class_names) == (255, tuple("0123456789"))


def test_other_data_do_not_go_by_the_name_of_the_published(tmp_path, monkeypatch):
    directory = write_idx(tmp_path / "one")
    assert load("mnist", directory).title == "MNIST (not the published files)"
    monkeypatch.setattr(
        checksums,
        "CHECKSUMS",
        {
            "mnist/train-images": hashlib.sha256(
                (directory / IMAGES).read_bytes()
            ).hexdigest(),
            "mnist/train-labels": hashlib.md5(
                gzip.decompress((directory / LABELS).read_bytes())
            ).hexdigest(),
        },
    )
    assert load("mnist", directory, offline=True).title == "MNIST"
    other = write_idx(tmp_path / "two", seed=1)
    assert load("mnist", other).title == "MNIST (not the published files)"


def damaged(name: str, change):
    """Returns a function that replaces what a file holds by `change` of it."""

    def apply(directory):
        path = directory / name
        path.write_bytes(change(path.read_bytes()))

    return apply


def missing(name: str):
    return lambda directory: (directory / name).unlink()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            missing(IMAGES),
            "No train-images file: MNIST was .* Expected train-images-idx3",
        ),
        (missing(LABELS), "No train-labels file"),
        (
            damaged(IMAGES, lambda raw: b"\x00\x00\x08\x01" + raw[4:]),
            rf"{IMAGES} .* expected the magic number 0x00000803 .* got 0x00000801",
        ),
        (
            damaged(IMAGES, lambda raw: raw[:-1]),
            rf"{IMAGES} .* announces 20 x 4 x 5 bytes of data, but 399 follow",
        ),
        (damaged(IMAGES, lambda raw: raw + b"!"), rf"{IMAGES} .* but more follow"),
        (
            damaged(IMAGES, lambda raw: raw[:9]),
            rf"{IMAGES} .* expected a header of 16 bytes, but the file has 9",
        ),
        (damaged(IMAGES, lambda raw: b""), rf"{IMAGES} .* but the file has 0"),
        (
            damaged(LABELS, lambda raw: raw[: len(raw) // 2]),
            rf"{LABELS} .* expected a whole gzip file",
        ),
        (
            damaged(LABELS, lambda raw: b"not gzip"),
            rf"{LABELS} .* expected a whole gzip file",
        ),
        (
            damaged(LABELS, lambda raw: raw[:-8] + bytes(8)),
            rf"{LABELS} .* expected a whole gzip file",
        ),
        (
            damaged(LABELS, lambda raw: gzip.compress(idx_bytes(np.arange(19) % 10))),
            f"{IMAGES} and .*{LABELS} .* got 20 images and 19 labels",
        ),
        (
            damaged(LABELS, lambda raw: gzip.compress(idx_bytes(np.arange(20)))),
            rf"{LABELS} .* expected 0 to 9, but got 19",
        ),
        (
            damaged(TEST_IMAGES, lambda raw: idx_bytes(np.zeros((6, 5, 4)))),
            rf"{TEST_IMAGES} .* of one size, but got \(4, 5, 1\) and \(5, 4, 1\)",
        ),
        (
            damaged(TEST_IMAGES, lambda raw: idx_bytes(np.zeros((0, 4, 5)))),
            rf"{TEST_IMAGES} holds no data",
        ),
    ],
)
def test_damaged_file_is_named_with_what_was_expected(tmp_path, damage, message):
    damage(write_idx(tmp_path))
    with refused(tmp_path, message):
        load("mnist", tmp_path)


def test_only_what_the_header_announces_is_unpacked(tmp_path):
    bomb = gzip.compress(idx_bytes(np.arange(20) % 10) + bytes(2**24))
    write_idx(tmp_path)
    (tmp_path / LABELS).write_bytes(bomb)
    with (
        little_memory(),
        refused(tmp_path, f"{LABELS} .* announces 20 bytes of data, but more follow"),
    ):
        load("mnist", tmp_path)


def test_header_that_announces_too_much_is_refused(tmp_path):
    write_idx(tmp_path)
    (tmp_path / LABELS).write_bytes(gzip.compress(b"\0\0\x08\x01" + 4 * b"\xff"))
    with refused(tmp_path, f"{LABELS} is refused: .* announces 4,294,967,295"):
        load("mnist", tmp_path)


def test_file_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("experiments.data.idx.MAX_UNPACKED", 20)
    write_idx(tmp_path)
    with refused(tmp_path, f"{IMAGES} is refused: expected at most 20 bytes unpacked"):
        load("mnist", tmp_path)
