"""How fast is local response normalization, and the training it is part of?"""

import io
import os
import sys
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import tyro

from experiments.errors import UserError

from . import records
from .layer import tables as layer_tables
from .layer.options import Layer
from .options import Plot, Summary, Table
from .records import Record
from .run import Plan, run, tell
from .step import tables as step_tables
from .step.options import Step
from .tables import make_console, run_title

_TABLES = {"layer": layer_tables, "step": step_tables}


def parse(arguments: Sequence[str]) -> Layer | Step | Table | Summary | Plot:
    """Returns the command that the arguments ask for.

    Raises:
      UserError: If a value is impossible.
    """
    return tyro.cli(
        Layer | Step | Table | Summary | Plot,  # pyright: ignore[reportArgumentType]
        prog="python -m benchmarks",
        description=__doc__,
        args=arguments,
    )


def _plan(options: Layer | Step) -> Plan:
    # Loaded only here: libraries look at what was settled when they are loaded.
    if isinstance(options, Layer):
        from .layer.plan import plan as plan_layers

        return plan_layers(options, tell)
    if not find_spec("optax"):
        raise UserError("The step needs `pip install '.[experiments]'`.")
    from .step.measure import plan as plan_steps

    return plan_steps(options, tell)


def _plot(run: Record, measurements: list[Record], path: Path) -> None:
    if not find_spec("matplotlib"):
        raise UserError("A plot needs matplotlib: `pip install '.[benchmarks]'`.")
    from .layer.plot import draw

    text = draw(run, measurements)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"`plot` must be a file to write, but got {path}: {error.strerror}."
        ) from error
    print(f"Wrote {path}")


def _show(show: Table | Summary | Plot) -> None:
    with records.understood(show.results):
        run, measurements = records.read(show.results)
        measurements = records.select(measurements, show.only)
        benchmark = run.get("benchmark", "layer")  # which the first files do not say
        tables = _TABLES[benchmark]
        match show:
            case Plot() if benchmark != "layer":
                raise UserError(f"`results` must be of layers, but got {show.results}.")
            case Plot():
                _plot(run, measurements, show.plot)
            case Summary():
                print(tables.summarize(measurements))
            case Table():
                console = make_console()
                console.print(run_title(run))
                for table in tables.tabulate(measurements):
                    table.print(console)
                console.print(f"\n{tables.LEGEND}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        command = parse(arguments)
        if not isinstance(command, Layer | Step):
            _show(command)
            return 0
        name = "layer" if isinstance(command, Layer) else "step"
        return run(name, command, partial(_plan, command), _TABLES[name], arguments)
    except KeyboardInterrupt:
        tell("")
        print("\nInterrupted: what was measured is above.")
        return 130
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:  # of what is printed to: it is full, or | head has enough
        # What is still to be printed at exit has nowhere else to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return 1
        print(f"error: the output cannot be written: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal may have few characters
            stream.reconfigure(errors="replace")
    sys.exit(main())
