"""Metrics on disk: one JSON object a line, one file a run, written as they come.

`metrics` says what the lines are, and reads them.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..config.config import Config
from . import Epoch, NonFiniteLossError, Result, Run, read_run, sealed
from .evaluation import packed_hits
from .files import explained as explained
from .files import held, write_whole


def _line(kind: str, content: dict[str, Any]) -> bytes:
    # What is not finite ends a run, and is no metric of it.
    text = json.dumps({"kind": kind, **content}, default=str, allow_nan=False)
    return f"{json.dumps(sealed(json.loads(text)))}\n".encode()


class Writer:
    """Appends the lines of one run; each is on disk when its method returns."""

    def __init__(self, write: Callable[[bytes], None]):
        self._write_bytes = write

    def _write(self, kind: str, content: dict[str, Any]) -> None:
        self._write_bytes(_line(kind, content))

    def start(
        self,
        config: Config,
        *,
        arms: Sequence[str],
        command: str,
        environment: dict[str, str],
        **more: Any,
    ) -> None:
        """Writes what the run is made of, and which arms it is compared with."""
        self._write(
            "start",
            {
                **asdict(config),
                "arm": config.arm,
                "arms": arms,
                "command": command,
                "environment": environment,
                **more,
            },
        )

    def epoch(self, epoch: Epoch) -> None:
        """Writes the metrics of an epoch."""
        self._write("epoch", asdict(epoch))

    def ended(self, result: Result) -> None:
        """Writes the results of a run that trained to the end, with its test if any."""
        names = (
            "parameters",
            "compile_seconds",
            "step_seconds",
            "memory_bytes",
        )
        content = {
            **{name: getattr(result, name) for name in names},
            "gains": {place: asdict(each) for place, each in result.gains.items()},
        }
        test = result.test
        if test is not None:
            content |= {
                "test_loss": test.loss,
                "test_accuracy": test.accuracy,
                "test_calibration_error": test.calibration_error,
                "test_images": len(test.hits),
                "test_hits": packed_hits(test.hits),
            }
        status = "validated" if test is None else "completed"
        self._write("end", {"status": status, **content})

    def diverged(self, error: NonFiniteLossError) -> None:
        """Writes where a loss or a gradient stopped being finite."""
        content = {
            "status": "diverged",
            "step": error.step,
            "loss": str(error.loss),
            "gradient_norm": str(error.gradient_norm),
        }
        if error.images:  # else the others say it
            content["reason"] = str(error)
        self._write("end", content)


def path_of(directory: Path, config: Config) -> Path:
    """Returns where the metrics of a run are."""
    return directory / f"{config.arm}-seed{config.seed}.jsonl"


def held_run(directory: Path, config: Config) -> AbstractContextManager[bool]:
    """Holds a run for this process alone; shards may come to overlap."""
    path = path_of(directory, config)
    return held(path.with_name(f".{path.stem}.lock"))


@contextmanager
def writer(
    directory: Path, config: Config, *, kept: Run | None = None
) -> Iterator[Writer]:
    """Opens the file of a run in `directory`.

    Args:
      directory: Where it is.
      config: The run.
      kept: The run that goes on, if it does: its first line and its epochs stay in the
        file, and nothing else.

    Raises:
      UserError: If it cannot be written, also from the methods of the writer.
    """
    path = path_of(directory, config)
    lines = []
    if kept is not None:
        lines = [_line("start", kept.start)]
        lines += [_line("epoch", asdict(epoch)) for epoch in kept.epochs]
    write_whole(path, b"".join(lines))
    with explained(path):
        file = path.open("ab", buffering=0)
    with file:

        def write(line: bytes) -> None:
            with explained(path):
                while line:  # a disk that is almost full takes a part of it
                    line = line[file.write(line) :]
                os.fsync(file.fileno())

        yield Writer(write)


def find(directory: Path, config: Config) -> Run | None:
    """Returns the metrics of a run so far, or None where it has not begun.

    Raises:
      DataError: If its file is not the metrics of a run.
    """
    path = path_of(directory, config)
    if not path.exists():
        return None
    run = read_run(path)
    if run is None:  # it ended within its first line
        path.unlink()
    return run
