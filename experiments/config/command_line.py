"""The command line, generated from the classes of the config, and its help."""

import shutil
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, TypeVar, get_type_hints

import docstring_parser
import tyro

from ..terminal.errors import UserError
from .arms import ARMS
from .config import Ablation, Cluster, Comparison, Execution
from .recipe import DEFAULT_RECIPE, Data, Model, Norms, Optimisation, Recipe, check
from .recipes import DESCRIPTIONS, PRESETS

ABLATE, REPORT, REPRODUCE = "ablate", "report", "reproduce"
_LONGEST_LINE = 100
_USAGE = """
Ends with a table and a report, also when Ctrl-C ends it early.

Usage: ablate [RECIPE] [OPTIONS]. A recipe gives the defaults of all options, and has a
help of its own: ablate RECIPE --help. Recipes, of which the first is the default:

{recipes}

Arms, for --norms:

{arms}
"""

T = TypeVar("T")
# A section of the help: the options have their own names, without that of the section.
_Section = Annotated[T, tyro.conf.OmitArgPrefixes, tyro.conf.arg(help="")]


@dataclass(frozen=True)
class _Options:
    """The options of an ablation, in the groups of the config."""

    data: _Section[Data]
    model: _Section[Model]
    optimisation: _Section[Optimisation]
    norms: _Section[Comparison]
    constants: Annotated[Norms, tyro.conf.arg(name="norms", help="")]
    run: _Section[Execution]
    cluster: _Section[Cluster]

    @classmethod
    def of(cls, ablation: Ablation) -> "_Options":
        """Returns the options that ask for an ablation."""
        values = {**vars(ablation.recipe), **vars(ablation)}
        return cls(
            **{
                section: group(
                    **{each.name: values[each.name] for each in fields(group)}
                )
                for section, group in get_type_hints(cls).items()
            }
        )

    def ablation(self, recipe: str) -> Ablation:
        """Returns the ablation: the recipe, with the options in place."""
        values = {
            name: value
            for group in vars(self).values()
            for name, value in vars(group).items()
        }
        values["name"] = recipe
        values["recipe"] = Recipe(
            **{each.name: values[each.name] for each in fields(Recipe)}
        )
        return Ablation(**{each.name: values[each.name] for each in fields(Ablation)})


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


@dataclass(frozen=True)
class Reproduce:
    """Trains runs of an ablation again from their records, and compares the results.

    Nothing is written into its directory. The exit status is 0 if every test accuracy
    agrees, and otherwise 1.
    """

    directory: Annotated[
        tyro.conf.Positional[Path],
        tyro.conf.arg(metavar="DIR", help_behavior_hint=""),
    ]
    """Directory of the ablation, with its .jsonl files."""
    norms: Annotated[
        tuple[str, ...],
        tyro.conf.arg(metavar="[ARM ...]", help_behavior_hint="(default: all)"),
    ] = ()
    """Arms to train again, by their names, such as lrn or lrn-tuned."""
    seeds: Annotated[
        tuple[int, ...],
        tyro.conf.arg(metavar="[INT ...]", help_behavior_hint="(default: all)"),
    ] = ()
    """Seeds to train again."""
    output: Annotated[
        Path | None,
        tyro.conf.arg(
            metavar="DIR", help_behavior_hint="(default: runs/reproduced-DATE-TIME)"
        ),
    ] = None
    """New directory for the metrics."""
    tolerance: float = 0.0
    """Points by which a test accuracy may differ and still agree."""
    data_dir: Annotated[
        Path | None, tyro.conf.arg(metavar="PATH", help_behavior_hint="")
    ] = None
    """Where the data set is, as for ablate."""
    offline: tyro.conf.FlagCreatePairsOff[bool] = False
    """Never download, as for ablate."""

    def __post_init__(self):
        """Checks the values."""
        check(self.tolerance >= 0, "tolerance", ">= 0", self.tolerance)


