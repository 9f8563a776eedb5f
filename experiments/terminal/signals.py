"""Signals that end the program: of Ctrl-C, of schedulers, of a terminal that closes."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
_MOMENT = 0.1  # seconds


class Stopped(KeyboardInterrupt):
    """A signal asked for the end; what Ctrl-C ends in an orderly way, this ends too."""

    def __init__(self, number: int):
        super().__init__()
        self.number = number


def status_of(stop: KeyboardInterrupt) -> int:
    """Returns the exit status that a shell reports for the signal."""
    return 128 + (stop.number if isinstance(stop, Stopped) else signal.SIGINT)


def _handle(handler: Callable[[int, FrameType | None], object]) -> None:
    for name in _NAMES:
        number = getattr(signal, name, None)
        # Ignored signals stay ignored: by nohup, or in the background of a script.
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def _end(number: int, frame: FrameType | None) -> None:
    del frame
    with suppress(OSError):
        os.write(2, b"Interrupted.\n")
    os._exit(128 + number)


def _stop(number: int, frame: FrameType | None) -> None:
    del frame
    raise Stopped(number)


def _raise_again(unraisable: Any) -> None:
    """Raises a bit later what was raised where nothing can be.

    One such place is what JAX does at every garbage collection.
    """
    stop = unraisable.exc_value
    if isinstance(stop, Stopped):
        threading.Timer(_MOMENT, signal.raise_signal, (stop.number,)).start()
    else:
        sys.__unraisablehook__(unraisable)


def end_at_once() -> None:
    """Makes signals end the process, where there is nothing to put in order."""
    _handle(_end)


def raise_stopped() -> None:
    """Makes signals raise `Stopped`."""
    _handle(_stop)
    sys.unraisablehook = _raise_again
