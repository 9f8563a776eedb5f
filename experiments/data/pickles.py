"""Pickles without their powers: arrays of numbers come out, and no code runs.

A pickle is a program. Python's interpreter of it lets it import and call anything, and
twenty bytes suffice to make that take gigabytes or days. Here

- only the instructions that data need are allowed, and their number has a limit;
- no function is called: a call is noted with its arguments, and at the end the arrays
  asked for, and nothing else, are made from the notes;
- a dictionary is a flat list of keys and values: to hash a nested tuple can take for
  ever;
- no content is copied more than once.
"""

import io
import pickle
import pickletools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np

from ..terminal.errors import DataError

MAX_INSTRUCTIONS = 2**22
"""Twice what 50,000 images take that have scalars of NumPy as labels, in protocol 0."""

_INTEGERS = tuple(f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8))
_FLOATS = ("f2", "f4", "f8")
_FUNCTIONS = {
    *("numpy.dtype", "numpy.ndarray"),
    "_codecs.encode",  # how Python 3 writes bytes for Python 2
    *(
        f"numpy.{core}.{name}"
        for core in ("core", "_core")  # NumPy 1 and 2
        for name in ("multiarray._reconstruct", "multiarray.scalar")
    ),
    *("numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer"),
}
_LONGEST_REASON = 80


class _ForbiddenError(Exception):
    """A pickle asks for something that is no data; the message says for what."""


class _Call:
    """A call that a pickle asks for, and the state that the result is to get."""

    __match_args__ = ("function", "arguments", "state")

    def __init__(self, function: Any, arguments: Any):
        self.function = function
        self.arguments = arguments
        self.state: Any = None


def _put(machine: Any) -> None:
    index = int(machine.readline())
    # Large numbers could all have the same hash.
    machine.memo[min(index, 2**32)] = machine.stack[-1]


def _set_item(machine: Any) -> None:
    *_, items, key, value = machine.stack
    items += key, value
    del machine.stack[-2:]


def _reduce(machine: Any) -> None:
    arguments = machine.stack.pop()
    machine.stack[-1] = _Call(machine.stack[-1], arguments)


def _build(machine: Any) -> None:
    state = machine.stack.pop()
    machine.stack[-1].state = state


_PYTHON = pickle._Unpickler.dispatch
_OWN: dict[str, Callable[[Any], None]] = {
    "PUT": _put,
    "BYTEARRAY8": _PYTHON[pickle.BINBYTES8[0]],  # without room for what it claims
    "EMPTY_DICT": _PYTHON[pickle.EMPTY_LIST[0]],
    "DICT": _PYTHON[pickle.LIST[0]],
    "SETITEM": _set_item,
    "SETITEMS": _PYTHON[pickle.APPENDS[0]],
    "REDUCE": _reduce,
    "BUILD": _build,
}
_ALLOWED = {
    *_OWN,
    *("PROTO", "FRAME", "STOP", "MARK", "NONE", "NEWTRUE", "NEWFALSE"),
    *("BINPUT", "LONG_BINPUT", "MEMOIZE", "GET", "BINGET", "LONG_BINGET"),
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE"),
    *("BINBYTES", "BINBYTES8", "SHORT_BINBYTES"),
    *("TUPLE", "EMPTY_TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"),
    *("LIST", "EMPTY_LIST", "APPEND", "APPENDS", "GLOBAL", "STACK_GLOBAL"),
}


_NAMES = {ord(each.code): each.name for each in pickletools.opcodes}


def _instruction(code: int) -> Callable[[Any], None]:
    name = _NAMES.get(code)

    def counted(machine: "_Machine") -> None:
        machine.left -= 1
        if machine.left < 0:
            raise ValueError(f"it has more than {MAX_INSTRUCTIONS:,} instructions")
        if name is None:
            raise ValueError("an instruction is unknown")
        if name not in _ALLOWED:
            raise _ForbiddenError(f"the instruction {name}")
        _OWN.get(name, _PYTHON[code])(machine)

    return counted


class _Machine(pickle._Unpickler):
    """Python's interpreter of pickles, written in Python, with other instructions."""

    dispatch: ClassVar = {code: _instruction(code) for code in range(256)}

    def __init__(self, content: bytes):
        super().__init__(io.BytesIO(content), encoding="bytes")
        self.left = MAX_INSTRUCTIONS

    def find_class(self, module: str, name: str) -> str:
        """Returns the name of a function, instead of the function."""
        if f"{module}.{name}" not in _FUNCTIONS:
            raise _ForbiddenError(f"{module}.{name}")
        return name


