"""The activations of an arm on disk: a compressed file of arrays beside the metrics."""

import io
from dataclasses import fields
from pathlib import Path

import numpy as np

from ..terminal.errors import DataError
from .activation_summary import ActivationSummary
from .files import write_whole

_LARGEST_FILE = 2**26


def path_of(directory: Path, arm: str) -> Path:
    """Returns where the activations of an arm lie beside its metrics."""
    return directory / f"activations-{arm}.npz"


def save(path: Path, activations: ActivationSummary) -> None:
    """Writes activations as one compressed file of arrays.

    Raises:
      UserError: If it cannot be written.
    """
    content = io.BytesIO()
    np.savez_compressed(content, **vars(activations))
    write_whole(path, content.getvalue())


def _check(found: ActivationSummary) -> None:
    """Checks arrays from a file, so that all else can take them as they are."""
    maps, energy = found.maps_before, found.energy_before
    for array, like, axes, dtype in (
        (found.channels, maps[:, 0, 0], 1, np.int32),
        (found.maps_before, maps, 3, np.float32),
        (found.maps_after, maps, 3, np.float32),
        (found.energy_before, energy, 2, np.float32),
        (found.energy_after, energy, 2, np.float32),
    ):
        if array.shape != like.shape or array.ndim != axes or array.dtype != dtype:
            raise ValueError(f"it has an array of {array.dtype} {array.shape}")
        if not array.size or not np.isfinite(array).all():
            raise ValueError("an array is empty, or not finite")
    if min(found.energy_before.min(), found.energy_after.min()) < 0:
        raise ValueError("it has a negative energy")


def load(path: Path) -> ActivationSummary:
    """Reads what `save` wrote.

    Raises:
      DataError: If the file is not one of those.
    """
    try:
        # numpy leaves a file that it opened open where the archive is damaged.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            size = sum(each.file_size for each in arrays.zip.infolist())
            if size > _LARGEST_FILE:
                raise ValueError(f"it would take {size:,} bytes of memory")
            found = ActivationSummary(
                **{
                    field.name: arrays[field.name]
                    for field in fields(ActivationSummary)
                }
            )
        _check(found)
    except Exception as error:  # numpy, zipfile and zlib have a dozen kinds for damage
        raise DataError(
            f"{path} does not hold activations: expected a file that "
            f"the ablation wrote, but {error}. Remove it to report without it."
        ) from error
    return found
