"""Facts and tables that fit the terminal."""

import textwrap
from collections.abc import Iterable, Sequence

Facts = Sequence[tuple[str, str]]
_NARROWEST = 24


def facts(blocks: Iterable[Facts], width: int) -> str:
    """Returns blocks of facts, one below the other, a line or more for each fact."""
    blocks = [*blocks]
    indent = 2 + max((len(head) for block in blocks for head, _ in block), default=0)
    return "\n\n".join(
        "\n".join(
            line
            for head, text in block
            for line in textwrap.wrap(
                text,
                max(width, _NARROWEST),
                initial_indent=head.ljust(indent),
                subsequent_indent=" " * indent,
            )
        )
        for block in blocks
    )


def columns(rows: Sequence[Sequence[str]], width: int) -> str:
    """Returns a table without rules, and of its columns the first ones that fit."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    while len(widths) > 1 and sum(widths) + 2 * (len(widths) - 1) > width:
        widths.pop()
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
