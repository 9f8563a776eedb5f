"""What a compiled program does, read off its optimised HLO."""

import math
import re
from collections import Counter
from collections.abc import Iterator
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

# Custom calls on TPU that only name memory.
_NO_WORK_TARGETS = {"AllocateBuffer", "ConcatBitcast"}

# What devices exchange, each under this name or as ...-start.
_COLLECTIVES = {
    "all-gather",
    "all-reduce",
    "all-to-all",
    "collective-broadcast",
    "collective-permute",
    "ragged-all-to-all",
    "reduce-scatter",
}

_HEADER = re.compile(r"^(?P<entry>ENTRY )?%?(?P<name>[\w.\-]+) .*\{$")
_INSTRUCTION = re.compile(
    # A shape is one word, or a tuple of them; layouts may hold parentheses: {0:T(8)}.
    r"^\s+(?:ROOT )?%?(?P<name>[\w.\-]+) = (?P<shape>\(.*?\)|\S+) "
    r"(?P<opcode>[a-z][\w\-]*)\((?P<rest>.*)$"
)
_ARRAY = re.compile(r"\b([a-z]\w*)\[([\d,]*)\](\{[^}]*\})?")
_BITS = re.compile(r"[a-z]+(\d+)")  # types carry theirs in their name: f32, bf16, s8
_CALLED = re.compile(r"to_apply=%?([\w.\-]+)")
_TARGET = re.compile(r'custom_call_target="(\w+)"')
_FAST_MEMORY = re.compile(r"S\([1-9]\d*\)")  # as a TPU's layouts name it


@dataclass(frozen=True)
class Work:
    """The kernels of a program and the bytes they name as operands and results.

    A kernel is an instruction of the entry computation that computes or moves an array:
    a fusion, a reduce-window, a copy, a custom call, a loop. Those that only name or
    rearrange values (parameters, constants, tuples, bitcasts) are not counted. A `call`
    counts as what it calls. A copy in the background is no kernel, nor is a collective,
    but both move bytes.

    The bytes are what would be moved if no kernel kept anything in a cache. An operand
    that is named twice is read twice. Arrays in the fast memory of a TPU do not count.
    """

    kernels: int
    bytes: int
    collectives: tuple[str, ...] = ()
    """Exchanges between devices, by name, one entry for each instruction."""


@dataclass(frozen=True)
class _Instruction:
    name: str
    opcode: str
    shape: str
    operands: tuple[str, ...]
    called: str | None
    target: str | None

    @property
    def collective(self) -> str | None:
        """What it exchanges between devices."""
        name = self.opcode.removesuffix("-start")
        return name if name in _COLLECTIVES else None

    @property
    def works(self) -> bool:
        """Whether it computes or moves an array."""
        return not (
            self.opcode in _NO_WORK
            or self.opcode.endswith("-done")
            or self.target in _NO_WORK_TARGETS
        )


def _arrays(shape: str) -> Iterator[tuple[int, bool]]:
    """Yields the bytes of each array, and whether they lie in fast memory."""
    for kind, dimensions, layout in _ARRAY.findall(shape):
        bits = _BITS.match(kind)
        width = int(bits[1]) if bits else 8 if kind == "pred" else 0
        size = math.prod(map(int, filter(None, dimensions.split(","))))
        yield size * width // 8, bool(_FAST_MEMORY.search(layout))


def _bytes(shape: str) -> int:
    return sum(size for size, fast in _arrays(shape) if not fast)


def _copied_bytes(shape: str) -> int:
    """Returns the bytes that a copy in the background moves in main memory.

    Its shape names both ends, of which one may be a slice of the other, and a token.
    """
    ends = list(_arrays(shape))[:2]
    return min(size for size, _ in ends) * sum(not fast for _, fast in ends)


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
            target = _TARGET.search(found["rest"])
            current.append(
                _Instruction(
                    found["name"],
                    found["opcode"],
                    found["shape"],
                    _operands(found["rest"]),
                    called[1] if called else None,
                    target[1] if target else None,
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
        shapes = {one.name: one.shape for one in computations[computation]}
        kernels = total = 0
        collectives: Counter[str] = Counter()
        for one in computations[computation]:
            if not one.works:
                continue
            if one.opcode == "call" and one.called in computations:
                inner = count(one.called)
                kernels, total = kernels + inner.kernels, total + inner.bytes
                collectives.update(inner.collectives)
            elif one.collective:
                collectives[one.collective] += 1
                total += _bytes(one.shape)
            elif one.opcode.endswith("-start"):
                total += _copied_bytes(one.shape)
            else:
                kernels += 1
                named = (one.shape, *(shapes.get(name, "") for name in one.operands))
                total += sum(map(_bytes, named))
        return Work(kernels, total, tuple(sorted(collectives.elements())))

    return count(entry)
