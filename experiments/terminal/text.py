"""Text from outside: names of files and folders, and what stands in metrics.

It may hold anything. Where it is shown it is text, and nothing that is obeyed.
"""

import re

# What means something in Markdown anywhere in a line, the links that GitHub makes of
# bare addresses and its formulas among it. Within a word, an underscore is one.
_SPECIAL = re.compile(
    r"[\\`*\[\]>&|~$#]|<(?! )|:(?=//)|(?<=www)\.|(?<![^\W_])_|_(?![^\W_])"
)
# What begins a list or a rule at the start of a line.
_STARTS_LIST = re.compile(r"^(\d*)([-+.)])(?=[-+\s]|$)")


def plain(text: str) -> str:
    """Returns text as one line of printable characters, safe for a terminal.

    Line breaks become spaces. Control characters, such as codes that color a terminal
    or turn the direction of writing, and names that are not UTF-8, are replaced.
    """
    return "".join(
        each if each.isprintable() else "\N{REPLACEMENT CHARACTER}"
        for each in " ".join(text.split())
    )


def markdown(text: str) -> str:
    """Returns Markdown that shows text as it is: no links, images, emphasis or HTML.

    It may stand in a paragraph, a heading, a list or a table.
    """
    return _STARTS_LIST.sub(r"\1\\\2", _SPECIAL.sub(r"\\\g<0>", plain(text)))
