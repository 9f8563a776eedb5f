"""Compares normalization layers by training the same network with each."""

from .terminal import packages, signals

if __name__ == "__main__":  # before what takes seconds to load, or is not there
    signals.end_at_once()
    packages.check_installed()

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from .config.command_line import ABLATE, Report, Reproduce, parse, split
from .config.config import Ablation
from .config.recipe import DEFAULT_RECIPE
from .config.sweep import parse as parse_sweep
from .terminal.console import end_in_one_line, make_console
from .terminal.errors import UserError
from .training.allocator import keep_freed_memory


def _parse_ablation(arguments: Sequence[str]) -> Ablation:
    command = parse(arguments)
    assert isinstance(command, Ablation)
    return command


def _united_arms(begun: Ablation, now: Ablation) -> list[str]:
    """Returns the options that keep arms and draws there are where some are added."""
    options = []
    norms = [*dict.fromkeys([*begun.norms, *now.norms])]
    if norms != [*now.norms]:
        options += ["--norms", *norms]
    if begun.sweep and now.sweep:
        (name, values), (now_name, now_values) = map(
            parse_sweep, (begun.sweep, now.sweep)
        )
        united = dict.fromkeys([*values, *now_values])
        if name == now_name and len(united) > len(now_values):
            options += ["--sweep", f"{name}={','.join(map(str, united))}"]
    if begun.tune and (now.tune or 0) < begun.tune:
        options += ["--tune", str(begun.tune)]
    return options


def _to_resume(arguments: Sequence[str]) -> tuple[Path, str] | None:
    """Returns the directory and the shard to go on with, if that is asked for.

    The other options may be possible only together with those kept there.
    """
    options = argparse.ArgumentParser(
        add_help=False, allow_abbrev=False, exit_on_error=False
    )
    options.add_argument("--resume", action="store_true")
    options.add_argument("--output", type=Path)
    options.add_argument("--shard", default="1/1")
    try:
        found, _ = options.parse_known_args(arguments)
    except argparse.ArgumentError:  # `parse` will say so
        return None
    if not found.resume or found.output is None or ABLATE not in arguments[:1]:
        return None
    return found.output, found.shard


def _with_kept(arguments: Sequence[str], output: Path, shard: str) -> list[str]:
    """Returns the arguments to resume with: the first ones, and then those given now.

    Raises:
      UserError: If there is nothing to resume, or it is another recipe.
    """
    from .metrics import directories

    first = directories.read_arguments(output, shard)
    recipe, rest = split(arguments)
    first_recipe = split(first)[0] or DEFAULT_RECIPE
    if recipe not in (None, first_recipe):
        raise UserError(
            f"`resume` needs the recipe that {output} was begun with, {first_recipe}, "
            f"but got {recipe}."
        )
    begun = replace(_parse_ablation(first), output=output, resume=False)
    added = [*first, *(word for word in rest[1:] if word != "--resume")]
    # Contrasts may name arms of both, which stand together only after this.
    added += _united_arms(begun, _parse_ablation([*added, "--contrasts"]))
    now = _parse_ablation(added)
    if now.contrasts != begun.contrasts:
        both = [*begun.compared(), *now.compared()]
        added += ["--contrasts", *dict.fromkeys(map("-".join, both))]
    # Mere repetition is left out, so that the records say the same as without a break.
    return first if _parse_ablation(added) == begun else added


def _run(arguments: Sequence[str]) -> int:
    console = make_console()
    resumed = _to_resume(arguments)
    if resumed is not None:
        arguments = _with_kept(arguments, *resumed)
    command = parse(arguments)
    # What each command needs takes seconds to load. A report does without JAX.
    if isinstance(command, Report):
        from .report import page

        with console.status("Writing the report"):
            summary = page.write_report(command.directories, command.output)
        page.print_summary(console, summary, command.output or command.directories[0])
        return 0
    if isinstance(command, Reproduce):
        from .commands.reproduce import reproduce

        return reproduce(command, console, arguments)
    from .commands.ablate import ablate
    from .training import parallel

    if resumed is not None:
        command = replace(command, output=resumed[0], resume=True)
    parallel.start_processes(command)
    console.quiet = not parallel.is_main_process()
    return ablate(command, console, arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    return end_in_one_line(lambda: _run(arguments))


if __name__ == "__main__":
    keep_freed_memory()
    signals.raise_stopped()
    status = main()
    signals.end_at_once()
    sys.exit(status)
