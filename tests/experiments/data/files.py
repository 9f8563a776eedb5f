"""Small files in every format, and a check that a refusal leaves no trace."""

import bz2
import gzip
import io
import lzma
import pickle
import struct
import tarfile
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments import data
from experiments.data import Source
from experiments.terminal.errors import DataError

CIFAR10_BATCHES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")
PER_BATCH = 4
COMPRESS = {
    ".tar": bytes,
    ".tar.gz": gzip.compress,
    ".tar.bz2": bz2.compress,
    ".tar.xz": lzma.compress,
    ".tgz": gzip.compress,
    ".txz": lzma.compress,
}


def idx_bytes(array: np.ndarray) -> bytes:
    """Returns unsigned bytes as an IDX file."""
    header = struct.pack(f">{1 + array.ndim}I", 0x800 + array.ndim, *array.shape)
    return header + array.astype(np.uint8).tobytes()


def write_idx(directory: Path, train: int = 20, test: int = 6, seed: int = 0) -> Path:
    """Writes four small IDX files, two of them compressed."""
    directory.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    for part, size in {"train": train, "t10k": test}.items():
        images = random.integers(0, 256, (size, 4, 5))
        (directory / f"{part}-images-idx3-ubyte").write_bytes(idx_bytes(images))
        path = directory / f"{part}-labels.idx1-ubyte.gz"
        path.write_bytes(gzip.compress(idx_bytes(np.arange(size) % 10)))
    return directory


def batches(names=CIFAR10_BATCHES) -> dict[str, tuple[np.ndarray, list[int]]]:
    """Returns rows of planes and labels of small CIFAR batches, by name."""
    random = np.random.default_rng(0)
    return {
        name: (
            random.integers(0, 256, (PER_BATCH, 3072), np.uint8),
            random.integers(0, 10, PER_BATCH).tolist(),
        )
        for name in names
    }


def binary_batch(rows: np.ndarray, labels: list[int], coarse: bool = False) -> bytes:
    """Returns a batch of the binary version, of CIFAR-100 if with coarse labels."""
    columns = [np.array(labels, np.uint8)[:, np.newaxis], rows]
    if coarse:
        columns.insert(0, np.full((len(rows), 1), 99, np.uint8))
    return np.concatenate(columns, axis=1).tobytes()


def python2_batch(rows: np.ndarray, labels: list[int], key: bytes = b"labels") -> bytes:
    """Returns a batch of the python version as the published ones are written.

    Python 2 wrote them, in protocol 2; Python 3 cannot write its byte strings.
    """

    def string(text: bytes) -> bytes:
        return b"U" + bytes([len(text)]) + text  # SHORT_BINSTRING

    content = rows.tobytes()
    return b"".join(
        [
            b"\x80\x02}(",  # protocol, dictionary, mark
            string(b"batch_label"),
            string(b"training batch 1 of 5"),
            string(key),
            b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e",
            string(b"data"),
            b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n",
            b"K\x00\x85" + string(b"b") + b"\x87R",
            b"(K\x01" + struct.pack("<BHBH", ord("M"), len(rows), ord("M"), 3072),
            b"\x86cnumpy\ndtype\n" + string(b"u1") + b"K\x00K\x01\x87R",
            b"(K\x03" + string(b"|") + b"NNN" + 2 * b"J\xff\xff\xff\xff" + b"K\x00tb",
            b"\x89T" + struct.pack("<i", len(content)) + content + b"tb",
            b"u.",
        ]
    )


def python3_batch(rows: np.ndarray, labels: list[int], key: str = "labels") -> bytes:
    """Returns a batch of the python version as Python 3 writes it."""
    return pickle.dumps({"data": rows, key: labels}, protocol=4)


def write_cifar10(directory: Path) -> Path:
    """Writes small batches of CIFAR-10 in the binary version."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, batch in batches().items():
        (directory / f"{name}.bin").write_bytes(binary_batch(*batch))
    return directory


def image_bytes(
    color=(200, 30, 90), size=(8, 8), form: str = "PNG", mode: str = "RGB", **options
) -> bytes:
    """Returns an image of one color."""
    file = io.BytesIO()
    Image.new(mode, size, color).save(file, form, **options)
    return file.getvalue()


def write_pictures(
    directory: Path, classes=("cat", "dog"), train: int = 6, test: int = 2, **options
) -> Path:
    """Writes train/CLASS/*.png and test/CLASS/*.png, every image of its own color."""
    for part, size in {"train": train, "test": test}.items():
        for number, name in enumerate(classes):
            folder = directory / part / name
            folder.mkdir(parents=True)
            for index in range(size):
                color = (20 * number, 10 * index, 100 if part == "test" else 0)
                path = folder / f"{index:04}.png"
                path.write_bytes(image_bytes(color, **options))
    return directory


def pack(directory: Path, archive: Path, top: str = "") -> Path:
    """Packs a directory; the ending of the archive's name says how."""
    if archive.suffix.lower() == ".zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for path in sorted(directory.rglob("*")):
                packed.write(path, Path(top, path.relative_to(directory)))
        return archive
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        tar.add(directory, arcname=top or ".")
    ending = next(each for each in COMPRESS if archive.name.endswith(each))
    archive.write_bytes(COMPRESS[ending](file.getvalue()))
    return archive


def contents(directory: Path) -> dict[Path, bytes | None]:
    """Returns everything below a directory: bytes of files, None for the rest."""
    return {
        path: path.read_bytes() if path.is_file() else None
        for path in directory.rglob("*")
    }


@contextmanager
def refused(directory: Path, message: str) -> Iterator[None]:
    """Expects a DataError of one line, and a directory left as it was."""
    before = contents(directory)
    with pytest.raises(DataError, match=message) as raised:
        yield
    assert "\n" not in str(raised.value)
    assert contents(directory) == before


@contextmanager
def little_memory() -> Iterator[None]:
    """Expects that no more than 4 MiB are taken in between."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()


def load(dataset, path: Path | None = None, **options) -> data.Dataset:
    """Loads a data set."""
    return data.load(Source(dataset, path, **options))


def training(dataset: data.Dataset) -> data.Split:
    """Returns all images that are not for the test, in memory."""
    parts = [data.gather(part) for part in (dataset.train, dataset.validation)]
    return data.Split(
        np.concatenate([part.images for part in parts]),
        np.concatenate([part.labels for part in parts]),
    )


def pairs(split: data.Split) -> list[tuple[bytes, int]]:
    """Returns images with their labels, in an order of their own."""
    return sorted(
        (image.tobytes(), int(label))
        for image, label in zip(split.images, split.labels, strict=True)
    )
