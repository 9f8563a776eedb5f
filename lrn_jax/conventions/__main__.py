"""``python -m lrn_jax.conventions`` prints the table of conventions.

``python -m lrn_jax.conventions read FILE`` prints the layers of a model file.
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

_NONE = (
    "No such layer.\nPyTorch exports its own to ONNX as other operators: those are not "
    "found."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status; an error becomes one line."""
    parser = argparse.ArgumentParser(
        prog="python -m lrn_jax.conventions",
        description="Prints what every framework means by its arguments, as a table.",
    )
    commands = parser.add_subparsers(dest="command", title="commands")
    reading = commands.add_parser(
        "read",
        help="print the layers of a model file",
        description="Prints every layer of local response normalization in a file: "
        f"{', '.join(each.name for each in FORMATS)}.",
    )
    reading.add_argument("file", help="the file, or the folder of a model")
    reading.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        print(describe() if options.command is None else _report(options), flush=True)
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


def _report(options: argparse.Namespace) -> str:
    layers = read(options.file)
    if options.json:
        return to_json(layers)
    return tabulate(layers, shutil.get_terminal_size().columns) or _NONE


if __name__ == "__main__":
    sys.exit(main())