def split(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """Returns the recipe, which may follow the word ablate, and the other arguments.

    Raises:
      UserError: If there is no such recipe.
    """
    match list(arguments):
        case ["ablate", word, *rest] if not word.startswith("-"):
            if word not in PRESETS:
                raise UserError(
                    f"`RECIPE` must be one of {', '.join(PRESETS)}, but got {word}."
                )
            return word, [ABLATE, *rest]
        case rest:
            return None, rest


def parse(
    arguments: Sequence[str] | None = None,
) -> Ablation | Report | Reproduce:
    """Returns the command of the arguments; None is the process's own.

    The recipe gives the defaults of all options.

    Raises:
      UserError: If there is no such recipe, or a value is impossible.
    """
    recipe, rest = split(sys.argv[1:] if arguments is None else arguments)
    preset = PRESETS[recipe or DEFAULT_RECIPE]
    _join_lines_of_fields(_Options)
    _join_lines_of_fields(Report)
    _join_lines_of_fields(Reproduce)
    ablation = Ablation(recipe=preset.recipe, norms=preset.norms)
    about = _about_ablate(recipe) if ABLATE in rest else _first_line(Ablation)
    command = (
        Annotated[
            _Options,
            tyro.conf.subcommand(
                ABLATE, default=_Options.of(ablation), description=about
            ),
        ]
        | Annotated[Report, tyro.conf.subcommand(REPORT)]
        | Annotated[Reproduce, tyro.conf.subcommand(REPRODUCE)]
    )
    found: Any = tyro.cli(
        command,  # pyright: ignore[reportArgumentType] - tyro takes unions
        prog="python -m experiments",
        description="Compares normalization layers by training the same network with "
        "each.",
        args=rest,
        compact_help=ABLATE in rest,
    )
    return found.ablation(preset.recipe.name) if isinstance(found, _Options) else found


def _first_line(options: type) -> str:
    return (options.__doc__ or "").partition("\n")[0]


def _about_ablate(recipe: str | None) -> str:
    if recipe is not None:
        return _wrap(f"Recipe {recipe}: {DESCRIPTIONS[recipe]}")
    recipes = {name: text.partition("\n")[0] for name, text in DESCRIPTIONS.items()}
    arms = {name: arm.description for name, arm in ARMS.items()}
    usage = _USAGE.format(recipes=_listed(recipes), arms=_listed(arms))
    return _wrap(_first_line(Ablation) + usage)


def _listed(texts: dict[str, str]) -> str:
    return "\n".join(f"  {name}: {text}" for name, text in texts.items())


def _wrap(text: str) -> str:
    """Returns a text in lines that fit the terminal: tyro wraps options, not this.

    tyro joins lines that begin with a letter to the line before, so all but the first
    line of a paragraph are indented. It adds a line break before indented blocks.
    """
    width = min(shutil.get_terminal_size().columns, _LONGEST_LINE)

    def fill(line: str) -> str:
        return textwrap.fill(
            line,
            width,
            subsequent_indent="    " if line.startswith(" ") else "  ",
            break_long_words=False,
            break_on_hyphens=False,
        )

    paragraphs = [
        "\n".join(map(fill, each.splitlines()))
        if each.startswith(" ")
        else fill(" ".join(each.split()))
        for each in text.strip().split("\n\n")
    ]
    return "\n\n".join(paragraphs).replace("\n\n ", "\n ")


@cache
def _join_lines_of_fields(options: type) -> None:
    """Makes the docstring of each field, of groups too, a single line.

    tyro wraps it then. It would keep the line breaks of docstrings beside its own.
    """
    texts = {
        each.arg_name: " ".join((each.description or "").split())
        for base in filter(is_dataclass, options.__mro__)
        for each in docstring_parser.parse_from_object(base).params
    }
    types = get_type_hints(options)
    for field in fields(options):
        if is_dataclass(types[field.name]):
            _join_lines_of_fields(types[field.name])
        elif field.name in texts:
            field.metadata = MappingProxyType({"help": texts[field.name]})
