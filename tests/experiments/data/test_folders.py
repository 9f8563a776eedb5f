"""Folders of images: layouts, what is left out, and what could be a mistake."""

import os
import socket

import numpy as np
import pytest

from experiments import data
from experiments.data import Source, first_pass
from experiments.terminal.errors import DataError

from .files import (
    image_bytes,
    load,
    pack,
    pairs,
    refused,
    training,
    write_pictures,
)

PNG = image_bytes(size=(30, 30))
CIFAR10 = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse"]
CIFAR10 += ["ship", "truck"]


def test_train_and_test_folders_are_kept_apart(tmp_path):
    write_pictures(tmp_path, classes=("dog", "cat", "ant"))
    (tmp_path / "README.txt").write_text("left alone")
    dataset = load("folder", tmp_path, image_size=8)
    assert dataset.class_names == ("ant", "cat", "dog")
    assert dataset.title == f"folder {tmp_path.name}"
    found = training(dataset)
    # The color of an image says which class and part it was written for.
    assert found.images.shape == (18, 8, 8, 3)
    np.testing.assert_array_equal(found.images[:, 0, 0, 0], 20 * (2 - found.labels))
    assert set(found.images[:, 0, 0, 2]) == {0}
    test = dataset.test.take(np.arange(6))
    np.testing.assert_array_equal(test.labels, [0, 0, 1, 1, 2, 2])
    assert set(test.images[:, 0, 0, 2]) == {100}


def write_classes(directory, **sizes: int):
    """Writes CLASS/*.png, every image of its own color."""
    for number, (name, size) in enumerate(sizes.items()):
        (directory / name).mkdir()
        for index in range(size):
            path = directory / name / f"{index:03}.png"
            path.write_bytes(image_bytes((number, index, 0)))
    return directory


def test_a_fifth_of_each_class_becomes_the_test(tmp_path):
    dataset = load("folder", write_classes(tmp_path, a=20, b=11, c=2), image_size=8)
    test = dataset.test.take(np.arange(len(dataset.test)))
    np.testing.assert_array_equal(np.bincount(test.labels), [4, 2, 1])
    found = training(dataset)
    np.testing.assert_array_equal(np.bincount(found.labels), [16, 9, 1])
    both = pairs(found) + pairs(test)
    assert len(set(both)) == len(both) == 33
    # Not the first ones: the names of files often have an order.
    assert set(test.images[test.labels == 0, 0, 0, 1]) != {0, 1, 2, 3}

    (tmp_path / "again").mkdir()
    again = write_classes(tmp_path / "again", a=20, b=11, c=2)
    assert load("folder", again, image_size=8).fingerprint == dataset.fingerprint


def test_folders_around_the_classes_are_passed_through(tmp_path):
    write_pictures(tmp_path / "flowers" / "v2")
    assert load("folder", tmp_path).class_names == ("cat", "dog")


@pytest.mark.parametrize("packed", [False, True], ids=["directory", "archive"])
def test_hidden_files_and_folders_are_left_alone(tmp_path, packed):
    path = write_pictures(tmp_path / "images")
    for name in ("train/cat/._0001.png", ".git/hooks", "train/.cache/1.png"):
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_bytes(b"made by a program")
    if packed:
        path = pack(path, tmp_path / "images.tar")
    dataset = load("folder", path)
    assert dataset.class_names == ("cat", "dog")
    np.testing.assert_array_equal(np.bincount(training(dataset).labels), [6, 6])


def test_lossy_copy_of_cifar10_says_so(tmp_path):
    options = {"classes": CIFAR10, "train": 2, "test": 1, "size": (32, 32)}
    directory = write_pictures(tmp_path / "cifar10-jpeg", **options)
    dataset = load("cifar10-jpeg", directory)
    assert dataset.title == "CIFAR-10-JPEG (lossy)"
    assert dataset.class_names == tuple(CIFAR10)
    assert (dataset.train.image_shape, len(dataset.test)) == ((32, 32, 3), 10)
    (tmp_path / "data").mkdir()
    pack(directory, tmp_path / "data" / "cifar10-jpeg.tar.xz")
    for place in (tmp_path, tmp_path / "data"):
        assert load("cifar10-jpeg", place).fingerprint == dataset.fingerprint


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"classes": CIFAR10},
            r"/000.\.png cannot be used: expected an image of 32 x 32, but it has 8",
        ),
        (
            {"classes": CIFAR10[1:], "size": (32, 32)},
            "has other classes than it should",
        ),
    ],
)
def test_other_images_are_not_the_lossy_copy(tmp_path, options, message):
    write_pictures(tmp_path, train=2, test=1, **options)
    with refused(tmp_path, message):
        load("cifar10-jpeg", tmp_path)


