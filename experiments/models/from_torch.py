"""Weights of a network in PyTorch, as parameters of the same network in Flax.

PyTorch is not needed. Where it is, ``safetensors.torch.save_file(model.state_dict(),
path)`` writes the file.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from safetensors import SafetensorError
from safetensors.numpy import load_file

from ..terminal.errors import DataError

_NAMES = {"kernel": "weight", "bias": "bias"}


def load(
    path: Path, params: Mapping[str, Any], *, flattened: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """Returns the weights of convolutions and dense layers from a state_dict.

    The parameter ``params["block"]["conv"]["kernel"]`` is ``block.conv.weight`` in the
    file, a ``"bias"`` is ``block.conv.bias``. Kernels go from (out, in, *window) to
    (*window, in, out), grouped ones too, where `in` counts the channels of one group;
    a dense layer has no window.

    PyTorch flattens (channels, height, width), Flax (height, width, channels), so the
    first dense layer after it has its inputs in another order. The shapes do not tell:
    such layers must be named in `flattened`.

    Args:
      path: A safetensors file.
      params: What to return, in structure, shapes and dtypes: the parameters of the
        network, or ``jax.eval_shape`` of what makes them.
      flattened: For each dense layer whose input was flattened, by its name in the
        file, the number of channels there were.

    Returns:
      Arrays in the structure of `params`, in its dtypes, whatever the file has.

    Raises:
      DataError: If the file cannot be read, or lacks a parameter, has another one, or
        has one of the wrong shape or not of floating numbers; all of them are named.
      ValueError: If `params` has others than kernels and biases, or `flattened` names
        none of its layers, or has a number that does not divide the inputs.

    Example:
      ``load(path, params, flattened=AlexNet.FLATTENED)``, where `params` is
      ``jax.eval_shape(model.init, key, images)["params"]``.
    """
    return fit(_read(path), params, path, flattened=flattened)


def fit(
    tensors: Mapping[str, np.ndarray],
    params: Mapping[str, Any],
    path: Path,
    *,
    flattened: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """Returns the arrays of a state_dict as parameters: `load`, once `path` is read."""
    flattened = flattened or {}
    leaves, structure = jax.tree.flatten_with_path(params)
    keys = [_key([entry.key for entry in entries]) for entries, _ in leaves]
    wanted = dict(zip(keys, (leaf for _, leaf in leaves), strict=True))
    for layer, channels in flattened.items():
        _check_flattened(layer, channels, wanted.get(f"{layer}.weight"))

    if problems := list(_problems(tensors, wanted)):
        raise DataError(
            f"{path} does not fit the network, nothing was loaded: "
            f"{'; '.join(problems)}."
        )

    def convert(key: str, leaf: Any) -> Array:
        layer, _, name = key.rpartition(".")
        tensor = tensors[key]
        if name == "weight":
            if layer in flattened:
                tensor = _channels_last(tensor, flattened[layer])
            tensor = np.moveaxis(tensor, (0, 1), (-1, -2))
        return jnp.asarray(tensor, leaf.dtype)

    converted = [convert(key, leaf) for key, leaf in wanted.items()]
    return jax.tree.unflatten(structure, converted)


def _key(path: list[str]) -> str:
    *layer, name = path
    if name not in _NAMES:
        raise ValueError(
            f"`params` must have kernels and biases only, but got {'.'.join(path)}. "
            "Convert the rest without it, and add that by hand."
        )
    return ".".join([*layer, _NAMES[name]])


def _torch_shape(key: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    if key.endswith("bias"):
        return shape
    *window, inputs, outputs = shape
    return outputs, inputs, *window


def _channels_last(weight: np.ndarray, channels: int) -> np.ndarray:
    """Reorders the inputs of a dense layer, (out, in), to channels last."""
    outputs, inputs = weight.shape
    by_channel = weight.reshape(outputs, channels, inputs // channels)
    return by_channel.swapaxes(1, 2).reshape(outputs, inputs)


def _check_flattened(layer: str, channels: int, kernel: Any) -> None:
    if kernel is None or len(kernel.shape) != 2:
        raise ValueError(
            f"`flattened` must name dense layers of the network, but got {layer!r}."
        )
    if kernel.shape[0] % channels:
        raise ValueError(
            f"`flattened` must divide the inputs of {layer}, {kernel.shape[0]}, but "
            f"got {channels}: it is the number of channels before the flattening."
        )


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        return load_file(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}.") from error
    except SafetensorError as error:
        raise DataError(
            f"{path} is damaged or of another format: expected a safetensors file, "
            f"but reading failed ({error})."
        ) from error


def _problems(
    tensors: Mapping[str, np.ndarray], wanted: Mapping[str, Any]
) -> Iterator[str]:
    for key, leaf in wanted.items():
        expected = _torch_shape(key, leaf.shape)
        if key not in tensors:
            yield f"{key} of shape {expected} is missing"
        elif tensors[key].shape != expected:
            yield f"{key} must have shape {expected}, but has {tensors[key].shape}"
        elif not jnp.issubdtype(tensors[key].dtype, jnp.floating):
            yield f"{key} must have a floating dtype, but has {tensors[key].dtype}"
    for key in sorted(set(tensors) - set(wanted)):
        yield f"{key} of shape {tensors[key].shape} is not a parameter of the network"
