"""What a compiled program does, read off its optimised HLO."""

import math
import re
from dataclasses import dataclass

# Instructions that neither compute nor move an array, like the ones that wait for the
# end of another, ...-done.
_NO_WORK = {
    "after-all",
    "add-dependency",
    "bitcast",
    "constant",
    "get-tuple-element",
    "opt-barrier",
    "parameter",
    "partition-id",
    "replica-id",
    "tuple",
}

_HEADER = re.compile(r"^(?P<entry>ENTRY )?%?(?P<name>[\w.\-]+) .*\{$")
_INSTRUCTION = re.compile(
    # A shape is one word, or a tuple of them; layouts may hold parentheses: {0:T(8)}.
    r"^\s+(?:ROOT )?%?(?P<name>[\w.\-]+) = (?P<shape>\(.*?\)|\S+) "
    r"(?P<opcode>[a-z][\w\-]*)\((?P<rest>.*)$"
)
_ARRAY = re.compile(r"\b([a-z]\w*)\[([\d,]*)\]")
_BITS = re.compile(r"[a-z]+(\d+)")  # types carry theirs in their name: f32, bf16, s8
_CALLED = re.compile(r"to_apply=%?([\w.\-]+)")


@dataclass(frozen=True)
class Work:
    """The kernels of a program and the bytes they name as operands and results.

    A kernel is an instruction of the entry computation that computes or moves an array:
    a fusion, a reduce-window, a copy, a custom call, a loop. Those that only name or
    rearrange values (parameters, constants, tuples, bitcasts) are not counted. A `call`
    counts as what it calls. The bytes are what kernels would move if none of them kept
    anything in a cache, nor read anything twice.
    """

    kernels: int
    bytes: int


@dataclass(frozen=True)
class _Instruction:
    name: str
    opcode: str
    bytes: int
    operands: tuple[str, ...]
    called: str | None


def _bytes(shape: str) -> int:
    total = 0
    for kind, dimensions in _ARRAY.findall(shape):
        bits = _BITS.match(kind)
        width = int(bits[1]) if bits else 8 if kind == "pred" else 0
        total += math.prod(map(int, filter(None, dimensions.split(",")))) * width // 8
    return total


def _operands(rest: str) -> tuple[str, ...]:
    """Returns the names between the opening parenthesis and the one that closes it."""
    depth = 1
    for end, character in enumerate(rest):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            # Operands may be printed with their shapes; the name is the last word.
            found = re.findall(r"%?([A-Za-z_][\w.\-]*)\s*(?:,\s|$)", rest[:end])
            return tuple(found)
    return ()


def _parse(text: str) -> tuple[str, dict[str, list[_Instruction]]]:
    """Returns the name of the entry computation, and all of them."""
    entry, current = "", None
    computations: dict[str, list[_Instruction]] = {}
    for line in text.splitlines():
        if line.startswith("}"):
            current = None
        elif current is None:
            if (header := _HEADER.match(line)) and not line.startswith("HloModule"):
                current = computations.setdefault(header["name"], [])
                entry = header["name"] if header["entry"] else entry
        elif found := _INSTRUCTION.match(line):
            called = _CALLED.search(found["rest"])
            current.append(
                _Instruction(
                    found["name"],
                    found["opcode"],
                    _bytes(found["shape"]),
                    _operands(found["rest"]),
                    called[1] if called else None,
                )
            )
    if not computations.get(entry):
        raise ValueError(
            "`text` must be an HLO module with an ENTRY computation, but got "
            f"{text[:80]!r}."
        )
    return entry, computations


def work(text: str) -> Work:
    """Counts the kernels of a module, as `compiled.as_text()` prints it."""
    entry, computations = _parse(text)

    def count(computation: str) -> Work:
        sizes = {one.name: one.bytes for one in computations[computation]}
        kernels = total = 0
        for one in computations[computation]:
            if one.opcode == "call" and one.called in computations:
                inner = count(one.called)
                kernels, total = kernels + inner.kernels, total + inner.bytes
            elif one.opcode not in _NO_WORK and not one.opcode.endswith("-done"):
                kernels += 1
                total += one.bytes + sum(sizes.get(name, 0) for name in one.operands)
        return Work(kernels, total)

    return count(entry)
