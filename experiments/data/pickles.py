"""Pickles without their powers: data come out, and no code is looked up or run.

A pickle is a program. Python's own machine lets it import and call anything, and twenty
bytes suffice to make that take gigabytes or days. `load` runs it on a smaller machine:
it has the instructions that make lists, tuples, dictionaries, numbers and strings, and
stand-ins for the functions with which NumPy's arrays of integers are pickled. What an
instruction costs, its own bytes or those before it have paid for: nothing is copied
twice, and keys are strings, since to hash anything else can take for ever. The number
of instructions has a limit.
"""

import io
import pickletools
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..terminal.errors import DataError

MAX_INSTRUCTIONS = 2**22
"""Twice what 50,000 images take that have scalars of NumPy as labels, in protocol 0."""

_OPCODES = {each.code.encode("latin-1"): each for each in pickletools.opcodes}
_INTEGERS = tuple(f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8))
_LITERALS = (
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "FLOAT", "BINFLOAT"),
    *("UNICODE", "SHORT_BINUNICODE", "BINUNICODE"),
    *("SHORT_BINBYTES", "BINBYTES", "BINBYTES8"),
)
_LONGEST_WORD = 80


class _DamagedError(Exception):
    """A pickle is not what it should be; the message says why."""


class _ForbiddenError(Exception):
    """A pickle asks for something that is no data; the message says for what."""


def _word(value: object) -> str:
    """Returns a short string; those of Python 2 are bytes."""
    if not isinstance(value, str | bytes) or len(value) > _LONGEST_WORD:
        raise _DamagedError("something else is where a word should be")
    return value.decode("latin-1") if isinstance(value, bytes) else value


class _DType:
    """Stands for a `numpy.dtype` of integers."""

    def __init__(self, name: object, *_: object):
        if _word(name) not in _INTEGERS:
            raise _DamagedError(f"an array of {_word(name)!r} is in it")
        self.value = np.dtype(_word(name))

    def set_state(self, state: Any) -> None:
        """Takes the byte order."""
        if _word(state[1]) == ">":
            self.value = self.value.newbyteorder(">")


