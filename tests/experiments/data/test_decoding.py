"""Decoding of images: every kind of file, size and mode, and damage."""

import struct
import threading
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from experiments.data import decoding, pictures
from experiments.data.decoding import decode
from experiments.terminal.errors import DataError

from .files import image_bytes, load, refused, write_pictures


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


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif"])
def test_image_is_turned_once_as_its_camera_says(tmp_path, ending):
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter
    path = tmp_path / f"image.{ending}"
    image = gradient(9, 9)
    turned = decode(saved(image, path, exif=exif), "", 9)
    upright = decode(saved(image, path), "", 9).astype(int)
    # The pixels that JPEG and WebP store are turned, and differ a little.
    np.testing.assert_allclose(turned, np.rot90(upright, -1), atol=20)


@pytest.mark.parametrize("ending", ["gif", "webp", "tif", "png"])
def test_first_of_several_images_is_read(tmp_path, ending):
    first, second = (Image.new("RGB", (8, 8), color) for color in ("white", "black"))
    content = saved(
        first, tmp_path / f"image.{ending}", save_all=True, append_images=[second]
    )
    assert np.all(decode(content, "", 8) == 255)


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


def narrow_bmp() -> bytes:
    """Returns a red image of 8 x 8 with 16 bits a pixel, 5 a channel."""
    pixels = 64 * struct.pack("<H", 0x7C00)
    header = struct.pack("<LllHHLLllLL", 40, 8, 8, 1, 16, 0, 0, 0, 0, 0, 0)
    return struct.pack("<2sLHHL", b"BM", 54 + len(pixels), 0, 0, 54) + header + pixels


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
        (image_bytes((10, 0, 0, 0), form="WEBP", mode="RGBA"), (255, 255, 255)),
        (image_bytes(0, form="GIF", mode="P", transparency=0), (255, 255, 255)),
        (image_bytes((10, 20, 30), form="BMP"), (10, 20, 30)),
        (narrow_bmp(), (255, 0, 0)),
        (image_bytes(1, form="TIFF", mode="1", compression="group4"), (255, 255, 255)),
        (image_bytes((10, 20, 30, 255), form="TIFF", mode="RGBA"), (10, 20, 30)),
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


def wide_tiff() -> bytes:
    """Returns an image of 2 x 2 in color with 16 bits a channel."""
    entries = {256: 2, 257: 2, 258: 0, 259: 1, 262: 2, 273: 0, 277: 3, 278: 2, 279: 24}
    end = 8 + 2 + 12 * len(entries) + 4
    entries |= {258: end, 273: end + 6}
    packed = [
        struct.pack("<HHLL", tag, 3, 3 if tag == 258 else 1, value)
        for tag, value in entries.items()
    ]
    directory = struct.pack("<H", len(entries)) + b"".join(packed) + bytes(4)
    return b"II*\0\x08\0\0\0" + directory + struct.pack("<HHH", 16, 16, 16) + bytes(24)


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
        image_bytes(form="ICO"),
        image_bytes(form="WEBP")[:-9],
        image_bytes(form="TIFF", size=(30, 30))[:-9],
        image_bytes(form="TIFF", size=(30, 30), compression="jpeg")[:-9],
        image_bytes(700, mode="I;16", size=(8, 8)),
        image_bytes(700, mode="I;16", form="TIFF"),
        image_bytes(70000, mode="I", form="TIFF"),
        image_bytes(0.5, mode="F", form="TIFF", compression="tiff_lzw"),
        wide_tiff(),
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
        "ico",
        "webp cut",
        "tiff cut",
        "tiff without metadata",
        "16 bits",
        "16 bits TIFF",
        "32 bits",
        "float",
        "16 bits RGB TIFF",
        "16 bits RGB",
        "16 bits RGBA",
        "16 bits LA",
    ],
)
def test_image_that_does_not_decode_is_named(tmp_path, content):
    write_pictures(tmp_path)
    (tmp_path / "test" / "dog" / "bad.jpg").write_bytes(content)
    with refused(tmp_path, r"test/dog/bad\.jpg cannot be used: expected an image \(J"):
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
