"""The terminal: it takes every text, shows it as it is, and need not be there."""

import codecs
import io
import os
import sys
from collections.abc import Callable

from rich.console import Console

from .errors import UserError
from .signals import status_of

# What our own texts hold beyond ASCII; everything else has nothing to stand for it.
_ALIKE = {
    "\N{MINUS SIGN}": "-",
    "\N{EN DASH}": "-",
    "\N{PLUS-MINUS SIGN}": "+-",
    "\N{HORIZONTAL ELLIPSIS}": "...",
}


def _alike(error: UnicodeError) -> tuple[str, int]:
    """Returns the substitute for characters that an encoding does not have."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end]
    return "".join(_ALIKE.get(each, "?") for each in characters), error.end


codecs.register_error("alike", _alike)


def open_streams() -> None:
    """Makes standard streams take any text, and lead nowhere where they are closed."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # It gets the lowest free number: no file of ours shall have that, and be
            # written to by whoever prints.
            os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="alike")


def drop_output() -> None:
    """Makes both streams lead nowhere, where what is left would fail at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            os.dup2(nowhere, stream.fileno())


def make_console(*, stderr: bool = False) -> Console:
    """Returns a console for which strings are text: brackets and colons mean nothing.

    Strings still have to go through `text.plain` where they come from outside.
    """
    return Console(stderr=stderr, markup=False, emoji=False)


def end_in_one_line(command: Callable[[], int]) -> int:
    """Runs a command and returns its exit status; an error becomes one line."""
    open_streams()
    try:
        return command()
    except KeyboardInterrupt as stop:
        message, status = "Interrupted.", status_of(stop)
    except BrokenPipeError:  # the reader of the output has read enough: | head
        message, status = None, 1
    except UserError as error:
        message, status = f"error: {error}", 2
    except OSError as error:  # of the terminal, or where nobody thought of one
        what = error.filename or "The output"
        message, status = f"error: {UserError(f'{what}: {error.strerror}.')}", 2
    try:
        if message is not None:
            make_console(stderr=True).print(message, soft_wrap=True)
    except OSError:
        drop_output()
    return status
