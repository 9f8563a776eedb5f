"""MAT files of MATLAB, versions 5 to 7: text, small arrays, cells and structures.

`scipy.io.loadmat` reads more, but crashes on deeply nested cells, and fills the memory
with what a small file may expand to. Large arrays, the weights, are left out here.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from ._layer import ModelFileError

HEADER = b"MATLAB 5.0 MAT-file"

_MATRIX, _COMPRESSED = 14, 15  # kinds of elements
_CELL, _STRUCTURE, _CHARACTERS = 1, 2, 4  # kinds of matrices
_DTYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4"}
_DTYPES |= {7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_ENCODINGS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16"}
_LARGEST = 2**30  # bytes of a variable in memory
_LARGEST_ARRAY = 2**12  # bytes
_DEEPEST = 100


def variables(data: bytes) -> dict[str, Any]:
    """Returns the variables of a file by their names.

    Text is a string, a cell array a list, an array of structures a list of
    dictionaries, a small array of numbers a list of them. Anything else is None.
    """
    order = "<" if data[126:128] == b"IM" else ">"
    found = {}
    for kind, content in _elements(memoryview(data)[128:], order):
        if kind == _COMPRESSED:
            inflated = zlib.decompressobj().decompress(content, _LARGEST)
            if len(inflated) == _LARGEST:
                raise ModelFileError("a variable is larger than 1 GiB.")
            kind, content = _next(_elements(memoryview(inflated), order))
        if kind == _MATRIX:
            name, value = _matrix(content, order, 0)
            found[name] = value
    return found


def _elements(data: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """Yields the kind and the content of each element."""
    position = 0
    while position < len(data):
        kind, size = struct.unpack_from(f"{order}II", data, position)
        position += 8
        if kind >> 16:  # up to four bytes stand where the size would
            kind, size, position = kind & 0xFFFF, kind >> 16, position - 4
        if position + size > len(data):
            raise ModelFileError("it is cut off.")
        yield kind, data[position : position + size]
        position += size
        if kind != _COMPRESSED:
            position += -position % 8


def _next(elements: Iterator[tuple[int, memoryview]]) -> tuple[int, memoryview]:
    element = next(elements, None)
    if element is None:
        raise ModelFileError("a matrix is not complete.")
    return element


def _matrix(data: memoryview, order: str, depth: int) -> tuple[str, Any]:
    """Returns the name and the value of a matrix."""
    if depth > _DEEPEST:
        raise ModelFileError(f"cells are nested more than {_DEEPEST} deep.")
    if not data:  # an empty matrix
        return "", []
    elements = _elements(data, order)
    (flags, *_) = struct.unpack_from(f"{order}I", _next(elements)[1])
    _next(elements)  # the shape
    name = str(_next(elements)[1], "latin-1")
    kind = flags & 0xFF
    if kind == _CELL:
        return name, [_matrix(each, order, depth + 1)[1] for _, each in elements]
    if kind == _STRUCTURE:
        (width,) = struct.unpack(f"{order}i", _next(elements)[1])
        text = str(_next(elements)[1], "latin-1")
        names = [each.partition("\0")[0] for each in _groups(text, width)]
        values = [_matrix(each, order, depth + 1)[1] for _, each in elements]
        groups = _groups(values, len(names))
        return name, [dict(zip(names, each, strict=False)) for each in groups]
    element, content = next(elements, (0, memoryview(b"")))
    if kind == _CHARACTERS and element in _ENCODINGS:
        encoding = _ENCODINGS[element]
        if encoding == "utf-16":
            encoding += "-le" if order == "<" else "-be"
        return name, str(content, encoding, "backslashreplace")
    if element in _DTYPES and kind > _CHARACTERS and len(content) <= _LARGEST_ARRAY:
        return name, np.frombuffer(content, order + _DTYPES[element]).tolist()
    return name, None


def _groups(items: Any, size: int) -> list[Any]:
    """Returns parts of a sequence, each with that many items."""
    starts = range(0, len(items), max(1, size))
    return [items[start : start + size] for start in starts]
