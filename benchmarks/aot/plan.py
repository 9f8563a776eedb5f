"""From options to what is compiled, and for which targets."""

from collections.abc import Iterator

import jax

from experiments.terminal.errors import UserError

from .. import records
from ..environment import version
from ..records import Record
from ..run import Plan
from ..turns import Tell
from .options import DEFAULT, Aot
from .programs import PROGRAMS, compile_for
from .targets import TARGETS


def plan(options: Aot, tell: Tell) -> Plan:
    """Returns the programs to compile, and the targets to compile them for.

    Raises:
      UserError: If a compiler that is asked for is not installed, or none is.
    """
    # Nothing runs, so no device of this machine, and no library of it, is looked for.
    jax.config.update("jax_platforms", "cpu")
    targets, left_out = [], []
    for name in options.targets or TARGETS:
        target = TARGETS[name]
        if missing := target.missing():
            why = f"{target.title}: no {', '.join(missing)} installed"
            left_out.append(f"{why} (`pip install '.[{target.extra}]'`)")
        else:
            targets.append(name)
    if left_out and (options.targets or not targets):
        raise UserError(
            f"`targets` must have a compiler here, but got {'; '.join(left_out)}."
        )
    identities = [program.identity for program in PROGRAMS]
    chosen = records.select(identities, options.only)
    programs = [program for program in PROGRAMS if program.identity in chosen]
    implementation = (
        None if options.implementation == DEFAULT else options.implementation
    )

    def compile_all() -> Iterator[list[Record]]:
        for target in targets:
            found = []
            for number, program in enumerate(programs, 1):
                tell(f"{TARGETS[target].title}: {number} of {len(programs)} programs")
                found.append(compile_for(target, program, implementation))
            yield found

    compilers = {TARGETS[name].compiler for name in targets}
    versions = {name: version(name) for name in sorted(compilers)}
    return Plan(versions, left_out, compile_all())
