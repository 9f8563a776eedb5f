"""Weights of a network in ONNX, as parameters of the same network in Flax.

It needs the package onnx: ``pip install '.[read]'``. Names in such files are those of
the program that wrote it, so layers are told by their order.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from ..terminal.errors import DataError
from . import from_torch


def load(
    path: Path,
    params: Mapping[str, Any],
    layers: Sequence[str],
    *,
    flattened: Mapping[str, int] | None = None,
    is_beginning: bool = False,
) -> dict[str, Any]:
    """Returns the weights of the nodes Conv and Gemm, by their order in the file.

    Args:
      path: The file.
      params: What to return, as in `from_torch.load`.
      layers: The names of the network's layers with parameters, in the order in which
        the file has them: ``"block.conv"`` is ``params["block"]["conv"]``.
      flattened: As in `from_torch.load`: ONNX has the channels on axis 1. Where the
        network before the dense layer had them last, leave it out.
      is_beginning: Whether the network is the beginning of the one in the file.

    Returns:
      Arrays in the structure of `params`, in its dtypes.

    Raises:
      DataError: If the file cannot be read, has another number of such nodes, one that
        a layer of Flax cannot express, weights that are computed, or others; or if
        their shapes do not fit `params`.
      ValueError: As `from_torch.load`.

    Example:
      ``load(path, params, AlexNet.LAYERS, flattened=AlexNet.FLATTENED)``
    """
    graph = _read(path).graph
    arrays = {each.name: each for each in graph.initializer}
    nodes = [node for node in graph.node if node.op_type in ("Conv", "Gemm")]
    if len(nodes) < len(layers) or (len(nodes) > len(layers) and not is_beginning):
        raise DataError(
            f"{path} does not fit the network, nothing was loaded: expected "
            f"{len(layers)} nodes Conv or Gemm, but it has {len(nodes)}."
        )
    nodes = nodes[: len(layers)]
    if not is_beginning and (others := [*_others(nodes, arrays)]):
        raise DataError(
            f"{path} does not fit the network, nothing was loaded: "
            f"{', '.join(others)} belong to no node Conv or Gemm."
        )
    tensors = {}
    for layer, node in zip(layers, nodes, strict=True):
        for kind, name in zip(("weight", "bias"), node.input[1:], strict=False):
            if not name:  # left out
                continue
            if name not in arrays:
                raise DataError(
                    f"{path} cannot be used: expected {name!r}, the {kind} of "
                    f"{layer}, among the initializers, but it is computed in the graph."
                )
            tensors[f"{layer}.{kind}"] = _array(path, arrays[name])
        weight = tensors.get(f"{layer}.weight")
        if node.op_type == "Gemm" and weight is not None:
            tensors[f"{layer}.weight"] = _gemm_weight(path, layer, node, weight)
    return from_torch.fit(tensors, params, path, flattened=flattened)


def _read(path: Path) -> onnx.ModelProto:
    try:
        return onnx.load(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}.") from error
    except Exception as error:  # of protobuf, or of the check of external files
        raise DataError(
            f"{path} is damaged or of another format: expected an ONNX file, but "
            f"reading failed ({error})."
        ) from error


def _array(path: Path, tensor: onnx.TensorProto) -> np.ndarray:
    try:
        return numpy_helper.to_array(tensor)
    except Exception as error:  # whatever damaged sizes and types lead to
        raise DataError(
            f"{path} is damaged: {tensor.name!r} cannot be read ({error})."
        ) from error


def _gemm_weight(
    path: Path, layer: str, node: onnx.NodeProto, weight: np.ndarray
) -> np.ndarray:
    """Returns the weight as (out, in), which is what `transB` 1 says."""
    given = {
        each.name: onnx.helper.get_attribute_value(each) for each in node.attribute
    }
    transposed = given.pop("transB", 0)
    plain = {"transA": 0, "alpha": 1.0, "beta": 1.0}
    if plain | given != plain:
        raise DataError(
            f"{path} cannot be used: expected a dense layer for {layer}, but its Gemm "
            f"has {given}."
        )
    return weight if transposed else weight.T


def _others(
    nodes: Sequence[onnx.NodeProto], arrays: Mapping[str, onnx.TensorProto]
) -> Iterator[str]:
    """Yields floating arrays that no layer has; a single number is none."""
    used = {name for node in nodes for name in node.input}
    floating = {onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16}
    floating |= {onnx.TensorProto.DOUBLE, onnx.TensorProto.BFLOAT16}
    for name, tensor in arrays.items():
        if (
            name not in used
            and tensor.data_type in floating
            and max([*tensor.dims, 1]) > 1
        ):
            yield f"{name} of shape {tuple(tensor.dims)}"