def test_one_layer_of_classes_is_not_the_lossy_copy(tmp_path):
    write_classes(tmp_path, **dict.fromkeys(CIFAR10, 2))
    with refused(tmp_path, r"No train folder: CIFAR-10-JPEG \(lossy\) was looked for"):
        load("cifar10-jpeg", tmp_path)


@pytest.mark.parametrize("in_memory", [True, False])
def test_all_images_that_do_not_decode_are_named_at_once(
    tmp_path, monkeypatch, in_memory
):
    write_pictures(tmp_path, train=70)
    if not in_memory:
        monkeypatch.setattr(first_pass, "MEMORY_LIMIT", 0)
    bad = [f"{name}/{index:04}.png" for name in ("cat", "dog") for index in range(11)]
    for name in bad:
        (tmp_path / "train" / name).write_bytes(b"no image")
    calls = []
    names = ", ".join(str(tmp_path / "train" / name) for name in bad[1:20])
    with refused(
        tmp_path,
        r"train/cat/0000\.png cannot be used: expected an image \(JPEG, .*\), "
        rf"but Pillow does .* it\. Nor can 21 more be used: {names}, and 2 more\. "
        "--skip-damaged goes on without them.$",
    ):
        data.load(Source("folder", tmp_path), lambda *numbers: calls.append(numbers))
    assert calls[-1] == (144, 144)
    assert sorted(set(calls)) == calls
    assert len(calls) > 3


def test_all_files_that_are_no_images_are_named_at_once(tmp_path):
    write_pictures(tmp_path)
    bad = ["test/cat/a.rar", "test/dog/b.txt", "train/cat/more", "train/dog/c.svg"]
    for name in bad:
        path = tmp_path / name
        path.write_bytes(PNG) if path.suffix else path.mkdir()
    names = ", ".join(str(tmp_path / name) for name in bad[1:])
    with refused(tmp_path, rf"a\.rar is no image .* Nor can 3 more be used: {names}\."):
        load("folder", tmp_path)


def empty_class(directory):
    (directory / "train" / "ant").mkdir()
    (directory / "test" / "ant").mkdir()


def write(name: str, content: bytes = PNG):
    """Returns a function that writes a file into a directory."""

    def apply(directory):
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    return apply


def remove(name: str):
    """Returns a function that removes a folder of files."""

    def apply(directory):
        for path in sorted((directory / name).rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        (directory / name).rmdir()

    return apply


MISTAKES = [
    (empty_class, r"ant is empty: expected images of that class"),
    (write("train/cat/notes.txt"), r"notes\.txt is no image this program reads"),
    (write("train/cat/more/1.png"), r"more is a folder in a class folder"),
    (write("stray.png"), r"stray\.png is in no class"),
    (write("train/stray.JPG"), r"stray\.JPG is in no class"),
    (write("stray.webp"), r"stray\.webp is in no class"),
    (write("more/cat/1.png"), r"mixes layouts: test, train hold .* but more stand"),
    (write("Training/cat/1.png"), r"two ways: Training and train are both names of"),
    (remove("test"), r"lacks a part: .* but got train\. To divide one part .* name it"),
    (remove("train"), r"lacks a part: .* but got test"),
    (write("test/ant/1.png"), r"classes in one part only: .* are not: ant"),
    (remove("test/dog"), r"test.? has too few classes: .* but got cat"),
]


@pytest.mark.parametrize(("mistake", "message"), MISTAKES)
def test_mistake_is_named(tmp_path, mistake, message):
    mistake(write_pictures(tmp_path))
    with refused(tmp_path, message):
        load("folder", tmp_path)


def test_mistake_in_an_archive_is_named(tmp_path):
    empty_class(write_pictures(tmp_path / "images"))
    archive = pack(tmp_path / "images", tmp_path / "images.tar.gz")
    with refused(tmp_path, r"images\.tar\.gz:(train|test)/ant is empty"):
        load("folder", archive)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({}, "holds no classes: .* but it is empty or not there"),
        ({"cat": 3}, "too few classes: expected at least two .* but got cat"),
        ({"cat": 3, "dog": 1}, "dog has too few images: expected at least two"),
        ({"cat": 3, "dog": 0}, "dog is empty"),
    ],
)
def test_too_few_of_anything_is_refused(tmp_path, sizes, message):
    write_classes(tmp_path, **sizes)
    with refused(tmp_path, message):
        load("folder", tmp_path)


