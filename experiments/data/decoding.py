"""Decoding of image files with Pillow, in bounded memory.

Of several images in a file, such as an animation, the first one is read. A decoded
image has three channels (grey is repeated, transparent becomes white) and stands
upright, as its EXIF data say. It is the largest centered square of the image in the
file, resized (bicubic) where its size differs.
"""

import io
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from ..terminal.errors import DataError

LARGEST_FILE = 2**28
"""Bytes of an image file: the size of the largest image, not compressed."""

# Images with more pixels are decoded one at a time. Pillow refuses those with more than
# 89 million, and a pixel takes up to 12 bytes.
_LARGE = 2**23
_TOO_LARGE = (Image.DecompressionBombError, Image.DecompressionBombWarning)
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
_ORIENTATION = 0x0112  # the tag that says which way up the camera was
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_one_large = threading.Lock()
_filters = threading.Lock()


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Lets Pillow warn of nothing: what is too large for it is an error.

    The whole process shares the filters, so one thread at a time sets them.
    """
    with _filters, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _upright(image: Image.Image) -> Image.Image:
    # Of a TIFF file, Pillow reads broken metadata again.
    with _without_warnings() if image.format == "TIFF" else nullcontext():
        image.load()
    try:
        with _without_warnings():
            turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # whatever broken metadata lead to: the pixels are whole
        turn = None
    return image if turn is None else image.transpose(turn)


def _square(image: Image.Image, side: int) -> Image.Image:
    image = _upright(image)
    if image.has_transparency_data:
        if image.mode != "RGBA":
            image = image.convert("RGBA")
        white = Image.new("RGB", image.size, "white")
        white.paste(image, mask=image)
        image = white
    if image.mode != "RGB":
        image = image.convert("RGB")
    return ImageOps.fit(image, (side, side))


def _is_deep(image: ImageFile.ImageFile) -> bool:
    """Whether channels have more than 8 bits in the file.

    Pillow mostly cuts 16 to 8. In BGR;16 a pixel has 16 bits, a channel 5 or 6.
    """
    raw = " ".join(str(tile.args) for tile in image.tile)
    return image.mode[0] in "IF" or re.search(r"(?<!BGR);16", raw) is not None


def decode(content: bytes, path: str, side: int, *, resize: bool = True) -> np.ndarray:
    """Returns an image (side, side, 3) uint8.

    Args:
      content: An image file.
      path: Its name, for messages.
      side: Height and width to bring it to.
      resize: Whether it may have another size.

    Raises:
      DataError: If it does not decode, has more than 8 bits a channel, or has the wrong
        size and must not be resized.
    """
    try:
        with _without_warnings():
            image = Image.open(io.BytesIO(content), formats=_FORMATS)
        with image:
            width, height = image.size
            if _is_deep(image):
                raise ValueError("it has more than 8 bits a channel")
            if (width, height) != (side, side) and not resize:
                raise ValueError(f"it has {width} x {height} pixels")
            with _one_large if width * height > _LARGE else nullcontext():
                return np.asarray(_square(image, side))
    except Exception as error:  # Pillow raises whatever a damaged file leads to
        expected = f"an image of {side} x {side}"
        if resize:
            expected = f"an image ({', '.join(_FORMATS)})"
        reason = str(error).rstrip(".")
        if isinstance(error, UnidentifiedImageError):
            reason = "Pillow does not recognize it as one"
        if isinstance(error, _TOO_LARGE):
            reason = (
                f"it has more than {Image.MAX_IMAGE_PIXELS:,} pixels, and could be a "
                "decompression bomb"
            )
        raise DataError(
            f"{path} cannot be used: expected {expected}, but {reason}. Replace or "
            "remove it."
        ) from error
