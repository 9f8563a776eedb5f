"""Several devices, and several processes: how arrays are laid out over them.

Parameters and data sets are on every device, batches are divided. All the rest follows
from that: XLA adds what must be exchanged, and the statistics of BatchNorm come from
the whole batch.
"""

from functools import partial

import jax
import numpy as np
from jax import Array
from jax.experimental import multihost_utils
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from ..config.config import Ablation
from ..terminal.errors import UserError

_AXIS = "data"


def start_processes(ablation: Ablation) -> None:
    """Makes this process one of several, if the ablation is distributed.

    It must come before anything else asks JAX for devices.

    Raises:
      UserError: If the processes do not find each other.
    """
    if not ablation.distributed:
        return
    try:
        jax.distributed.initialize(
            ablation.coordinator or None, ablation.num_processes, ablation.process_id
        )
    except (RuntimeError, ValueError) as error:
        raise UserError(
            f"`distributed` needs other processes, but JAX did not find them: {error} "
            "Where it cannot know them from a cluster, give --coordinator, "
            "--num-processes and --process-id."
        ) from error


def is_main_process() -> bool:
    """Whether this is the one process that writes and prints."""
    return jax.process_index() == 0


def wait_for_others(where: str) -> None:
    """Returns when every process is there."""
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices(where)


def make_mesh(num_devices: int | None = 1) -> Mesh:
    """Returns the first devices, or all of them, in a row.

    Raises:
      UserError: If there are fewer.
    """
    devices = jax.devices()
    if num_devices is None:
        num_devices = len(devices)
    if num_devices > len(devices):
        raise UserError(
            f"`devices` must be at most the number there is, {len(devices)}, but got "
            f"{num_devices}."
        )
    return jax.make_mesh(
        (num_devices,),
        (_AXIS,),
        axis_types=(AxisType.Auto,),
        devices=devices[:num_devices],
    )


def check_batch(batch_size: int, mesh: Mesh) -> None:
    """Checks that a batch can be divided among devices.

    Raises:
      UserError: If not.
    """
    if batch_size % mesh.size:
        raise UserError(
            f"`batch-size` must be a multiple of the number of devices, {mesh.size}, "
            f"but got {batch_size}."
        )


def replicated(mesh: Mesh) -> NamedSharding:
    """Returns the layout of arrays that are whole on every device."""
    return NamedSharding(mesh, PartitionSpec())


def divided(mesh: Mesh, axis: int = 0) -> NamedSharding:
    """Returns the layout of arrays whose `axis` is divided among the devices."""
    return NamedSharding(mesh, PartitionSpec(*(None,) * axis, _AXIS))


def put(array: np.ndarray, layout: NamedSharding) -> Array:
    """Returns an array on the devices; all processes have the whole of it at first."""
    if layout.is_fully_addressable:
        return jax.device_put(array, layout)
    # device_put would first compare what the processes have.
    return jax.make_array_from_callback(array.shape, layout, partial(array.__getitem__))