def _from_buffer(content: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    if not (isinstance(content, bytes) and isinstance(dtype, _DType)):
        raise _DamagedError("an array of objects is in it")
    flat = np.frombuffer(content, dtype.value)
    return flat.reshape(shape, order="F" if _word(order) == "F" else "C")


class _Array:
    """Stands for an array that is made empty and given its contents afterwards."""

    value: np.ndarray

    def __init__(self, *_: object):
        pass

    def set_state(self, state: Any) -> None:
        """Takes the contents."""
        _, shape, dtype, fortran, content = state
        self.value = _from_buffer(content, dtype, shape, "F" if fortran else "C")


def _scalar(dtype: Any, content: Any) -> int:
    return int(_from_buffer(content, dtype, (), "C"))


def _encode(text: Any, codec: Any) -> bytes:
    """Stands for `codecs.encode`: how Python 3 writes bytes for Python 2."""
    if not isinstance(text, str) or _word(codec) not in ("latin1", "latin-1"):
        raise _DamagedError("bytes in another form than Latin-1 are in it")
    return text.encode("latin-1")


_STAND_INS = {
    "numpy.dtype": _DType,
    "numpy.ndarray": _Array,
    "_codecs.encode": _encode,
}
for _core in ("core", "_core"):  # NumPy 1 and 2
    _STAND_INS[f"numpy.{_core}.multiarray._reconstruct"] = _Array
    _STAND_INS[f"numpy.{_core}.multiarray.scalar"] = _scalar
    _STAND_INS[f"numpy.{_core}.numeric._frombuffer"] = _from_buffer


def _stand_in(name: str) -> Any:
    if name not in _STAND_INS:
        raise _ForbiddenError(name)
    return _STAND_INS[name]


def _instructions(content: bytes) -> Iterator[tuple[str, Any]]:
    """Yields the name and the argument of each instruction, up to the last."""
    file = io.BytesIO(content)
    for _ in range(MAX_INSTRUCTIONS):
        opcode = _OPCODES.get(file.read(1))
        if opcode is None:
            raise _DamagedError("it ends early, or an instruction is unknown")
        if opcode.name == "STRING":  # of any bytes; pickletools wants ASCII
            line = pickletools.read_stringnl(file, decode=False)
            assert isinstance(line, bytes)
            argument = line.decode("unicode_escape")
        else:
            argument = opcode.arg.reader(file) if opcode.arg else None
        yield opcode.name, argument
        if opcode.name == "STOP":
            return
    raise _DamagedError(f"it has more than {MAX_INSTRUCTIONS:,} instructions")


class _Machine:
    """What a pickle runs on: a stack, marks in it, and what is kept for later."""

    def __init__(self, content: bytes):
        self._instructions = _instructions(content)
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}
        # Whoever writes a pickle encodes a text once, and keeps the bytes.
        self._to_encode = len(content)

    def _pop(self, count: int) -> list[Any]:
        start = len(self._stack) - count
        if not 0 <= start <= len(self._stack):
            raise _DamagedError("an instruction lacks its operands")
        values = self._stack[start:]
        del self._stack[start:]
        return values

    def _pop_marked(self) -> list[Any]:
        return self._pop(len(self._stack) - self._marks.pop())

    def _set_items(self, values: list[Any]) -> None:
        for key, value in zip(values[::2], values[1::2], strict=True):
            if not isinstance(key, str | bytes):
                raise _DamagedError("a key of a dictionary is no string")
            self._stack[-1][key] = value

    def _call(self, function: Any, arguments: Any) -> Any:
        if function is _encode:
            self._to_encode -= len(arguments[0])
            if self._to_encode < 0:
                raise _DamagedError("it encodes a text many times")
        return function(*arguments)

    def run(self) -> Any:
        """Returns what the pickle makes."""
        stack, memo, pop = self._stack, self._memo, self._pop
        for name, argument in self._instructions:
            match name:
                case "PROTO" | "FRAME":
                    pass
                case "MARK":
                    self._marks.append(len(stack))
                case "PUT" | "BINPUT" | "LONG_BINPUT":
                    memo[argument] = stack[-1]
                case "MEMOIZE":
                    memo[len(memo)] = stack[-1]
                case "GET" | "BINGET" | "LONG_BINGET":
                    stack.append(memo[argument])
                case "NONE":
                    stack.append(None)
                case "NEWTRUE" | "NEWFALSE":
                    stack.append(name == "NEWTRUE")
                case "STRING" | "BINSTRING" | "SHORT_BINSTRING":
                    stack.append(argument.encode("latin-1"))
                case "BYTEARRAY8":
                    stack.append(bytes(argument))
                case name if name in _LITERALS:
                    stack.append(argument)
                case "EMPTY_TUPLE":
                    stack.append(())
                case "TUPLE1" | "TUPLE2" | "TUPLE3":
                    stack.append(tuple(pop(int(name[-1]))))
                case "TUPLE":
                    stack.append(tuple(self._pop_marked()))
                case "EMPTY_LIST":
                    stack.append([])
                case "LIST":
                    stack.append(self._pop_marked())
                case "APPEND":
                    (value,) = pop(1)
                    stack[-1].append(value)
                case "APPENDS":
                    values = self._pop_marked()
                    stack[-1].extend(values)
                case "EMPTY_DICT":
                    stack.append({})
                case "DICT":
                    values = self._pop_marked()
                    stack.append({})
                    self._set_items(values)
                case "SETITEM":
                    self._set_items(pop(2))
                case "SETITEMS":
                    self._set_items(self._pop_marked())
                case "GLOBAL":
                    stack.append(_stand_in(argument.replace(" ", ".")))
                case "STACK_GLOBAL":
                    stack.append(_stand_in(".".join(map(_word, pop(2)))))
                case "REDUCE":
                    stack.append(self._call(*pop(2)))
                case "BUILD":
                    (state,) = pop(1)
                    stack[-1].set_state(state)
                case "INST":
                    raise _ForbiddenError(argument.replace(" ", "."))
                case "STOP":
                    return stack[-1]
                case _:
                    raise _ForbiddenError(f"the instruction {name}")
        raise AssertionError("the last instruction is STOP")


def load(content: bytes, path: str) -> dict[str, Any]:
    """Returns the dictionary in a pickle, arrays and names as they should be.

    Raises:
      DataError: If it is damaged, no dictionary, or asks for anything but arrays of
        integers.
    """
    try:
        found = _Machine(content).run()
        if not isinstance(found, dict):
            raise _DamagedError("something else is in it")
        return {
            key.decode("latin-1") if isinstance(key, bytes) else key: (
                value.value if isinstance(value, _Array) else value
            )
            for key, value in found.items()
        }
    except _ForbiddenError as error:
        raise DataError(
            f"{path} is refused: expected a pickle of arrays of integers, lists, "
            f"numbers and strings, but it asks for {error!s:.{_LONGEST_WORD}}, which "
            "none of these needs. Nothing was run. Download the data set again, or "
            "write the file anew with these alone."
        ) from error
    except Exception as error:  # any, for a damaged pickle is a program of chance
        raise DataError(
            f"{path} is damaged, cut short or no pickled batch: expected a whole "
            f"pickle of a dictionary, but reading it failed "
            f"({error!s:.{_LONGEST_WORD}}). Copy or download it again."
        ) from error
