"""``python -m lrn_jax.conventions`` prints the table of conventions.

``python -m lrn_jax.conventions torch`` prints what one framework means, and ``python -m
lrn_jax.conventions read FILE`` the layers of a model file.
"""

import argparse
import io
import os
import shutil
import sys
from collections.abc import Sequence

from . import ModelFileError, describe, read
from ._read import FORMATS
from ._read._layer import shown
from ._read._show import tabulate, to_json
from ._table import ROWS, find, overview
from ._terminal import columns, facts

_NONE = (
    "No such layer.\nPyTorch exports its own to ONNX as other operators: those are not "
    "found."
)
_MORE = "All of one: python -m lrn_jax.conventions NAME"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status; an error becomes one line."""
    words = sys.argv[1:] if arguments is None else arguments
    options = parse(words)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        print(_text(options), flush=True)
        return 0
    except BrokenPipeError:  # the reader of the output has read enough: | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        message, status = "Interrupted.", 130
    except OSError as error:
        message, status = f"{error.filename or 'The output'}: {error.strerror}.", 2
    except (ModelFileError, ImportError) as error:
        message, status = str(error), 2
    print(f"error: {shown(message, 1000)}", file=sys.stderr)
    return status


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Returns what was asked for: a `file` to read, or the `name` of a convention."""
    program = "python -m lrn_jax.conventions"
    if words[:1] == ["read"]:
        reading = argparse.ArgumentParser(
            prog=f"{program} read",
            description="Prints every layer of local response normalization in a file: "
            f"{', '.join(each.name for each in FORMATS)}.",
        )
        reading.add_argument("file", help="the file, or the folder of a model")
        reading.add_argument("--json", action="store_true", help="print JSON")
        return reading.parse_args(words[1:])
    parser = argparse.ArgumentParser(
        prog=program,
        description="Prints what every framework means by its arguments: in a terminal "
        "the columns that fit, to a file or another program the whole table.",
        epilog=f"{program} read FILE prints the layers of a model file.",
    )
    parser.add_argument(
        "name", nargs="?", help="all that is known of one: torch, caffe, alexnet"
    )
    options = parser.parse_args(words, argparse.Namespace(found=None))
    if options.name is not None:
        options.found = find(options.name)
        if not options.found:
            names = ", ".join(dict.fromkeys(row.function.__name__ for row in ROWS))
            parser.error(
                "`name` must be that of a framework, but got "
                f"{shown(options.name, 100) or 'nothing'}. Known are {names}."
            )
    return options


def _text(options: argparse.Namespace) -> str:
    width = shutil.get_terminal_size().columns
    if "file" in options:
        layers = read(options.file)
        if options.json:
            return to_json(layers)
        return tabulate(layers, width) or _NONE
    if options.found is not None:
        return facts(options.found, width)
    if not sys.stdout.isatty():
        return describe()
    return f"{columns(overview(), width)}\n\n{_MORE}"


if __name__ == "__main__":
    sys.exit(main())
