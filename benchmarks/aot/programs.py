"""What is compiled: programs that differ in kind, each for every target."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any, Literal, get_args

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec, SingleDeviceSharding

from ..layer import hlo
from ..layer.cases import DTYPES, LAYOUTS, MODES, Problem
from ..layer.contenders.jax import computation, lrn_layer
from ..records import Record
from .targets import TARGETS, devices

# The axis that is divided among the devices of a target.
Divided = Literal["nothing", "batch", "channels"]


@dataclass(frozen=True)
class Program:
    """The layer, or the layer and its gradient, on one device or several."""

    problem: Problem
    divided: Divided = "nothing"

    @property
    def identity(self) -> Record:
        """Its fields, as they stand in a record."""
        return {**asdict(self.problem), "divided": self.divided}


# As the benchmark of layers enlarges batches on accelerators.
_FACTOR = 8


def _programs() -> list[Program]:
    def problem(*given: Any, **options: Any) -> Problem:
        return Problem(*given, **options, batch_factor=_FACTOR)

    cases = ("alexnet_norm1", "alexnet_norm2", "googlenet_norm1", "googlenet_norm2")
    return [
        *(Program(problem(*each)) for each in product(cases, LAYOUTS, DTYPES, MODES)),
        *(
            Program(problem(cases[0], "NHWC", *each, radius=8))
            for each in product(DTYPES, MODES)
        ),
        *(
            Program(problem(cases[0], layout, "float32", mode, variant="learned"))
            for layout, mode in product(LAYOUTS, MODES)
        ),
        *(
            Program(problem(cases[0], "NHWC", "float32", mode), divided)
            for divided, mode in product(get_args(Divided)[1:], MODES)
        ),
    ]


PROGRAMS = _programs()


def _argument(program: Program, target: Sequence[Any]) -> jax.ShapeDtypeStruct:
    """Returns what stands for x, divided among devices or on one."""
    problem = program.problem
    if program.divided == "nothing":
        sharding = SingleDeviceSharding(target[0])
    else:
        spec: list[str | None] = [None] * len(problem.shape)
        spec[0 if program.divided == "batch" else problem.channel_axis] = "devices"
        mesh = Mesh(np.array(target), ("devices",))
        sharding = NamedSharding(mesh, PartitionSpec(*spec))
    return jax.ShapeDtypeStruct(problem.shape, problem.dtype, sharding=sharding)


def compile_for(
    target: str, program: Program, implementation: str | None = None
) -> Record:
    """Compiles a program, and counts what it does on one device.

    Args:
      target: Its name.
      program: What to compile.
      implementation: As `lrn` takes it.
    """
    x = _argument(program, devices(target))
    learned = {
        name: jax.ShapeDtypeStruct(one.shape, one.dtype, sharding=x.sharding)
        for name, one in program.problem.learned().items()
    }
    arrays = (x,) if program.problem.mode == "forward" else (x, x)
    function = jax.jit(computation(lrn_layer(implementation), program.problem))
    traced = function.trace(learned, *arrays)
    lowered = traced.lower(lowering_platforms=(TARGETS[target].platform,))
    compiled = lowered.compile()
    work = hlo.work(compiled.as_text() or "")
    assert x.sharding is not None
    part = x.sharding.shard_shape(x.shape)
    part_bytes = int(np.prod(part)) * x.dtype.itemsize
    memory = compiled.memory_analysis()
    assert memory is not None
    return {
        "record": "measurement",
        "target": target,
        "compiler": TARGETS[target].compiler_version(),
        "implementation": implementation or "default",
        "shape": list(program.problem.shape),
        **program.identity,
        "kernels": work.kernels,
        "passes": round(work.bytes / part_bytes, 3),
        "temporary": round(memory.temp_size_in_bytes / part_bytes, 3),
        "collectives": list(work.collectives),
    }
