"""The command line, generated from the classes of the config, and its help."""

import re
import shutil
import sys
import textwrap
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields, is_dataclass, make_dataclass
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
from .source import Place

ABLATE, REPORT, REPRODUCE = "ablate", "report", "reproduce"
_PROGRAM = "python -m experiments"
_LONGEST_LINE = 100
_USAGE = """
Ends with a table and a report, also when Ctrl-C ends it early. Examples:

{examples}
"""
_EXAMPLES = """
  ablate
  ablate caffe_quick --norms none lrn --seeds 6
  ablate --dataset folder --data-dir flowers --tune 12
  ablate --epochs 10 --output runs/first
  ablate --resume --output runs/first --seeds 10
"""
MOST_USED = (
    "dataset",
    "data_dir",
    "norms",
    "seeds",
    "epochs",
    "learning_rate",
    "tune",
    "output",
    "resume",
)
_RECIPES = """
Recipes, of which the first is the default (times on two CPU cores; ablate RECIPE
--help tells more):

{recipes}
"""
_ARMS = """
Arms, for --norms:

{arms}
"""
_OTHERS = """
Other options, which --help-verbose or -H explains:

{options}
"""
_END_OF_SENTENCE = re.compile(r"(?<=\.)\s(?=[A-Z])")
_DOWNLOADS = {
    "digits": "no download",
    "cifar10": "downloads 170 MB",
    "folder": "your images",
}

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
    data_dir: Place = None
    """Where the data set is, as for ablate."""
    val_dir: Place = None
    """Where the validation images of a folder are, as for ablate."""
    test_dir: Place = None
    """Where its test images are."""
    offline: tyro.conf.FlagCreatePairsOff[bool] = False
    """Never download, as for ablate."""

    def __post_init__(self):
        """Checks the values."""
        check(self.tolerance >= 0, "tolerance", ">= 0", self.tolerance)


_OTHER_COMMANDS = {REPORT: Report, REPRODUCE: Reproduce}


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
    options = _Options.of(Ablation(recipe=preset.recipe, norms=preset.norms))
    word = rest[0] if rest else ""
    if word == ABLATE and {"-h", "--help"} & {*rest}:
        _print_short_help(recipe, options)
        sys.exit(0)
    if word == ABLATE:
        found = tyro.cli(
            _Options,
            prog=f"{_PROGRAM} {ABLATE}",
            description=f"{_about_ablate(recipe)}\n\n{_recipes_and_arms(recipe)}",
            args=rest[1:],
            default=options,
            compact_help=True,
        )
        return found.ablation(preset.recipe.name)
    if word in _OTHER_COMMANDS:
        return tyro.cli(_OTHER_COMMANDS[word], prog=f"{_PROGRAM} {word}", args=rest[1:])
    # Their list, or that there is no such command.
    about = tyro.conf.subcommand(ABLATE, description=_first_line(Ablation))
    listed: Any = Annotated[_Options, about]
    for name, command in _OTHER_COMMANDS.items():
        listed |= Annotated[command, tyro.conf.subcommand(name)]
    return tyro.cli(
        listed,
        prog=_PROGRAM,
        description="Compares normalization layers by training the same network with "
        "each.",
        args=rest,
    )


def _print_short_help(recipe: str | None, options: _Options) -> None:
    """Prints the options that most people need, and the names of the others."""
    hints: dict[str, Any] = {}
    values, others = {}, {}
    for group, content in vars(options).items():
        hints |= get_type_hints(type(content), include_extras=True)
        for each in fields(content):
            sentence = _END_OF_SENTENCE.split(each.metadata.get("help", ""), 1)[0]
            values[each.name] = sentence, getattr(content, each.name)
        others[group] = ", ".join(_names(content))
    most_used = make_dataclass(
        "MostUsed",
        [
            (name, hints[name], field(default=value, metadata={"help": text}))
            for name in MOST_USED
            for text, value in (values[name],)
        ],
    )
    with suppress(SystemExit):  # tyro ends after its help
        tyro.cli(
            most_used,
            prog=f"{_PROGRAM} {ABLATE} {recipe or '[RECIPE]'}",
            description=_about_ablate(recipe),
            args=["--help"],
        )
    print(_recipes_and_arms(recipe))
    print(f"\n{_wrap(_OTHERS.format(options=_listed(others)))}")


def _names(group: object, prefix: str = "") -> list[str]:
    """Returns the options of a group that are not among the most used."""
    names = []
    for name, value in vars(group).items():
        option = prefix + name.replace("_", "-")
        if is_dataclass(value):
            names += _names(value, f"{option}.")
        elif name not in MOST_USED:
            names.append(option)
    return names


def _first_line(options: type) -> str:
    return (options.__doc__ or "").partition("\n")[0]


def _about_ablate(recipe: str | None) -> str:
    if recipe is not None:
        return _wrap(f"Recipe {recipe}: {DESCRIPTIONS[recipe]}")
    examples = _EXAMPLES.replace("  ablate", f"  {_PROGRAM} ablate")
    return _wrap(_first_line(Ablation) + _USAGE.format(examples=examples.strip("\n")))


def _recipes_and_arms(recipe: str | None) -> str:
    """Returns the lists of recipes, where none was chosen yet, and of arms."""
    recipes = {name: _about_recipe(name) for name in PRESETS}
    arms = {name: arm.description for name, arm in ARMS.items()}
    lists = "" if recipe else _RECIPES.format(recipes=_listed(recipes))
    return _wrap(lists + _ARMS.format(arms=_listed(arms)))


def _about_recipe(name: str) -> str:
    """Returns a recipe in a line: what it is, its time, and what it downloads."""
    text = DESCRIPTIONS[name]
    time = re.search(r"Expected time on two CPU cores: ([^;]+?)[.;]\s", text)
    download = _DOWNLOADS.get(PRESETS[name].recipe.dataset)
    costs = "; ".join(filter(None, [time and time[1], download]))
    return f"{text.partition(chr(10))[0]} {costs[:1].upper()}{costs[1:]}."


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
    for each in fields(options):
        if is_dataclass(types[each.name]):
            _join_lines_of_fields(types[each.name])
        elif each.name in texts:
            each.metadata = MappingProxyType({"help": texts[each.name]})
