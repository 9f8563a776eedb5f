"""What a contender is: a way to compute the layer, made ready for one problem."""

import importlib.util
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from ...environment import version
from ...turns import Sample, time_calls
from ..cases import DTYPES, LAYOUTS, MODES, Dtype, Layout, Mode, Problem, Variant
from ..hlo import Work

Family = Literal["copy", "lrn", "naive", "peer"]


@dataclass(frozen=True)
class Machine:
    """What every contender gets to run on."""

    platform: str  # cpu, gpu or tpu, as JAX calls it
    threads: int  # of computation, on CPU
    keep_memory: bool  # the allocator regime, for workers in other processes
    tensorflow_python: Path | None = None


@dataclass(frozen=True)
class Program:
    """What a compiler says of its program."""

    work: Work
    temporary_bytes: int  # at most, besides arguments and results
    compile_seconds: float


class Prepared(Protocol):
    """A contender that is ready: data in place, everything compiled."""

    @property
    def program(self) -> Program | None:
        """What the compiler says, where it says anything."""
        ...

    def outputs(self) -> list[np.ndarray]:
        """Computes y, or y and the gradient, as float32 in the problem's layout."""
        ...

    def time(self, calls: int) -> Sample:
        """Times calls that leave all results in memory."""
        ...

    def close(self) -> None:
        """Lets go of what is not memory."""
        ...


@dataclass(frozen=True)
class InProcess:
    """A contender that runs in this process."""

    call: Callable[[], Any]
    wait: Callable[[Any], object]
    to_numpy: Callable[[Any], list[np.ndarray]]
    program: Program | None = None

    def outputs(self) -> list[np.ndarray]:
        """Computes y, or y and the gradient, as float32 in the problem's layout."""
        return self.to_numpy(self.call())

    def time(self, calls: int) -> Sample:
        """Times calls that leave all results in memory."""
        return time_calls(self.call, self.wait, calls)

    def close(self) -> None:
        """Has nothing to do: its memory goes with it."""


Prepare = Callable[[Problem, np.ndarray, np.ndarray, Machine], Prepared]


@dataclass(frozen=True)
class Contender:
    """A way to compute the layer, and what it can do."""

    title: str
    family: Family
    prepare: Prepare
    packages: tuple[str, ...] = ()  # beside the benchmark's own
    layouts: tuple[Layout, ...] = LAYOUTS
    dtypes: tuple[Dtype, ...] = DTYPES
    modes: tuple[Mode, ...] = MODES
    variants: tuple[Variant, ...] | None = None  # None is all
    platforms: tuple[str, ...] | None = None
    own_process: bool = False

    def missing(self) -> list[str]:
        """Returns the packages that are not installed."""
        if self.own_process:  # they are installed elsewhere
            return []
        return [name for name in self.packages if not importlib.util.find_spec(name)]

    def versions(self, machine: Machine) -> dict[str, str]:
        """Returns the versions of its packages."""
        if not self.own_process:
            return {name: version(name) for name in self.packages}
        ask = "from importlib import metadata as m; d = m.packages_distributions(); "
        return {
            name: subprocess.run(
                [
                    str(machine.tensorflow_python),
                    "-c",
                    f"{ask} print(m.version(d['{name}'][0]))",
                ],
                capture_output=True,
                text=True,
                check=False,
            ).stdout.strip()
            or "not found"
            for name in self.packages
        }

    def refusal(self, problem: Problem, machine: Machine) -> str | None:
        """Returns why it cannot take part, or None."""
        for what, offered in (
            (problem.layout, self.layouts),
            (problem.dtype, self.dtypes),
            (problem.mode, self.modes),
            (problem.variant, self.variants),
            (machine.platform, self.platforms),
        ):
            if offered is not None and what not in offered:
                return f"{self.title} has no {what} here, only {', '.join(offered)}"
        return None