def test_folder_that_is_not_there_is_refused(tmp_path):
    nowhere = tmp_path / "nowhere"
    with refused(tmp_path, "nowhere holds no classes: .* it is empty or not there"):
        load("folder", nowhere)
    write_classes(tmp_path, cat=5, dog=5)
    with refused(tmp_path, "nowhere holds no classes: .* it is empty or not there"):
        load("folder", tmp_path, test_dir=nowhere)


def test_only_files_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    with refused(tmp_path, "too few classes: .* but got none"):
        load("folder", tmp_path)


def bind(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(path))  # whose length is limited


@pytest.mark.parametrize(
    "make",
    [
        os.mkfifo,
        bind,
        lambda path: path.symlink_to("nowhere"),
        lambda path: path.symlink_to(path.name),
        lambda path: path.symlink_to("/dev/zero"),
    ],
    ids=["pipe", "socket", "broken link", "link to itself", "device"],
)
def test_what_is_no_file_is_refused(tmp_path, monkeypatch, make):
    write_pictures(tmp_path)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "train" / "cat" / "0009.png"
    make(path)
    with pytest.raises(DataError, match=r"0009\.png cannot be read: .* (pipe|links)"):
        load("folder", tmp_path)


def test_folders_that_link_to_themselves_are_refused(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path)
    with pytest.raises(DataError, match="cannot be read: Too many levels"):
        load("folder", tmp_path)


@pytest.mark.parametrize("packed", [False, True], ids=["directory", "archive"])
def test_names_that_are_not_utf_8_or_differ_in_case_are_names(tmp_path, packed):
    top = tmp_path / "images"
    for name in (b"caf\xe9", b"Caf\xe9", "café".encode()):
        folder = top / os.fsdecode(name)
        folder.mkdir(parents=True)
        for number, stem in enumerate((b"\xff\n.png", b"a.png", b"A.PNG")):
            path = folder / os.fsdecode(stem)
            path.write_bytes(image_bytes((number, len(name), 0)))
    path = pack(top, tmp_path / "images.tar") if packed else top
    dataset = load("folder", path, image_size=8)
    assert dataset.num_classes == 3
    assert len(training(dataset)) + len(dataset.test) == 9


def test_links_on_disk_are_followed(tmp_path):
    write_pictures(tmp_path / "images")
    (tmp_path / "link").symlink_to("images")
    (tmp_path / "images" / "train" / "cat" / "0009.png").symlink_to("0001.png")
    assert len(training(load("folder", tmp_path / "link"))) == 13


def sizes(dataset: data.Dataset) -> list[int]:
    return [len(part) for part in (dataset.train, dataset.validation, dataset.test)]


@pytest.mark.parametrize(
    ("train", "test"), [("Training", "Testing"), ("TRAIN", "test_set")]
)
def test_parts_have_several_names(tmp_path, train, test):
    expected = load("folder", write_pictures(tmp_path / "a"))
    other = write_pictures(tmp_path / "b")
    for name, new in {"train": train, "test": test}.items():
        # With the folder doubled, as in many downloads.
        (other / new / new).parent.mkdir()
        (other / name).rename(other / new / new)
    dataset = load("folder", other)
    assert dataset.fingerprint == expected.fingerprint


def test_validation_part_is_kept_apart(tmp_path):
    write_pictures(tmp_path)
    write_pictures(tmp_path / "more", train=4)
    (tmp_path / "more" / "train").rename(tmp_path / "Valid")
    remove("more")(tmp_path)
    assert sizes(load("folder", tmp_path)) == [12, 8, 4]


def test_validation_part_is_the_test_where_there_is_none(tmp_path):
    write_pictures(tmp_path, test=5)
    (tmp_path / "test").rename(tmp_path / "val")
    dataset = load("folder", tmp_path, image_size=8)
    assert sizes(dataset) == [11, 1, 10]
    assert set(data.gather(dataset.test).images[:, 0, 0, 2]) == {100}
    assert dataset.notes[0] == (
        "No part is named test, so the test images are those in val; a tenth of train "
        "is held out for validation."
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"test_dir": "test"}, [18, 2, 4]),
        ({"val_dir": "test"}, [16, 4, 4]),
        ({"val_dir": "test", "test_dir": "again.zip"}, [20, 4, 6]),
    ],
)
def test_parts_may_be_named(tmp_path, options, expected):
    write_pictures(tmp_path, train=10)
    write_pictures(tmp_path / "more", test=3)
    pack(tmp_path / "more" / "test", tmp_path / "again.zip")
    named = {option: tmp_path / name for option, name in options.items()}
    assert sizes(load("folder", tmp_path / "train", **named)) == expected
    remove("more")(tmp_path)
    with refused(tmp_path, "holds test, train: expected the classes of the training"):
        load("folder", tmp_path, **named)