def _text(value: Any) -> str:
    """Returns a string; Python 2 pickles strings as bytes."""
    if not isinstance(value, str | bytes):
        raise TypeError("something else is where a string should be")
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _dtype(call: _Call, names: tuple[str, ...]) -> np.dtype:
    name = _text(call.arguments[0])
    if call.function != "dtype" or name not in names:
        raise TypeError(f"an array of {name!r} is in it")
    big_endian = call.state is not None and _text(call.state[1]) == ">"
    return np.dtype(name).newbyteorder(">" if big_endian else "=")


def _called(call: Any, names: tuple[str, ...] = _INTEGERS) -> np.ndarray:
    """Returns the array or the scalar of NumPy that a call makes."""
    fortran = False
    match call:
        case _Call("_reconstruct", _, (_, shape, dtype, fortran, content)):
            pass
        case _Call("_frombuffer", (content, dtype, shape, order)):
            fortran = _text(order) == "F"
        case _Call("scalar", (dtype, content)):
            shape = ()
        case _:
            raise TypeError("something else is where numbers should be")
    match content:
        case _Call("encode", (str(text), "latin1" | "latin-1")):
            content = text.encode("latin-1")
    flat = np.frombuffer(content, _dtype(dtype, names))
    return flat.reshape(shape, order="F" if fortran else "C")


def _array(value: Any) -> np.ndarray:
    """Returns an array, or the integers of a list or a tuple as one."""
    if not isinstance(value, list | tuple):
        return _called(value)
    integers = (each if type(each) is int else int(_called(each)) for each in value)
    return np.fromiter(integers, np.int64, len(value))


def _dictionary(items: Any) -> dict[str, Any]:
    if not isinstance(items, list):
        raise TypeError("something else is in it")
    return dict(zip(map(_text, items[::2]), items[1::2], strict=True))


@contextmanager
def _one_line(path: str, allowed: str, expected: str) -> Iterator[None]:
    try:
        yield
    except _ForbiddenError as error:
        raise DataError(
            f"{path} is refused: expected a pickle of {allowed}, lists, numbers and "
            f"strings, but it asks for {error!s:.{_LONGEST_REASON}}, which none of "
            "these needs. Nothing was run. Download it again, or write the file anew "
            "with these alone."
        ) from error
    except Exception as error:  # any, for a damaged pickle is a program of chance
        reason = str(error) or "it ends early"
        raise DataError(
            f"{path} is damaged, cut short or of another kind: expected a pickle of "
            f"{expected}, but reading it failed ({reason:.{_LONGEST_REASON}}). Copy or "
            "download it again."
        ) from error


def load(content: bytes, path: str, *keys: str) -> list[np.ndarray]:
    """Returns the arrays, or lists of integers, at `keys` of a pickled dictionary.

    Raises:
      DataError: If the pickle is damaged, or asks for anything but data.
    """
    named = " and ".join(keys)
    expected = f"a dictionary with arrays or lists of integers, {named}"
    with _one_line(path, "arrays of integers", expected):
        found = _dictionary(_Machine(content).load())
        return [_array(found.get(key)) for key in keys]


def load_layers(content: bytes, path: str) -> dict[str, dict[str, np.ndarray]]:
    """Returns ``{layer: {"weights": ..., "biases": ...}}`` from an array that holds it.

    A layer may be a list of the two as well. ``numpy.save`` pickles such an array, of
    one dictionary.

    Raises:
      DataError: As `load`.
    """
    expected = "a dictionary of layers, each with weights and biases"
    with _one_line(path, "arrays of floating numbers", expected):
        match _Machine(content).load():
            case _Call("_reconstruct", _, (_, (), _, _, [items])):
                layers = _dictionary(items)
            case _:
                raise TypeError("something else is in it")
        return {name: _layer(found) for name, found in layers.items()}


def _layer(found: Any) -> dict[str, np.ndarray]:
    if isinstance(found, list) and len(found) == 2 and isinstance(found[0], _Call):
        found = ["weights", found[0], "biases", found[1]]
    return {kind: _called(one, _FLOATS) for kind, one in _dictionary(found).items()}
