"""A run: what holds for all contenders is settled, all is measured, shown and kept."""

import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from experiments.training.allocator import keep_freed_memory

from . import environment, records
from .options import Run, available_threads
from .records import Record
from .tables import make_console, run_title


@dataclass(frozen=True)
class Plan:
    """What is going to be measured."""

    versions: dict[str, str]
    """Of those who take part, beside JAX."""
    left_out: list[str]
    """Who does not take part, and why."""
    measurements: Iterator[list[Record]]
    """Table by table, each measured when it is asked for."""


def settle(options: Run) -> str:
    """Sets what must be set before anything computes; returns the allocator regime."""
    # Threads that spin after a call would slow down whoever comes next.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Whoever else computes on a GPU needs some of its memory.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    if options.num_threads < available_threads():
        cores = sorted(os.sched_getaffinity(0))[: options.num_threads]
        os.sched_setaffinity(0, cores)  # XLA makes a thread for each core
    if options.allocator == "system":
        return "the system's, which may take memory back at every call"
    if platform.libc_ver()[0] != "glibc":
        return "the system's, because it is not glibc's, which alone can be set"
    keep_freed_memory()
    return "glibc's, told to keep freed memory"


def tell(what: str) -> None:
    """Shows, in one line that the next one overwrites, what happens on a terminal."""
    if sys.stderr.isatty():
        print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)


def run(
    benchmark: str,
    options: Run,
    make_plan: Callable[[], Plan],
    tables: ModuleType,
    arguments: Sequence[str],
) -> int:
    """Measures all that is planned; returns the exit status, 1 if values were wrong.

    Args:
      benchmark: Its name.
      options: How to measure.
      make_plan: Says what to measure, once everything is settled.
      tables: The module that makes tables of measurements.
      arguments: The command line, to be kept.

    Raises:
      UserError: If the file for the measurements exists or cannot be made.
    """
    allocator = settle(options)
    plan = make_plan()
    timing = {
        "allocator": allocator,
        "threads": options.num_threads,
        "rounds": options.rounds,
        "seconds": options.seconds,
    }
    return carry_out(benchmark, plan, tables, arguments, options.output, timing)


def carry_out(
    benchmark: str,
    plan: Plan,
    tables: ModuleType,
    arguments: Sequence[str],
    output: Path | None,
    timing: Record | None = None,
) -> int:
    """Shows and keeps what a plan finds; returns the exit status, 1 if it was wrong.

    Args:
      benchmark: Its name.
      plan: What to do.
      tables: The module that makes tables of what is found.
      arguments: The command line, to be kept.
      output: New file for all of it.
      timing: How times are measured, where any are.

    Raises:
      UserError: If the file exists or cannot be made.
    """
    about: Record = {
        "record": "run",
        "benchmark": benchmark,
        "command": environment.command(arguments),
        "environment": environment.describe(plan.versions),
        **(timing or {}),
        "left_out": plan.left_out,
    }
    console = make_console()
    wrong = False
    with records.writer(output) as write:
        console.print(run_title(about))
        write([about])
        try:
            for measurements in plan.measurements:
                tell("")
                for table in tables.tabulate(measurements):
                    table.print(console)
                write(measurements)
                wrong |= any(one.get("status") == "wrong" for one in measurements)
        finally:
            tell("")
    console.print(f"\n{tables.LEGEND}")
    if output is not None:
        console.print(f"\nWrote {output}")
    return 1 if wrong else 0