def test_class_may_be_named_as_a_part(tmp_path):
    write_classes(tmp_path, bus=4, train=4)
    assert load("folder", tmp_path).class_names == ("bus", "train")


@pytest.mark.parametrize("parts", [True, False])
def test_copy_of_the_folders_beside_it_is_left_alone(tmp_path, parts):
    for directory in (tmp_path / "images", tmp_path / "images" / "images"):
        if parts:
            write_pictures(directory)
        else:
            directory.mkdir()
            write_classes(directory, cat=5, dog=5)
    dataset = load("folder", tmp_path)
    assert dataset.class_names == ("cat", "dog")
    assert dataset.notes[0] == (
        "Left alone beside the folders: 1 (images (a copy of the folders beside it))."
    )
    folder = next(path for path in (tmp_path / "images" / "images").rglob("dog"))
    (folder / "another.png").write_bytes(PNG)
    with refused(tmp_path, "two ways: .* are there, and with other files also in imag"):
        load("folder", tmp_path)


def test_files_of_systems_are_left_alone_and_others_counted(tmp_path):
    write_pictures(tmp_path / "images", test=120)
    for name in (
        "__MACOSX/images/train/cat/1.png",
        "images/train/cat/Thumbs.db",
        "images/train/desktop.ini",
        "images/test/dog/.DS_Store",
        "images/README.md",
        "images/train/labels.csv",
    ):
        write(name, b"made by a program")(tmp_path)
    dataset = load("folder", tmp_path, image_size=1)
    assert sizes(dataset) == [11, 1, 240]
    assert dataset.notes == (
        "Left alone beside the folders: 2 (README.md, labels.csv).",
    )


@pytest.mark.parametrize("in_memory", [True, False])
def test_damaged_images_are_left_out_if_asked(tmp_path, monkeypatch, in_memory):
    if not in_memory:
        monkeypatch.setattr(first_pass, "MEMORY_LIMIT", 0)
    write_pictures(tmp_path, train=20)
    whole = load("folder", tmp_path, image_size=8)
    expected = pairs(training(whole)) + pairs(data.gather(whole.test))
    bad = [f"train/cat/{n:04}.png" for n in range(3)] + ["test/dog/0001.png"]
    for name in bad:
        write(name, b"no image")(tmp_path)
    write("train/dog/list.txt")(tmp_path)
    with refused(tmp_path, r"list\.txt is no image .* --skip-damaged goes on without"):
        load("folder", tmp_path)
    dataset = load("folder", tmp_path, image_size=8, skip_damaged=True)
    assert dataset.notes[0] == (
        "Files that cannot be used were left out (--skip-damaged): 5, by class: cat 3, "
        "dog 2."
    )
    found = pairs(training(dataset)) + pairs(data.gather(dataset.test))
    assert len(found) == 44 - 4
    assert set(found) < set(expected)
    assert dataset.fingerprint != whole.fingerprint
    again = load("folder", tmp_path, image_size=8, skip_damaged=True)
    assert again.fingerprint == dataset.fingerprint


def test_what_is_no_damage_is_never_skipped(tmp_path):
    write_pictures(tmp_path)
    write("train/cat/more/1.png")(tmp_path)
    with refused(tmp_path, r"folder in a class folder: .* that have classes\.$"):
        load("folder", tmp_path, skip_damaged=True)
    with refused(tmp_path, r"folder in a class folder: .* that have classes\.$"):
        load("folder", tmp_path)
    remove("train/cat/more")(tmp_path)
    for path in (tmp_path / "test").rglob("*.png"):
        path.write_bytes(b"no image")
    with refused(tmp_path, "cannot be used: expected an image"):
        load("folder", tmp_path, skip_damaged=True)


def test_notes_say_what_makes_results_weak(tmp_path):
    write_classes(tmp_path, cat=2, dog=2, eel=15)
    for name in ("cat/000.png", "cat/001.png"):
        write(name, b"no image")(tmp_path)
    (tmp_path / "cat" / "002.png").write_bytes(b"no image")
    dataset = load("folder", tmp_path, skip_damaged=True)
    assert dataset.notes == (
        "Files that cannot be used were left out (--skip-damaged): 3, by class: cat 3.",
        "No training image is left of some classes: cat.",
        "The test has only 4 images: one of them is 25.0 points of accuracy.",
    )
