"""Compares normalization layers by training the same network with each."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console

from . import help_texts, parallel, records, report
from .ablate import ablate, print_table
from .allocator import keep_freed_memory
from .config import Ablation, RecipeName
from .errors import UserError
from .recipes import PRESETS


@dataclass(frozen=True)
class Report:
    """Writes the report of an ablation anew, from the metrics in its directory.

    Several directories are reported as one ablation, whose runs were made apart.
    """

    directories: Annotated[
        tyro.conf.Positional[tuple[Path, ...]],
        tyro.conf.arg(metavar="DIR [DIR ...]", help_behavior_hint=""),
    ]
    """Directories of the ablation, with its .jsonl files."""
    output: Annotated[
        Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")
    ] = None
    """Directory for the report (default: that of the ablation, if it is one)."""


_ABLATE, _REPORT = "ablate", "report"
_DEFAULT_RECIPE: RecipeName = "article"


def _split(arguments: Sequence[str]) -> tuple[RecipeName | None, list[str]]:
    """Returns the recipe, which may follow the word ablate, and the other arguments."""
    match list(arguments):
        case ["ablate", word, *rest] if not word.startswith("-"):
            for recipe in PRESETS:
                if recipe == word:
                    return recipe, [_ABLATE, *rest]
            raise UserError(
                f"`RECIPE` must be one of {', '.join(PRESETS)}, but got {word}."
            )
        case rest:
            return None, rest


def _descriptions(
    recipe: RecipeName | None, arguments: Sequence[str]
) -> dict[str, str]:
    """Returns what each command says of itself; one that is not asked for, in brief."""
    texts = {
        _ABLATE: help_texts.of_recipe(recipe) if recipe else help_texts.of_ablate(),
        _REPORT: help_texts.of_command(Report),
    }
    return {
        command: text if command in arguments else text.partition("\n\n")[0]
        for command, text in texts.items()
    }


def parse(arguments: Sequence[str] | None = None) -> Ablation | Report:
    """Returns the command that the arguments, or those of the process, ask for.

    The recipe gives the defaults of all options.

    Raises:
      UserError: If there is no such recipe, or a value is impossible.
    """
    recipe, rest = _split(sys.argv[1:] if arguments is None else arguments)
    preset = PRESETS[recipe or _DEFAULT_RECIPE]
    for options in (Ablation, Report):
        help_texts.join_lines(options)
    descriptions = _descriptions(recipe, rest)

    def subcommand(name: str, **options: Any) -> Any:
        return tyro.conf.subcommand(name, description=descriptions[name], **options)

    command = (
        Annotated[
            Ablation,
            subcommand(_ABLATE, default=Ablation(preset.recipe, preset.norms)),
        ]
        | Annotated[Report, subcommand(_REPORT)]
    )
    return tyro.cli(
        command,  # pyright: ignore[reportArgumentType] - tyro takes unions
        prog="python -m experiments",
        description=__doc__,
        args=rest,
    )


def _begun(ablation: Ablation, arguments: Sequence[str]) -> list[str]:
    """Returns the arguments to resume with: the first ones, and then those given now.

    Raises:
      UserError: If there is nothing to resume, or it is another recipe.
    """
    assert ablation.output is not None  # checked by Ablation
    first = records.read_arguments(ablation.output, ablation.shard)
    recipe, rest = _split(arguments)
    first_recipe = _split(first)[0] or _DEFAULT_RECIPE
    if recipe not in (None, first_recipe):
        raise UserError(
            f"`resume` needs the recipe that {ablation.output} was begun with, "
            f"{first_recipe}, but got {recipe}."
        )
    added = [*first, *rest[1:]]
    # Mere repetition is left out, so that the records say the same as without a break.
    begun = replace(parse(first), output=ablation.output, resume=True)
    return first if parse(added) == begun else added


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    console = Console()
    try:
        command = parse(arguments)
        if isinstance(command, Report):
            summary = report.write(command.directories, command.output)
            print_table(console, summary, command.output or command.directories[0])
            return 0
        if command.resume:
            arguments = _begun(command, arguments)
            begun = parse(arguments)
            assert isinstance(begun, Ablation)
            command = replace(begun, output=command.output, resume=True)
        parallel.start_processes(command)
        console.quiet = not parallel.is_main_process()
        return ablate(command, console, arguments)
    except BrokenPipeError:  # the reader of the output has read enough: | head
        # What is still to be printed at exit has nowhere else to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except UserError as error:
        Console(stderr=True).print(f"error: {error}", markup=False, soft_wrap=True)
        return 2


if __name__ == "__main__":
    keep_freed_memory()
    sys.exit(main())
