"""The command line."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .cases import CASES, DEFAULT_CASES, DTYPES, LAYOUTS, MODES, Dtype, Layout, Mode
from .contenders import CONTENDERS

RESULTS = Path(__file__).parent / "results"
SHOWS = ("table", "summary", "plot")  # commands
OF_THE_DEVICE = Path("DEVICE.jsonl")  # stands for the file in RESULTS


@dataclass(frozen=True)
class Filter:
    """Which measurements to take, or to show; None is all."""

    cases: tuple[str, ...] | None = None
    layouts: tuple[Layout, ...] | None = None
    dtypes: tuple[Dtype, ...] | None = None
    modes: tuple[Mode, ...] | None = None
    radii: tuple[int, ...] | None = None
    contenders: tuple[str, ...] | None = None

    def admits(self, measurement: dict[str, Any]) -> bool:
        """Whether a measurement is among those to show."""
        return all(
            allowed is None or measurement[name] in allowed
            for name, allowed in (
                ("case", self.cases),
                ("layout", self.layouts),
                ("dtype", self.dtypes),
                ("mode", self.modes),
                ("radius", self.radii),
                ("contender", self.contenders),
            )
        )


@dataclass(frozen=True)
class Options(Filter):
    """What to run."""

    beta: float = 0.75
    rounds: int = 30
    seconds: float = 20.0
    threads: int = 1
    batch_factor: int | None = None
    allocator: str = "keep"
    tensorflow_python: Path | None = None
    output: Path | None = None
    plot: Path | None = None


@dataclass(frozen=True)
class Show(Filter):
    """Which results to show, as tables, or as a plot where there is a file for it."""

    results: Path = Path()
    summary: bool = False
    """One table in Markdown, of this library against the others."""
    plot: Path | None = None


def available_threads() -> int:
    """Returns how many threads of this process can run at a time."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _positive(word: str) -> int:
    number = int(word)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, but got {number}")
    return number


def _natural(word: str) -> int:
    number = int(word)
    if number < 0:
        raise argparse.ArgumentTypeError(f"must not be negative, but got {number}")
    return number


def _add_filters(parser: argparse.ArgumentParser) -> None:
    for name, choices, what in (
        ("cases", tuple(CASES), "shapes"),
        ("layouts", LAYOUTS, "orders of the axes"),
        ("dtypes", DTYPES, "dtypes"),
        ("modes", MODES, "what is computed"),
        ("contenders", tuple(CONTENDERS), "who computes it"),
    ):
        parser.add_argument(
            f"--{name}",
            nargs="+",
            choices=choices,
            metavar="NAME",
            help=f"{what}: any of {', '.join(choices)}",
        )
    parser.add_argument(
        "--radii", nargs="+", type=_natural, metavar="R", help="radii of the window"
    )


def _run_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures local response normalization: this library, plain JAX "
        "and every peer installed, in turns, against a copy of the same bytes. "
        "`python -m benchmarks table RESULTS`, `python -m benchmarks summary RESULTS` "
        "and `python -m benchmarks plot RESULTS FILE.svg` show results again.",
    )
    _add_filters(parser)
    add = parser.add_argument
    add("--beta", type=float, default=0.75, help="exponent (default: 0.75)")
    add("--rounds", type=_positive, help="turns of each contender (default: 30)")
    add(
        "--seconds",
        type=float,
        default=20.0,
        help="time for the turns of one problem, after which no more rounds are begun "
        "(default: 20)",
    )
    add(
        "--threads",
        type=_positive,
        default=available_threads(),
        help="threads of every contender (default: all there are)",
    )
    add(
        "--batch-factor",
        type=_positive,
        metavar="F",
        help="makes batches larger, so that arrays do not fit into caches and launches "
        "do not count (default: 1 on CPU, 8 elsewhere)",
    )
    add(
        "--allocator",
        choices=("keep", "system"),
        default="keep",
        help="keep: freed memory stays in the process; system: malloc as it comes, "
        "which may give it back at every call (default: keep)",
    )
    add(
        "--tensorflow-python",
        type=Path,
        metavar="PYTHON",
        help="a Python that has TensorFlow, which then takes part from its own process",
    )
    add(
        "--output",
        type=Path,
        nargs="?",
        const=OF_THE_DEVICE,
        metavar="FILE.jsonl",
        help="writes the results; without a name, to a file in benchmarks/results that "
        "is called after the device (default: only print)",
    )
    add("--plot", type=Path, metavar="FILE.svg", help="draws the results")
    add(
        "--quick",
        action="store_true",
        help="one tiny case and few rounds, to see that everything runs",
    )
    return parser


def _tuples(namespace: argparse.Namespace) -> dict[str, Any]:
    """Returns the values by name, lists as tuples."""
    values = vars(namespace).items()
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in values
    }


def _check_threads(parser: argparse.ArgumentParser, threads: int) -> None:
    available = available_threads()
    if threads > available:
        parser.error(f"argument --threads: there are {available}, but got {threads}")
    if threads < available and not hasattr(os, "sched_setaffinity"):
        parser.error(f"argument --threads: this system gives everybody {available}")


def _check_contenders(parser: argparse.ArgumentParser, options: Options) -> None:
    for name in options.contenders or ():
        if missing := CONTENDERS[name].missing():
            parser.error(
                f"argument --contenders: {name} needs {', '.join(missing)}, which "
                "is not installed. `pip install '.[peers]'` installs all peers."
            )
        if CONTENDERS[name].own_process and options.tensorflow_python is None:
            parser.error(f"argument --contenders: {name} needs --tensorflow-python")


def parse_run(arguments: list[str]) -> Options:
    """Returns what to run."""
    parser = _run_parser()
    values = _tuples(parser.parse_args(arguments))
    quick = values.pop("quick")
    values["rounds"] = values["rounds"] or (3 if quick else 30)
    values["cases"] = values["cases"] or (("smoke",) if quick else DEFAULT_CASES)
    values["layouts"] = values["layouts"] or (LAYOUTS[:1] if quick else LAYOUTS)
    values["dtypes"] = values["dtypes"] or DTYPES[:1]
    values["modes"] = values["modes"] or MODES
    values["radii"] = values["radii"] or (2,)
    options = Options(**values)
    _check_threads(parser, options.threads)
    python = options.tensorflow_python
    if python is not None and not python.is_file():
        parser.error(f"argument --tensorflow-python: there is no file {python}")
    _check_contenders(parser, options)
    return options


def parse_show(command: str, arguments: list[str]) -> Show:
    """Returns which results one of the commands in `SHOWS` is to show, and how."""
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks {command}",
        description=f"Makes the {command} of results that a run wrote.",
    )
    parser.add_argument("results", type=Path, help="a file written with --output")
    if command == "plot":
        parser.add_argument("plot", type=Path, metavar="FILE.svg", help="file to write")
    _add_filters(parser)
    show = Show(**_tuples(parser.parse_args(arguments)), summary=command == "summary")
    if not show.results.is_file():
        parser.error(f"argument results: there is no file {show.results}")
    return show
