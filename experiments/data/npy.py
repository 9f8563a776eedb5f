"""Arrays of integers in files of NumPy (.npy); nothing in them is run."""

import io
import math

import numpy as np

from ..terminal.errors import DataError

HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def parse(content: bytes, axes: int, path: str) -> np.ndarray:
    """Returns an array of integers between 0 and 255, as unsigned bytes.

    Raises:
      DataError: If the file is damaged, or has another array.
    """
    file = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(file)
        shape, fortran, dtype = HEADERS[version](file)
        size = math.prod(shape)
        if dtype.kind not in "iu" or len(shape) != axes or size == 0:
            raise ValueError(f"it has the shape {shape} and the dtype {dtype}")
        if len(content) - file.tell() != size * dtype.itemsize:
            raise ValueError("it is cut short or too long")
        array = np.frombuffer(content, dtype, offset=file.tell())
        if not 0 <= array.min() <= array.max() <= 255:
            raise ValueError(f"it has values from {array.min()} to {array.max()}")
    except Exception as error:  # NumPy raises whatever a damaged header leads to
        raise DataError(
            f"{path} cannot be used: expected an array of {axes} axes of integers "
            f"between 0 and 255, but {error}. Copy or download it again."
        ) from error
    return array.reshape(shape, order="F" if fortran else "C").astype(np.uint8)
