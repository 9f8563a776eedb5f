"""Folders of images: layouts, decoding, and everything that could be a mistake."""

import os
import socket
import struct
import threading
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from experiments import data
from experiments.data import Source, decoding, first_pass, pictures
from experiments.data.decoding import decode
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


def gradient(width: int, height: int) -> Image.Image:
    """An image that is brighter to the right and greener to the bottom."""
    x = np.linspace(0, 255, width)[np.newaxis, :, np.newaxis]
    y = np.linspace(0, 255, height)[:, np.newaxis, np.newaxis]
    rgb = np.concatenate(np.broadcast_arrays(x, y, 0 * x), axis=-1)
    return Image.fromarray(rgb.astype(np.uint8))


def saved(image: Image.Image, path, **options) -> bytes:
    image.save(path, **options)
    return path.read_bytes()


def test_image_of_the_right_size_is_not_touched(tmp_path):
    image = gradient(9, 9)
    content = saved(image, tmp_path / "image.png")
    np.testing.assert_array_equal(decode(content, "", 9), np.asarray(image))


@pytest.mark.parametrize("size", [(90, 30), (30, 90), (9, 3)])
def test_largest_centered_square_is_resized(tmp_path, size):
    content = saved(gradient(*size), tmp_path / "image.png")
    image = decode(content, "", 6).astype(float)
    assert image.shape == (6, 6, 3)
    # A third of the range along the longer side, from its middle; all of the other.
    long, short = (0, 1) if size[0] > size[1] else (1, 0)
    assert 80 < image[..., long].min() < image[..., long].max() < 175
    assert image[..., short].min() < 35
    assert image[..., short].max() > 220


def test_image_is_turned_as_its_camera_says(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    path = tmp_path / "image.png"
    turned = decode(saved(gradient(9, 9), path, exif=exif), "", 9)
    upright = decode(saved(gradient(9, 9), path), "", 9)
    np.testing.assert_array_equal(turned, upright[::-1, ::-1])


def exif(*entries: tuple[int, int, int, bytes]) -> bytes:
    """Returns EXIF data: of each tag its number, type, count and value."""
    packed = [
        struct.pack("<HHL4s", *head, value.ljust(4, b"\0")) for *head, value in entries
    ]
    count = struct.pack("<H", len(entries))
    return b"Exif\0\0II*\0" + struct.pack("<L", 8) + count + b"".join(packed) + bytes(4)


UPSIDE_DOWN = (0x0112, 3, 1, b"\x03")
TEXT = (0x011A, 2, 3, b"72")  # where a fraction should be


@pytest.mark.parametrize(
    ("data", "turned"),
    [
        (exif(TEXT, UPSIDE_DOWN), True),
        (exif(UPSIDE_DOWN, (0x8769, 4, 1, b"\xff\xff\xff\x7f")), True),
        (exif(UPSIDE_DOWN, (0x0131, 2, 9999, b"\xff\xff")), True),  # beyond the end
        (exif((0x0112, 2, 3, b"up")), False),
        (exif(UPSIDE_DOWN)[:20], False),
        (b"Exif\0\0what is this", False),
    ],
)
def test_of_broken_exif_data_only_the_orientation_is_wanted(tmp_path, data, turned):
    path = tmp_path / "image.jpg"
    image = gradient(9, 9)
    upright = decode(saved(image, path), "", 9)
    found = decode(saved(image, path, exif=data), "", 9)
    np.testing.assert_array_equal(found, upright[::-1, ::-1] if turned else upright)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (image_bytes(70, mode="L"), (70, 70, 70)),
        (image_bytes(1, mode="1"), (255, 255, 255)),
        (image_bytes((10, 20, 30, 0), mode="RGBA"), (255, 255, 255)),
        (image_bytes((10, 20, 30, 255), mode="RGBA"), (10, 20, 30)),
        (image_bytes((10, 0), mode="LA"), (255, 255, 255)),
        (image_bytes(0, mode="P", transparency=0), (255, 255, 255)),
        (image_bytes(0, mode="P", transparency=b"\0"), (255, 255, 255)),
        (image_bytes(0, mode="P"), (0, 0, 0)),
        (image_bytes((0, 0, 0, 0), form="JPEG", mode="CMYK"), (255, 255, 255)),
        (image_bytes(70, form="JPEG", mode="L"), (70, 70, 70)),
    ],
    ids=lambda value: str(value) if isinstance(value, tuple) else "",
)
def test_every_mode_has_three_channels(content, expected):
    image = decode(content, "", 8)
    assert (image.dtype, image.shape) == (np.uint8, (8, 8, 3))
    assert set(map(tuple, image.reshape(-1, 3).tolist())) == {expected}


