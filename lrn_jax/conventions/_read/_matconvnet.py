"""MatConvNet: networks in MAT files, simple ones (SimpleNN) and graphs (DagNN)."""

from collections.abc import Iterator

from .. import _frameworks
from ._layer import Format, Layer, ModelFileError, make_layer
from ._mat import HEADER, variables

_HDF5 = b"MATLAB 7.3 MAT-file"


def _layers(data: bytes) -> Iterator[Layer]:
    if data.startswith(_HDF5):
        raise ModelFileError("it is of version 7.3: save it with `-v7` in MATLAB.")
    if not data.startswith(HEADER):
        raise ModelFileError("it is of no version from 5 to 7.")
    network = variables(data)
    if "layers" not in network:
        network = _structure(network.get("net"))
    if not isinstance(network.get("layers"), list):
        raise ModelFileError("it has no variable `layers`, nor one in `net`.")
    # Cells with a structure in each, or an array of structures.
    for index, layer in enumerate(map(_structure, network["layers"]), 1):
        kind = layer.get("type")
        if kind == "dagnn.LRN":
            written = _structure(layer.get("block"))
        elif kind in ("normalize", "lrn"):
            written = layer
        else:
            continue
        yield make_layer(
            "MatConvNet",
            _frameworks.matconvnet,
            layer.get("name") or f"layer {index}",
            {"param": written.get("param")},
            channels=2,
        )


def _structure(value: object) -> dict:
    """Returns a structure, which may be the only one of its array, or an empty one."""
    if isinstance(value, list) and len(value) == 1:
        (value,) = value
    return value if isinstance(value, dict) else {}


FORMAT = Format(
    "MatConvNet MAT",
    (".mat",),
    lambda data: data.startswith((HEADER, _HDF5)),
    _layers,
    binary=True,
)
