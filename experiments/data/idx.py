"""IDX files, the format of MNIST and Fashion-MNIST, compressed with gzip or not.

A file is a magic number (two zero bytes, the element type, the number of axes), the
size of each axis as a big-endian 32-bit integer, and the elements, the last axis
fastest. Source: Y. LeCun, C. Cortes, C. Burges, The MNIST database.
"""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from ..errors import DataError

_IMAGES_MAGIC = 0x00000803  # unsigned bytes, three axes
_LABELS_MAGIC = 0x00000801  # unsigned bytes, one axis
_NUM_CLASSES = 10


def _find(directory: Path, stem: str, axes: int) -> Path:
    names = [
        f"{stem}{separator}idx{axes}-ubyte{ending}"
        for separator in "-."
        for ending in (".gz", "")
    ]
    for name in names:
        if (directory / name).is_file():
            return directory / name
    what = "holds none of them" if directory.is_dir() else "is not a directory"
    raise DataError(
        f"No {stem} file: expected one of {', '.join(names)} in {directory}, which "
        f"{what}. Give the directory of the four IDX files with --data-dir."
    )


def _contents(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if path.suffix == ".gz" else raw
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"{path} is damaged or cut short: expected a whole gzip file, but "
            f"decompression failed ({error}). Copy or download it again."
        ) from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error


def read(path: Path, magic: int) -> np.ndarray:
    """Returns the array in an IDX file of unsigned bytes that starts with `magic`.

    Raises:
      DataError: If the file cannot be read, starts otherwise, or has not as many
        elements as its header says.
    """
    content = _contents(path)
    axes = magic & 0xFF
    header_size = 4 * (1 + axes)
    if len(content) < header_size:
        raise DataError(
            f"{path} is cut short: expected a header of {header_size} bytes, but the "
            f"file has {len(content)}. Copy or download it again."
        )
    found, *shape = struct.unpack_from(f">{1 + axes}I", content)
    if found != magic:
        raise DataError(
            f"{path} is not the IDX file it should be: expected the magic number "
            f"{magic:#010x} (unsigned bytes, number of axes: {axes}), but got "
            f"{found:#010x}."
        )
    expected = math.prod(shape)
    if len(content) - header_size != expected:
        raise DataError(
            f"{path} is damaged or cut short: its header announces "
            f"{' x '.join(map(str, shape))} = {expected} bytes of data, but "
            f"{len(content) - header_size} follow. Copy or download it again."
        )
    return np.frombuffer(content, np.uint8, offset=header_size).reshape(shape)


def load(directory: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns images (n, height, width, 1) uint8 and labels (n,) int32 of one part.

    `part` is what the names of its files start with, "train" or "t10k".
    """
    images_path = _find(directory, f"{part}-images", 3)
    labels_path = _find(directory, f"{part}-labels", 1)
    images = read(images_path, _IMAGES_MAGIC)
    labels = read(labels_path, _LABELS_MAGIC)
    if len(images) != len(labels):
        raise DataError(
            f"{images_path} and {labels_path} do not belong together: expected a label "
            f"for each image, but got {len(images)} images and {len(labels)} labels."
        )
    if len(images) == 0:
        raise DataError(f"{images_path} holds no images.")
    if labels.max() >= _NUM_CLASSES:
        raise DataError(
            f"{labels_path} has a label outside its range: expected 0 to "
            f"{_NUM_CLASSES - 1}, but got {labels.max()}."
        )
    return images[..., np.newaxis], labels.astype(np.int32)
