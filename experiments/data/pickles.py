"""Pickles without their powers: data come out, and no code is looked up or run.

A pickle is a program that may import and call anything. The one for CIFAR needs three
names of NumPy, to make arrays of bytes. They stand here for two classes that do no more
than that, and every other name is refused before anything is called.
"""

import io
import pickle
from typing import Any

import numpy as np

from ..errors import DataError


class _DType:
    """Stands for `numpy.dtype`; unsigned bytes are the only one there is."""

    def __init__(self, name: object, *_: object):
        if name not in (b"u1", "u1"):
            raise pickle.UnpicklingError(f"an array of {name!r} is in it")

    def __setstate__(self, state: object) -> None:
        """Takes the byte order, which bytes do not have."""


class _Array:
    """Stands for an array that is made empty and given its contents afterwards."""

    value: np.ndarray

    def __init__(self, *_: object):
        pass

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, in_fortran_order, content = state
        if not (isinstance(dtype, _DType) and isinstance(content, bytes)):
            raise pickle.UnpicklingError("an array of objects is in it")
        order = "F" if in_fortran_order else "C"
        self.value = np.frombuffer(content, np.uint8).reshape(shape, order=order)


_STAND_INS = {
    ("numpy", "dtype"): _DType,
    ("numpy", "ndarray"): _Array,
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
}


class _ForbiddenError(pickle.UnpicklingError):
    """A pickle asked for something that could run code."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> type:
        """Returns what stands for a name.

        Raises:
          _ForbiddenError: If nothing does.
        """
        try:
            return _STAND_INS[module_name, global_name]
        except KeyError:
            raise _ForbiddenError(f"{module_name}.{global_name}") from None


def load(content: bytes, path: str) -> dict[str, Any]:
    """Returns the dictionary in a pickle, arrays and names as they should be.

    Raises:
      DataError: If it is damaged, no dictionary, or asks for anything but arrays of
        bytes.
    """
    try:
        # Python 2 wrote the published ones; its strings are bytes.
        found = _Unpickler(io.BytesIO(content), encoding="bytes").load()
        return {
            key.decode() if isinstance(key, bytes) else str(key): (
                value.value if isinstance(value, _Array) else value
            )
            for key, value in found.items()
        }
    except _ForbiddenError as error:
        raise DataError(
            f"{path} is refused: expected a pickle of arrays, lists, numbers and "
            f"strings, but it asks for {error}, which could run code. Nothing was run. "
            "Do not open the file otherwise; download the data set again."
        ) from error
    except Exception as error:  # any, for a damaged pickle is a program of chance
        raise DataError(
            f"{path} is damaged, cut short or no pickled batch: expected a whole "
            f"pickle of a dictionary, but reading it failed ({error}). Copy or "
            "download it again."
        ) from error
