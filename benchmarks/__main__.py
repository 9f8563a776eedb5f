"""``python -m benchmarks`` measures; with a word more it shows results."""

import contextlib
import importlib.util
import os
import platform
import re
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import jax

from experiments.allocator import keep_freed_memory

from . import environment, report
from .cases import Problem
from .contenders import CONTENDERS, COPY, Contender, Machine
from .measure import Record, compare
from .options import (
    OF_THE_DEVICE,
    RESULTS,
    SHOWS,
    Options,
    Show,
    available_threads,
    parse_run,
    parse_show,
)


def _settle(options: Options) -> str:
    """Sets what must be set before anything computes; returns the allocator regime."""
    # Threads that spin after a call would slow down whoever comes next.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Whoever else computes on a GPU needs some of its memory.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    if options.threads < available_threads():
        cores = sorted(os.sched_getaffinity(0))[: options.threads]
        os.sched_setaffinity(0, cores)  # XLA makes as many threads as it has cores
    if options.allocator == "system":
        return "the system's, which may take memory back at every call"
    if platform.libc_ver()[0] != "glibc":
        return "the system's, because it is not glibc's, which alone can be told"
    keep_freed_memory()
    return "glibc's, told to keep freed memory"


def _problems(options: Options, factor: int) -> Iterator[Problem]:
    for case, radius, dtype, layout, mode in product(
        options.cases or (),
        options.radii or (),
        options.dtypes or (),
        options.layouts or (),
        options.modes or (),
    ):
        yield Problem(case, layout, dtype, mode, radius, options.beta, factor)


def _contenders(options: Options) -> tuple[dict[str, Contender], list[str]]:
    """Returns who takes part, and who is left out and why."""
    chosen, left_out = {COPY: CONTENDERS[COPY]}, []
    for name, contender in CONTENDERS.items():
        if options.contenders is not None and name not in options.contenders:
            continue
        if missing := contender.missing():
            left_out.append(f"{contender.title}: no {', '.join(missing)} installed")
        elif contender.own_process and options.tensorflow_python is None:
            left_out.append(f"{contender.title}: no --tensorflow-python")
        else:
            chosen[name] = contender
    return chosen, left_out


def _tell(what: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)


def _slug(device: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", device.lower()).strip("-")


def _run(options: Options, arguments: list[str]) -> int:
    allocator = _settle(options)
    platform_ = jax.default_backend()
    contenders, left_out = _contenders(options)
    factor = options.batch_factor or (1 if platform_ == "cpu" else 8)
    machine = Machine(
        platform_,
        options.threads,
        options.allocator == "keep",
        python.absolute() if (python := options.tensorflow_python) else None,
    )
    run: Record = {
        "record": "run",
        "command": environment.command(arguments),
        "environment": environment.describe(contenders, machine),
        "allocator": allocator,
        "threads": options.threads,
        "rounds": options.rounds,
        "seconds": options.seconds,
        "left_out": left_out,
    }
    print(report.run_title(run))
    output = options.output
    if output == OF_THE_DEVICE:
        output = RESULTS / f"{_slug(environment.device())}.jsonl"
    measurements: list[Record] = []
    interrupted = False
    with contextlib.ExitStack() as stack:
        file = None
        if output is not None:
            output.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(output.open("w", encoding="utf-8"))
            report.write(file, [run])
        try:
            for problem in _problems(options, factor):
                found = compare(
                    problem,
                    contenders,
                    machine,
                    rounds=options.rounds,
                    seconds=options.seconds,
                    tell=_tell,
                )
                _tell("")
                report.print_tables(found)
                measurements += found
                if file is not None:
                    report.write(file, found)
        except KeyboardInterrupt:
            print("\nInterrupted; what was measured is kept.")
            interrupted = True
    if measurements:
        print(f"\n{report.LEGEND}")
    if output is not None:
        print(f"\nWrote {output}")
    if options.plot is not None and measurements:
        _plot(report.Results(run, measurements), options.plot)
    wrong = any(one["status"] == "wrong" for one in measurements)
    return 130 if interrupted else 1 if wrong else 0


def _plot(results: report.Results, file: Path) -> None:
    from .plot import draw

    svg = draw(results)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(svg, encoding="utf-8")
    print(f"Wrote {file}")


def _show(show: Show) -> int:
    results = report.read(show.results).only(show)
    if show.plot is not None:
        _plot(results, show.plot)
        return 0
    if show.summary:
        print(report.summary(results.measurements))
        return 0
    print(report.run_title(results.run))
    report.print_tables(results.measurements)
    print(f"\n{report.LEGEND}")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Runs a command and returns its exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        options: Options | Show
        if arguments and arguments[0] in SHOWS:
            options = parse_show(arguments[0], arguments[1:])
        else:
            options = parse_run(arguments)
        if options.plot is not None and not importlib.util.find_spec("matplotlib"):
            raise ValueError("A plot needs matplotlib: `pip install matplotlib`.")
        if isinstance(options, Show):
            return _show(options)
        return _run(options, arguments)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
