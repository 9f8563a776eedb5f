"""Darknet: networks as text (cfg), a section for each layer."""

from collections.abc import Iterator

from .. import _frameworks
from ._layer import Format, Layer, make_layer, number

_PARAMETERS = (
    "size",
    "alpha",
    "beta",
    "kappa",
)  # Darknet ignores what it does not know
_WARNING = (
    "Darknet's own kernel leaves the square of channel size // 2 out of every sum, by "
    "mistake; the arguments mean what it should compute."
)


def _lines(text: str) -> Iterator[str]:
    """Yields the lines that are neither empty nor comments, without any spaces."""
    for line in text.splitlines():
        line = "".join(line.split())
        if line and line[0] not in "#;":
            yield line


def _recognises(text: str) -> bool:
    return next(_lines(text), "") in ("[net]", "[network]")


def _layers(text: str) -> Iterator[Layer]:
    sections: dict[int, dict[str, str]] = {}
    index = -2  # Darknet counts from 0 after the first section, the whole network's
    for line in _lines(text):
        if line.startswith("["):
            index += 1
            if line in ("[normalization]", "[lrn]"):
                sections[index] = {}
        elif index in sections:
            name, _, value = line.partition("=")
            sections[index].setdefault(name, value)
    for index, options in sections.items():
        yield make_layer(
            "Darknet",
            _frameworks.darknet,
            f"layer {index}",
            {name: number(options[name]) for name in _PARAMETERS if name in options},
            channels=1,
            warnings=[_WARNING],
        )


FORMAT = Format("Darknet cfg", (".cfg",), _recognises, _layers)
