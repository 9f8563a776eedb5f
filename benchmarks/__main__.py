"""How fast is local response normalization, and the training it is part of?

And what is it compiled to, for machines that are not here?
"""

import sys
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import tyro

from experiments.terminal.console import end_in_one_line
from experiments.terminal.errors import UserError

from . import records
from .aot import tables as aot_tables
from .aot.options import Aot
from .layer import tables as layer_tables
from .layer.options import Layer
from .options import Plot, Summary, Table
from .records import Record
from .run import Plan, carry_out, run, tell
from .step import tables as step_tables
from .step.options import Step
from .tables import make_console, run_title

_TABLES = {"layer": layer_tables, "step": step_tables, "aot": aot_tables}

_Command = Layer | Step | Aot | Table | Summary | Plot


def parse(arguments: Sequence[str]) -> _Command:
    """Returns the command that the arguments ask for.

    Raises:
      UserError: If a value is impossible.
    """
    return tyro.cli(
        _Command,  # pyright: ignore[reportArgumentType]
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

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(draw(run, measurements), encoding="utf-8")
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


def _execute(arguments: Sequence[str]) -> int:
    command = parse(arguments)
    if isinstance(command, Aot):
        from .aot.plan import plan as plan_programs

        plan = plan_programs(command, tell)
        return carry_out("aot", plan, aot_tables, arguments, command.output)
    if not isinstance(command, Layer | Step):
        _show(command)
        return 0
    name = "layer" if isinstance(command, Layer) else "step"
    return run(name, command, partial(_plan, command), _TABLES[name], arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    return end_in_one_line(lambda: _execute(arguments))


if __name__ == "__main__":
    sys.exit(main())
