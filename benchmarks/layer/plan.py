"""From options to what is measured, and by whom."""

from collections.abc import Iterator
from itertools import product

import jax

from experiments.terminal.errors import UserError

from ..records import Record
from ..run import Plan
from ..turns import Tell
from .cases import Problem
from .contenders import CONTENDERS, COPY, Contender, Machine
from .measure import compare
from .options import Layer


def _contenders(options: Layer) -> tuple[dict[str, Contender], list[str]]:
    """Returns who takes part, and who is left out and why.

    Raises:
      UserError: If one that is asked for cannot take part.
    """
    chosen, left_out = {COPY: CONTENDERS[COPY]}, []
    for name, contender in CONTENDERS.items():
        if options.contenders and name not in options.contenders:
            continue
        reason = ""
        if missing := contender.missing():
            reason = f"no {', '.join(missing)} installed"
        elif contender.own_process and options.tensorflow_python is None:
            reason = "no --tensorflow-python"
        if not reason:
            chosen[name] = contender
        elif options.contenders:
            raise UserError(
                f"`contenders` must be able to take part, but {name} cannot: {reason}. "
                "`pip install '.[peers]'` installs all peers but TensorFlow."
            )
        else:
            left_out.append(f"{contender.title}: {reason}")
    return chosen, left_out


def plan(options: Layer, tell: Tell) -> Plan:
    """Returns the plan for these options.

    Raises:
      UserError: If a contender that is asked for cannot take part.
    """
    python = options.tensorflow_python
    if python is not None and not python.is_file():
        raise UserError(f"`tensorflow-python` must be a file, but got {python}.")
    platform = jax.default_backend()
    contenders, left_out = _contenders(options)
    machine = Machine(
        platform,
        options.num_threads,
        options.allocator == "keep",
        python.absolute() if python else None,
    )
    factor = options.batch_factor or (1 if platform == "cpu" else 8)

    def measure() -> Iterator[list[Record]]:
        for variant, case, radius, dtype, layout, mode in product(
            options.variants,
            options.cases,
            options.radii,
            options.dtypes,
            options.layouts,
            options.modes,
        ):
            yield compare(
                Problem(
                    case, layout, dtype, mode, radius, options.beta, factor, variant
                ),
                contenders,
                machine,
                rounds=options.rounds,
                seconds=options.seconds,
                tell=tell,
            )

    versions: dict[str, str] = {}
    for contender in contenders.values():
        versions |= contender.versions(machine)
    return Plan(versions, left_out, measure())