PNG = image_bytes(size=(30, 30))
JPEG = image_bytes(form="JPEG", size=(30, 30))


def wide_png(color_type: int, channels: int) -> bytes:
    """Returns an image of 2 x 2 with 16 bits a channel, which Pillow does not write."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    header = struct.pack(">IIBBBBB", 2, 2, 16, color_type, 0, 0, 0)
    rows = 2 * (b"\0" + bytes(2 * 2 * channels))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [
            chunk(b"IHDR", header),
            chunk(b"IDAT", zlib.compress(rows)),
            chunk(b"IEND", b""),
        ]
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no image",
        PNG[:20],
        PNG[:-30],
        JPEG[: len(JPEG) // 2],
        PNG[:45] + b"!!!!" + PNG[49:],
        image_bytes(form="GIF"),
        image_bytes(form="BMP"),
        image_bytes(700, mode="I;16", size=(8, 8)),
        wide_png(2, 3),
        wide_png(6, 4),
        wide_png(4, 2),
    ],
    ids=[
        "empty",
        "text",
        "png header",
        "png cut",
        "jpeg cut",
        "png damaged",
        "gif",
        "bmp",
        "16 bits",
        "16 bits RGB",
        "16 bits RGBA",
        "16 bits LA",
    ],
)
def test_image_that_does_not_decode_is_named(tmp_path, content):
    write_pictures(tmp_path)
    (tmp_path / "test" / "dog" / "bad.jpg").write_bytes(content)
    with refused(tmp_path, r"test/dog/bad\.jpg cannot be used: expected a JPEG or PNG"):
        load("folder", tmp_path)


@pytest.mark.filterwarnings("default")  # an error, whatever the filters are
@pytest.mark.parametrize("limit", [100, 899])
def test_image_of_absurd_size_is_refused(monkeypatch, limit, recwarn):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(
        DataError, match=rf"image\.png .* more than {limit} pixels.* bomb"
    ):
        decode(PNG, "image.png", 8)
    assert not recwarn.list


def test_file_of_absurd_size_is_not_read(tmp_path, monkeypatch):
    write_pictures(tmp_path)
    monkeypatch.setattr(pictures, "LARGEST_FILE", 10)
    with refused(tmp_path, r"0000\.png is too large: expected at most 10 bytes"):
        load("folder", tmp_path)


def test_large_images_are_decoded_one_at_a_time(monkeypatch):
    square, now, most = decoding._square, [], []

    def slow_square(image, side):
        now.append(image)
        most.append(len(now))
        time.sleep(0.005)
        now.remove(image)
        return square(image, side)

    monkeypatch.setattr(decoding, "_LARGE", 899)
    monkeypatch.setattr(decoding, "_square", slow_square)
    threads = [threading.Thread(target=decode, args=(PNG, "", 8)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 6 * [1]


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
        r"train/cat/0000\.png cannot be used: expected a JPEG or PNG image, but "
        rf"Pillow does .* it\. Nor can 21 more be used: {names}, and 2 more\.$",
    ):
        data.load(Source("folder", tmp_path), lambda *numbers: calls.append(numbers))
    assert calls[-1] == (144, 144)
    assert sorted(set(calls)) == calls
    assert len(calls) > 3


def test_all_files_that_are_no_images_are_named_at_once(tmp_path):
    write_pictures(tmp_path)
    bad = ["test/cat/a.gif", "test/dog/b.txt", "train/cat/more", "train/dog/c.webp"]
    for name in bad:
        path = tmp_path / name
        path.write_bytes(PNG) if path.suffix else path.mkdir()
    names = ", ".join(str(tmp_path / name) for name in bad[1:])
    with refused(tmp_path, rf"a\.gif is no image .* Nor can 3 more be used: {names}\."):
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
    (write("train/cat/photo.webp"), r"photo\.webp is no image this program reads"),
    (write("train/cat/more/1.png"), r"more is a folder in a class folder"),
    (write("stray.png"), r"stray\.png is in no class"),
    (write("train/stray.JPG"), r"stray\.JPG is in no class"),
    (write("val/cat/1.png"), r"mixes layouts: .* but got test, train, val"),
    (remove("test"), r"mixes layouts: .* but got train"),
    (remove("train"), r"mixes layouts: .* but got test"),
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
    with refused(tmp_path, "nowhere holds no classes: .* it is empty or not there"):
        load("folder", tmp_path / "nowhere")


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
