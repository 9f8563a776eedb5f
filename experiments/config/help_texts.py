"""What --help says beside the options, and in which lines."""

import inspect
import shutil
import textwrap
from dataclasses import fields, is_dataclass
from functools import cache
from types import MappingProxyType
from typing import get_type_hints

import docstring_parser

from .recipes import DESCRIPTIONS

_LONGEST_LINE = 100

_ABLATE = """
Trains the same network with each norm and several seeds, and compares them.

Usage: ablate [RECIPE] [OPTIONS]. A recipe gives the defaults of all options, and has a
help of its own: ablate RECIPE --help.

Recipes, of which the first is the default:

{recipes}

Runs with the same seed start from the same weights and see the same images in the same
order, whatever their norm. Ends with a table and a report (Markdown and HTML); Ctrl-C
ends it early with a report of what there is.
"""


def _width() -> int:
    return min(shutil.get_terminal_size().columns, _LONGEST_LINE)


def _fill(text: str, *, first: str = "", others: str) -> str:
    return textwrap.fill(
        " ".join(text.split()),
        _width(),
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _wrap(text: str) -> str:
    """Returns a text in lines that fit the terminal, which tyro takes as they are.

    It joins lines that begin with a letter to the line before: that is why all but the
    first of a paragraph are indented. Before those that are, it breaks the line once
    more: that is why indented blocks follow without an empty line.
    """
    paragraphs = [
        each if each.startswith(" ") else _fill(each, others="  ")
        for each in text.strip().split("\n\n")
    ]
    return "\n\n".join(paragraphs).replace("\n\n ", "\n ")


def of_ablate() -> str:
    """Returns the help of ablate without a recipe: it lists them."""
    width = max(map(len, DESCRIPTIONS))
    recipes = [
        _fill(
            text.partition("\n")[0],
            first=f"  {name:{width}}  ",
            others=" " * (width + 4),
        )
        for name, text in DESCRIPTIONS.items()
    ]
    return _wrap(_ABLATE.format(recipes="\n".join(recipes)))


def of_recipe(recipe: str) -> str:
    """Returns the help of a recipe: the words of its file."""
    return _wrap(f"Recipe {recipe}: {DESCRIPTIONS[recipe]}")


def of_command(options: type) -> str:
    """Returns the help of a command that is all in the docstring of its options."""
    return _wrap(inspect.getdoc(options) or "")


@cache
def join_lines(options: type) -> None:
    """Makes the docstring of each field a single line, which tyro wraps to fit.

    It would keep the line breaks of docstrings that are indented, as those of fields
    are, and break what is too long for the terminal between them.

    Args:
      options: A dataclass; those of its fields follow.
    """
    texts = {
        each.arg_name: " ".join((each.description or "").split())
        for base in filter(is_dataclass, options.__mro__)
        for each in docstring_parser.parse_from_object(base).params
    }
    types = get_type_hints(options)
    for field in fields(options):
        if is_dataclass(types[field.name]):
            join_lines(types[field.name])
        elif field.name in texts:
            field.metadata = MappingProxyType({"help": texts[field.name]})
