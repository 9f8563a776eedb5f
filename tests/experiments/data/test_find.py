"""Where data are looked for: the order of the places, the layouts, one clear error."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from experiments.terminal.errors import DataError

from .files import (
    batches,
    load,
    pack,
    python2_batch,
    refused,
    write_cifar10,
    write_idx,
    write_pictures,
)

# Each with the folder in it that holds MNIST, in the order of the search.
PLACES = (
    ("own", "mnist"),
    ("cache/lrn_jax", "mnist"),
    ("data", "MNIST/raw"),
    (".keras/datasets", "mnist"),
)


def test_places_are_searched_in_order(empty_machine, monkeypatch):
    monkeypatch.setenv("LRN_JAX_DATA", str(empty_machine / "own"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(empty_machine / "cache"))
    expected = {}
    for seed, (place, folder) in enumerate(PLACES):
        directory = write_idx(empty_machine / place / folder, seed=seed)
        expected[place] = load("mnist", directory).fingerprint
    named = write_idx(empty_machine / "named", seed=9)
    assert load("mnist", named).fingerprint not in expected.values()
    for place, _ in PLACES:
        assert load("mnist", offline=True).fingerprint == expected[place]
        shutil.rmtree(empty_machine / place)
    with refused(empty_machine, "No train-images file"):
        load("mnist", offline=True)


def test_cache_is_in_the_home_unless_said_otherwise(empty_machine):
    write_idx(empty_machine / ".cache" / "lrn_jax" / "mnist")
    assert len(load("mnist", offline=True).test) == 6


def write_python(directory: Path, names: dict[str, str], key: bytes = b"labels"):
    directory.mkdir(parents=True)
    for name, batch in names.items():
        (directory / name).write_bytes(python2_batch(*batches()[batch], key=key))


CIFAR10 = {name: name for name in batches()}
CIFAR100 = {"train": "data_batch_1", "test": "test_batch"}


@pytest.mark.parametrize(
    ("dataset", "folder"),
    [
        ("mnist", "MNIST/raw"),
        ("fashion-mnist", "FashionMNIST/raw"),
        ("fashion-mnist", "fashion-mnist"),
        ("cifar10", "cifar-10-batches-py"),
        ("cifar10", "cifar-10-batches-py/cifar-10-batches-py"),
        ("cifar10", "cifar-10-batches-py-target/cifar-10-batches-py"),
        ("cifar10", "cifar-10-batches-bin"),
        ("cifar100", "cifar-100-python"),
        ("cifar100", "cifar-100-python-target/cifar-100-python"),
    ],
)
def test_layouts_of_others_are_known(empty_machine, dataset, folder):
    for place in ("data", "named"):
        directory = empty_machine / place / folder
        if dataset == "cifar100":
            write_python(directory, CIFAR100, b"fine_labels")
        elif "batches-py" in folder:
            write_python(directory, CIFAR10)
        else:
            (write_cifar10 if dataset == "cifar10" else write_idx)(directory)
        named = empty_machine / "named" if place == "named" else None
        assert len(load(dataset, named, offline=named is None).test) in (4, 6)
        shutil.rmtree(empty_machine / place)


@pytest.mark.parametrize(
    ("name", "top"),
    [
        ("cifar-10-binary.tar.gz", "cifar-10-batches-bin"),
        ("cifar-10-python.tar.gz", "cifar-10-batches-py"),
        ("cifar-10-batches-py.tar.gz", "cifar-10-batches-py"),
    ],
)
def test_published_archives_are_read_as_they_are(empty_machine, name, top):
    if "bin" in top:
        write_cifar10(empty_machine / top)
    else:
        write_python(empty_machine / top, CIFAR10)
    (empty_machine / "data").mkdir()
    archive = pack(empty_machine / top, empty_machine / "data" / name, top)
    shutil.rmtree(empty_machine / top)
    expected = load("cifar10", archive).fingerprint
    assert load("cifar10", offline=True).fingerprint == expected
    assert load("cifar10", empty_machine / "data").fingerprint == expected


def test_place_that_is_named_is_the_only_one(empty_machine):
    write_idx(empty_machine / "data" / "mnist")
    with refused(
        empty_machine,
        r"No train-images file: MNIST was looked for in elsewhere \(which is not "
        r"there\)\. Expected train-images-idx3-ubyte, .*\. Correct --data-dir, or "
        r"leave it out to download them\.",
    ):
        load("mnist", Path("elsewhere"))


def test_error_names_the_places_the_files_and_the_way_out(empty_machine, monkeypatch):
    monkeypatch.setenv("LRN_JAX_DATA", "own")
    (empty_machine / "own").mkdir()
    absent = r" \(which is not there\)"
    with refused(
        empty_machine,
        r"No data_batch_1\.bin file: CIFAR-10 was looked for in own, "
        rf".*\.cache/lrn_jax{absent}, data{absent}, .*\.keras/datasets{absent}\. "
        r"Expected data_batch_1\.bin, .*test_batch\.bin \(binary version\) or "
        r"data_batch_1, .* \(python version\)\. Name .* --data-dir, or leave out "
        r"--offline to download them\.",
    ):
        load("cifar10", offline=True)


def test_what_nobody_offers_is_not_downloaded(empty_machine):
    with refused(
        empty_machine,
        r"No train folder: CIFAR-10-JPEG \(lossy\) .* Name the directory or archive "
        r"that has them with --data-dir\.",
    ):
        load("cifar10-jpeg")


def test_own_files_of_one_data_set_are_not_taken_for_another(empty_machine):
    """MNIST and Fashion-MNIST have files of the same names."""
    write_idx(empty_machine / "data")
    with refused(empty_machine, "No train-images file: Fashion-MNIST"):
        load("fashion-mnist", offline=True)


def test_place_that_is_a_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for dataset in ("mnist", "folder"):
        with pytest.raises(
            DataError, match=r"pipe cannot be read: expected a directory"
        ):
            load(dataset, tmp_path / "pipe")


def test_archive_in_the_cache_that_is_empty_is_named(empty_machine):
    cache = empty_machine / ".cache" / "lrn_jax"
    (cache / "empty").mkdir(parents=True)
    pack(cache / "empty", cache / "cifar-10-binary.tar.gz")
    with refused(
        empty_machine,
        r"cifar-10-binary\.tar\.gz is not the published file: expected data_batch_1"
        r"\.bin.* in it\. Remove it, and it is downloaded\.",
    ):
        load("cifar10")


@pytest.fixture
def open_directory():
    """A directory that everybody may enter, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


@contextmanager
def without_privileges() -> Iterator[None]:
    """With the rights of nobody, where the tests run with all rights."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.mark.parametrize(
    ("dataset", "write", "kind"),
    [
        ("mnist", write_idx, "file"),
        ("folder", write_pictures, "file"),
        ("folder", write_pictures, "directory"),
        ("folder", write_pictures, "archive"),
    ],
)
def test_what_may_not_be_read_is_named(open_directory, dataset, write, kind):
    path = closed = write(open_directory / "images")
    if kind == "archive":
        path = closed = pack(path, open_directory / "images.tar")
    elif kind == "file":
        closed = next(each for each in sorted(path.rglob("*")) if each.is_file())
    closed.chmod(0)
    with (
        without_privileges(),
        pytest.raises(
            DataError, match=rf"{closed}.* cannot be read: Permission denied"
        ),
    ):
        load(dataset, path)
    closed.chmod(0o755)
