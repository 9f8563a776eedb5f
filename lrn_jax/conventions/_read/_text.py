"""The text format of Protocol Buffers, without a schema: networks of Caffe, graphs."""

import re
from collections.abc import Iterator
from typing import Any

from ._layer import ModelFileError

# A message: the values of each field, in the order of the file. A value is a message
# or a string; numbers and names of enumerations are strings, too.
Message = dict[str, list[Any]]

_TOKEN = re.compile(
    r"""\s++ | \#[^\n]*+
    | (?P<quoted> "(?:[^"\\\n]|\\.)*+" | '(?:[^'\\\n]|\\.)*+' )
    | (?P<word> [^\s\#{}<>\[\]:;,"']++ )
    | (?P<mark> [{}<>\[\]:;,] )""",
    re.VERBOSE,
)
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|(.))", re.DOTALL)
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r"}
_CLOSES = {"{": "}", "<": ">"}
_DEEPEST = 100  # as in Protocol Buffers


def parse(text: str) -> Message:
    """Returns the message that a file holds."""
    return _message(_tokens(text), None, 0)


def messages(message: Message, name: str) -> list[Message]:
    """Returns the values of a field that holds messages."""
    values = message.get(name, [])
    if not all(isinstance(value, dict) for value in values):
        raise ModelFileError(f"`{name}` must be a message.")
    return values


def scalar(message: Message, name: str) -> Any:
    """Returns the value of a field that holds one, the last that is given, or None."""
    value = (message.get(name) or [None])[-1]
    if isinstance(value, dict):
        raise ModelFileError(f"`{name}` must not be a message.")
    return value


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """Yields kinds and texts: words, strings without their quotes, and marks."""
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            line = text.count("\n", 0, position) + 1
            raise ModelFileError(f"line {line}: a string does not end.")
        position = match.end()
        if match.lastgroup == "quoted":
            yield "string", _unescaped(match.group()[1:-1])
        elif match.lastgroup:
            yield match.lastgroup, match.group()


def _unescaped(text: str) -> str:
    def byte(match: re.Match[bytes]) -> bytes:
        octal, hexadecimal, letter = match.groups()
        if letter is not None:
            return _LETTERS.get(letter, letter)
        return bytes([int(octal, 8) % 256 if octal else int(hexadecimal, 16)])

    if "\\" not in text:
        return text
    return _ESCAPE.sub(byte, text.encode()).decode(errors="backslashreplace")


def _message(
    tokens: Iterator[tuple[str, str]], close: str | None, depth: int
) -> Message:
    """Reads fields up to the mark that closes the message, or the end of the file."""
    if depth > _DEEPEST:
        raise ModelFileError(f"messages are nested more than {_DEEPEST} deep.")
    message: Message = {}
    values: list[Any] | None = None  # of the field whose value comes next
    strings: list[Any] | None = None  # of the string before: one may continue it
    listing = extension = False
    for kind, token in tokens:
        given, strings = values, strings if kind == "string" else None
        if kind == "mark":
            if token in ":,;":
                continue
            if token == close and given is None:
                return message
            if token == "[" and not listing and not extension:
                listing, extension = given is not None, given is None
            elif token == "]" and listing:
                listing, values = False, None
            elif token == "]" and extension:
                extension, values = False, message.setdefault("", [])
            elif token in _CLOSES and given is not None:
                given.append(_message(tokens, _CLOSES[token], depth + 1))
                values = given if listing else None
            else:
                raise ModelFileError(f"`{token}` is not expected there.")
        elif given is not None:
            given.append(token)
            strings = given if kind == "string" else None
            values = given if listing else None
        elif strings is not None:
            strings[-1] += token
        elif kind == "word":
            values = None if extension else message.setdefault(token, [])
        else:
            raise ModelFileError("a string is not expected there.")
    if close is not None or values is not None or extension:
        raise ModelFileError("it ends within a message.")
    return message
