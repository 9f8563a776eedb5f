"""IDX files: every form they come in, and every way they are damaged."""

import gzip
import hashlib
import struct

import numpy as np
import pytest

from experiments.data import checksums, gather, npy
from experiments.terminal.errors import DataError

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


def test_published_files_of_another_data_set_are_refused(tmp_path, monkeypatch):
    """KMNIST and Fashion-MNIST have files of the same names as MNIST."""
    write_idx(tmp_path)
    checksum = hashlib.sha256((tmp_path / IMAGES).read_bytes()).hexdigest()
    monkeypatch.setattr(checksums, "CHECKSUMS", {"mnist/train-images": checksum})
    for dataset, title in {
        "kmnist": "KMNIST",
        "fashion-mnist": "Fashion-MNIST",
    }.items():
        with refused(
            tmp_path,
            f"{IMAGES} is a file of MNIST: expected {title}. Read it with --dataset mn",
        ):
            load(dataset, tmp_path)


RELATIVES = [
    ("kmnist", "", "", "kmnist", 0),
    ("qmnist", "qmnist-train", "qmnist-test", "QMNIST/raw", 0),
    ("emnist-letters", "emnist-letters-train", "emnist-letters-test", "emnist", 1),
    ("emnist-byclass", "emnist-byclass-train", "emnist-byclass-test", "EMNIST/raw", 0),
]


@pytest.mark.parametrize(("dataset", "train", "test", "folder", "first"), RELATIVES)
def test_relatives_of_mnist_are_data_sets_of_their_own(
    empty_machine, dataset, train, test, folder, first
):
    directory = empty_machine / "data" / folder
    directory.mkdir(parents=True)
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (12, 4, 5))
    for part in (train or "train", test or "t10k"):
        labels, kind = np.arange(12) % 10 + first, "idx1-ubyte"
        content = idx_bytes(labels)
        if dataset == "qmnist":  # integers: the class, and where the digit is from
            kind, rows = "idx2-int", np.stack([labels, labels + 300], axis=1)
            content = struct.pack(">III", 0xC02, 12, 2) + rows.astype(">i4").tobytes()
        (directory / f"{part}-images-idx3-ubyte").write_bytes(idx_bytes(images))
        path = directory / f"{part}-labels-{kind}.gz"
        path.write_bytes(gzip.compress(content))
    found = load(dataset, offline=True)
    if dataset.startswith("emnist"):  # its images are stored column by column
        images = images.transpose(0, 2, 1)
    np.testing.assert_array_equal(gather(found.test).images[..., 0], images)
    np.testing.assert_array_equal(found.test.labels, np.arange(12) % 10)
    assert "MNIST" in found.title != "MNIST"
    assert found.notes[0] == (
        f"The files of {found.title} were not compared with the published ones, of "
        "which this program has no checksums."
    )
    path.write_bytes(gzip.compress(content[:-1]))
    with refused(empty_machine, r"labels-idx.* cut short: its header announces 12 "):
        load(dataset, offline=True)
    wrong = bytearray(content)
    wrong[20 if dataset == "qmnist" else -1] = 200
    path.write_bytes(gzip.compress(wrong))
    with refused(
        empty_machine, rf"outside its range: expected {first} to \d+, but got"
    ):
        load(dataset, offline=True)


def test_kaggle_has_folders_around_files(tmp_path):
    directory = write_idx(tmp_path / "mnist")
    expected = load("mnist", directory).fingerprint
    for name in (IMAGES, TEST_IMAGES):
        (directory / name).rename(directory / "moved")
        (directory / name).mkdir()
        (directory / "moved").rename(directory / name / name)
    assert load("mnist", directory).fingerprint == expected


def write_npz(path, **changes):
    """Writes a file as Keras has it of the images of `write_idx`."""
    random = np.random.default_rng(0)
    arrays = {}
    for part, size in {"train": 20, "test": 6}.items():
        arrays[f"x_{part}"] = random.integers(0, 256, (size, 4, 5)).astype(np.uint8)
        arrays[f"y_{part}"] = np.arange(size) % 10
    np.savez_compressed(path, **arrays | changes)
    return path


def test_file_of_keras_is_the_same_data(empty_machine):
    expected = load("mnist", write_idx(empty_machine / "idx")).fingerprint
    keras = empty_machine / ".keras" / "datasets"
    keras.mkdir(parents=True)
    named = write_npz(keras / "mnist.npz")
    assert load("mnist", offline=True).fingerprint == expected
    assert load("mnist", named).fingerprint == expected
    assert load("mnist", keras).fingerprint == expected


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y_train": np.arange(20) % 10 / 10}, r"y_train\.npy .* the dtype float64"),
        ({"y_train": np.array([{}] * 20)}, r"y_train\.npy .* the dtype object"),
        ({"y_train": np.arange(20) - 1}, r"y_train\.npy .* values from -1 to 18"),
        ({"x_test": np.zeros((6, 20), np.uint8)}, r"x_test\.npy .* shape \(6, 20\)"),
        ({"x_test": np.zeros((0, 4, 5), np.uint8)}, r"x_test\.npy .* shape \(0, 4, 5"),
        ({"y_train": np.arange(19) % 10}, "do not belong together"),
    ],
)
def test_other_arrays_are_refused(tmp_path, changes, message):
    write_npz(tmp_path / "mnist.npz", **changes)
    with refused(tmp_path, message):
        load("mnist", tmp_path)


def header(shape: str) -> bytes:
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no array",
        header("(2, 3)")[:20],
        header("(2, 3)") + bytes(5),
        header("(2, 3)") + bytes(7),
        header(f"({2**40}, 3)"),
        header("(__import__('os').getpid(), 3)") + bytes(6),
    ],
)
def test_damaged_array_is_refused(content):
    with (
        little_memory(),
        pytest.raises(DataError, match=r"x\.npy cannot be used: expected an array"),
    ):
        npy.parse(content, 2, "x.npy")
