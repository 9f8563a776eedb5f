"""Data sets of the experiments: the IDX format, its errors, the fixed split."""

import gzip
import struct

import numpy as np
import pytest

from experiments import data
from experiments.config import Recipe
from experiments.data import digits, idx
from experiments.errors import DataError, UserError

NUM_IMAGES = {"train": 20, "t10k": 6}


def idx_bytes(array: np.ndarray) -> bytes:
    """Returns unsigned bytes as an IDX file."""
    header = struct.pack(f">{1 + array.ndim}I", 0x800 + array.ndim, *array.shape)
    return header + array.astype(np.uint8).tobytes()


@pytest.fixture
def mnist_like(tmp_path):
    """A directory with four small IDX files, two of them compressed."""
    random = np.random.default_rng(0)
    for part, size in NUM_IMAGES.items():
        images = random.integers(0, 256, (size, 4, 5))
        labels = np.arange(size) % 10
        (tmp_path / f"{part}-images-idx3-ubyte").write_bytes(idx_bytes(images))
        path = tmp_path / f"{part}-labels.idx1-ubyte.gz"
        path.write_bytes(gzip.compress(idx_bytes(labels)))
    return tmp_path


def recipe_for(directory) -> Recipe:
    return Recipe(dataset="mnist", data_dir=directory, batch_size=4)


def test_idx_files_are_read_raw_and_compressed_under_either_name(mnist_like):
    images, labels = idx.load(mnist_like, "train")
    assert images.shape == (20, 4, 5, 1)
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(labels, np.arange(20) % 10)
    raw = (mnist_like / "train-images-idx3-ubyte").read_bytes()
    assert images.tobytes() == raw[16:]


def test_idx_split_keeps_every_image_once(mnist_like):
    dataset = data.load(recipe_for(mnist_like))
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (
        18,
        2,
        6,
    )
    everything, _ = idx.load(mnist_like, "train")
    both = np.concatenate([dataset.train.images, dataset.validation.images])
    assert sorted(image.tobytes() for image in both) == sorted(
        image.tobytes() for image in everything
    )


def test_digits_split_is_fixed_and_keeps_every_image_once():
    dataset = data.load(Recipe())
    parts = (dataset.train, dataset.validation, dataset.test)
    assert [len(part) for part in parts] == [1294, 144, 359]
    images, labels = digits.load()
    assert images.max() == digits.WHITE == dataset.white
    assert sorted(np.concatenate([part.labels for part in parts])) == sorted(labels)
    assert sorted(image.tobytes() for part in parts for image in part.images) == sorted(
        image.tobytes() for image in images
    )


def damaged(name: str, change):
    """Returns a function that replaces what a file holds by `change` of it."""

    def apply(directory):
        path = directory / name
        content = path.read_bytes()
        path.write_bytes(change(content))

    return apply


def missing(name: str):
    return lambda directory: (directory / name).unlink()


IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels.idx1-ubyte.gz"


@pytest.mark.parametrize(
    ("damage", "name", "message"),
    [
        (missing(IMAGES), "train-images", "expected one of train-images-idx3-ubyte.gz"),
        (
            damaged(IMAGES, lambda raw: b"\x00\x00\x08\x01" + raw[4:]),
            IMAGES,
            r"expected the magic number 0x00000803 .* but got 0x00000801",
        ),
        (
            damaged(IMAGES, lambda raw: raw[:-1]),
            IMAGES,
            r"announces 20 x 4 x 5 = 400 bytes of data, but 399 follow",
        ),
        (damaged(IMAGES, lambda raw: raw + b"!"), IMAGES, "but 401 follow"),
        (
            damaged(IMAGES, lambda raw: raw[:9]),
            IMAGES,
            "expected a header of 16 bytes, but the file has 9",
        ),
        (damaged(IMAGES, lambda raw: b""), IMAGES, "but the file has 0"),
        (
            damaged(LABELS, lambda raw: raw[: len(raw) // 2]),
            LABELS,
            "expected a whole gzip file",
        ),
        (
            damaged(LABELS, lambda raw: b"not gzip"),
            LABELS,
            "expected a whole gzip file",
        ),
        (
            damaged(LABELS, lambda raw: gzip.compress(idx_bytes(np.arange(19) % 10))),
            LABELS,
            "got 20 images and 19 labels",
        ),
        (
            damaged(LABELS, lambda raw: gzip.compress(idx_bytes(np.arange(20)))),
            LABELS,
            "expected 0 to 9, but got 19",
        ),
    ],
)
def test_damaged_file_is_named_with_what_was_expected(
    mnist_like, damage, name, message
):
    damage(mnist_like)
    with pytest.raises(DataError, match=message) as raised:
        data.load(recipe_for(mnist_like))
    assert name in str(raised.value)


def test_missing_directory_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere, which is not a directory"):
        data.load(recipe_for(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 0}, "`epochs` must be at least 1, but got 0"),
        ({"batch_size": 0}, "`batch-size` must be at least 1, but got 0"),
        ({"learning_rate": 0.0}, "`learning-rate` must be greater than 0"),
        ({"learning_rate": float("nan")}, "`learning-rate` .* but got nan"),
        ({"dropout_rate": 1.0}, "`dropout-rate` must be at least 0 and less than 1"),
        ({"dataset": "mnist"}, "`data-dir` must name the directory"),
        ({"data_dir": "somewhere"}, "`data-dir` must not be given for digits"),
    ],
)
def test_impossible_recipe_is_refused(values, message):
    with pytest.raises(UserError, match=message):
        Recipe(**values)
