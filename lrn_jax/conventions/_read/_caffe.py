"""Caffe: networks as text (prototxt), in the syntax of today and in both older ones."""

import re
from collections.abc import Iterator

from .. import _frameworks
from ._layer import Format, Layer, make_layer, number
from ._text import Message, messages, parse, scalar

_LAYER = re.compile(r"\blayers?\s*+:?\s*+\{")


def _layers(text: str) -> Iterator[Layer]:
    network = parse(text)
    for each in messages(network, "layer") + messages(network, "layers"):
        # The oldest syntax has the name, the type and the parameters one level deeper.
        for layer in messages(each, "layer") or [each]:
            kind = scalar(layer, "type")
            if kind == "lrn":
                parameters = [layer]
            elif kind in ("LRN", "15"):  # 15 is its number among the old types
                parameters = messages(layer, "lrn_param")
            else:
                continue
            yield _layer(layer, parameters, only_known=kind == "lrn")


def _layer(layer: Message, parameters: list[Message], only_known: bool) -> Layer:
    written = {
        name: number(scalar(message, name) or "")
        for message in parameters
        for name in message
        if not only_known or name in ("local_size", "alpha", "beta", "k")
    }
    return make_layer(
        "Caffe",
        _frameworks.caffe,
        scalar(layer, "name") or "",
        written,
        channels=1,
    )


FORMAT = Format(
    "Caffe prototxt",
    (".prototxt",),
    lambda text: _LAYER.search(text) is not None,
    _layers,
)
