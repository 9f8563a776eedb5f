"""Weights from the files of NumPy that TensorFlow's ports of Caffe networks use.

``bvlc_alexnet.npy`` is one: a pickled dictionary of layers, by their names in Caffe,
each with its weights and biases, in a list or by these names. Nothing in it is run.
"""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..models import from_torch
from ..terminal.errors import DataError
from . import pickles
from .npy import HEADERS

_NAMES = {"weights": "weight", "biases": "bias"}


def load(path: Path, params: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the weights of convolutions and dense layers, which have Flax's layout.

    Args:
      path: The file.
      params: What to return, as in `from_torch.load`.

    Returns:
      Arrays in the structure of `params`, in its dtypes.

    Raises:
      DataError: If the file cannot be read, asks for anything but data, or does not fit
        `params`; names and shapes are then in the layout of PyTorch.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}.") from error
    tensors = {}
    for layer, found in pickles.load_layers(_pickle(content, path), str(path)).items():
        for kind, array in found.items():
            if array.ndim > 1:  # (*window, in, out)
                array = np.moveaxis(array, (-1, -2), (0, 1))
            tensors[f"{layer}.{_NAMES.get(kind, kind)}"] = array
    return from_torch.fit(tensors, params, path)


def _pickle(content: bytes, path: Path) -> bytes:
    """Returns what follows the header of the file."""
    file = io.BytesIO(content)
    try:
        _, _, dtype = HEADERS[np.lib.format.read_magic(file)](file)
        if not dtype.hasobject:
            raise ValueError(f"it has an array of {dtype}")
    except Exception as error:  # NumPy raises whatever a damaged header leads to
        raise DataError(
            f"{path} cannot be used: expected a file of NumPy with a dictionary of "
            f"layers, but {error}."
        ) from error
    return content[file.tell() :]
