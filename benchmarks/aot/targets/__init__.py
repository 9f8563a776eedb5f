"""The machines that XLA compiles for, of which only the compiler is here."""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jax.experimental import topologies

from ...environment import UNKNOWN, version

# Without these, libtpu asks the machine it is on, which has no TPU.
_TPU_VARIABLES = {
    "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",  # else only one process can compile
    "TPU_ACCELERATOR_TYPE": "v5litepod-4",
    "TPU_SKIP_MDS_QUERY": "1",
    "TPU_WORKER_HOSTNAMES": "localhost",
}


@dataclass(frozen=True)
class Target:
    """A kind of device, and the compiler for it."""

    title: str
    platform: str
    """As JAX calls it."""
    compiler: str
    """The package that contains the compiler."""
    needs: tuple[str, ...]
    """The packages it needs besides jax."""
    extra: str
    """The extra of pyproject.toml that installs them."""

    def missing(self) -> list[str]:
        """Returns the packages that are not installed."""
        packages = (self.compiler, *self.needs)
        return [name for name in packages if version(name) == UNKNOWN]

    def compiler_version(self) -> str:
        """Returns name and version of the compiler."""
        return f"{self.compiler} {version(self.compiler)}"


_GPU_NEEDS = ("jax-cuda12-plugin", "nvidia-cuda-nvcc-cu12")

TARGETS = {
    "h100": Target("H100", "cuda", "jax-cuda12-pjrt", _GPU_NEEDS, "aot-gpu"),
    "a100": Target("A100", "cuda", "jax-cuda12-pjrt", _GPU_NEEDS, "aot-gpu"),
    "v5e": Target("TPU v5e", "tpu", "libtpu", (), "aot-tpu"),
}

# The smallest v5e board has 4 chips; the same number of GPUs.
NUM_DEVICES = 4


@cache
def devices(name: str) -> tuple[Any, ...]:
    """Returns the devices of a target, for which programs can be compiled.

    JAX has to be confined to the CPU: else its plugin looks for the libraries of CUDA.
    """
    if TARGETS[name].platform == "cuda":
        topology = topologies.get_topology_desc(
            platform="cuda",
            target_config=Path(__file__).with_name(f"{name}.txtpb").read_text("utf-8"),
            topology=f"1x1x{NUM_DEVICES}",
        )
    else:
        for variable, value in _TPU_VARIABLES.items():
            os.environ.setdefault(variable, value)
        topology = topologies.get_topology_desc(
            platform="tpu", topology_name=f"{name}:2x2"
        )
    return tuple(topology.devices)
