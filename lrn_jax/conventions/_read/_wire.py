"""The binary format of Protocol Buffers, with a schema of the fields that matter."""

import struct
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from ._layer import ModelFileError, shortest
from ._text import Message

# The name of a field by its number, and what it holds: a kind, or a message.
Schema = Mapping[int, tuple[str, "str | Schema"]]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_WIDTHS = {_FIXED64: 8, _FIXED32: 4}
_TYPES = {"integer": _VARINT, "float": _FIXED32, "text": _BYTES}


def parse(data: bytes | memoryview, schema: Schema) -> Message:
    """Returns the message that a file holds, without the fields not in the schema."""
    message: Message = {}
    for number, wire_type, value in fields(data):
        if number not in schema:
            continue
        name, kind = schema[number]
        if wire_type != _TYPES.get(kind if isinstance(kind, str) else "text"):
            raise ModelFileError(f"the field `{name}` is of another type.")
        if not isinstance(kind, str):
            value = parse(value, kind)
        elif kind == "integer":
            value -= (value >= 2**63) * 2**64
        elif kind == "float":
            value = shortest(struct.unpack("<f", value)[0])
        else:
            value = bytes(value).decode(errors="backslashreplace")
        message.setdefault(name, []).append(value)
    return message


def fields(data: bytes | memoryview) -> Iterator[tuple[int, int, Any]]:
    """Yields the number, the wire type and the value of each field."""
    data = memoryview(data)
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == _VARINT:
            value, position = _varint(data, position)
        else:
            if wire_type == _BYTES:
                width, position = _varint(data, position)
            elif wire_type in _WIDTHS:
                width = _WIDTHS[wire_type]
            else:
                raise ModelFileError(f"byte {position}: no field begins there.")
            value = data[position : position + width]
            position += width
        if number == 0 or position > len(data):
            raise ModelFileError(f"the field before byte {position} is cut off.")
        yield number, wire_type, value


def outline(data: bytes) -> dict[int, tuple[int, bytes]]:
    """Returns the wire type and the first byte of the first field of each number.

    It stops where the file is damaged, so that a cut file is recognised, and early: a
    graph may have very many fields, and the first tell what it is.
    """
    found: dict[int, tuple[int, bytes]] = {}
    try:
        for number, wire_type, value in islice(fields(data), 100):
            first = bytes(value[:1]) if wire_type == _BYTES else b""
            found.setdefault(number, (wire_type, first))
    except ModelFileError:
        pass
    return found


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    """Returns the integer that begins there, and where it ends."""
    value = 0
    for index, byte in enumerate(data[position : position + 10]):
        value |= (byte & 127) << 7 * index
        if byte < 128:
            return value & (2**64 - 1), position + index + 1
    raise ModelFileError(f"the integer at byte {position} does not end.")
