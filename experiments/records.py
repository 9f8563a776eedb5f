"""Metrics on disk: one JSON object a line, one file a run, written as they come.

`metrics` says what the lines are, and reads them.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .config import Config
from .errors import UserError
from .metrics import Epoch, Run, read_run
from .train import NonFiniteLossError, Result


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Makes a failure to write an error that says what to do."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{path} cannot be written: {error.strerror}. What was written before is "
            "kept; make room, or allow writing, and go on with --resume."
        ) from error


class Writer:
    """Appends the lines of one run; each is on disk when its method returns."""

    def __init__(self, write: Callable[[bytes], None]):
        self._write_bytes = write

    def _write(self, kind: str, content: dict[str, Any]) -> None:
        line = json.dumps({"kind": kind, **content}, default=str) + "\n"
        self._write_bytes(line.encode())

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

    def completed(self, result: Result) -> None:
        """Writes the results of a run that trained to the end."""
        names = (
            "parameters",
            "compile_seconds",
            "step_seconds",
            "memory_bytes",
            "test_loss",
            "test_accuracy",
        )
        content = {name: getattr(result, name) for name in names}
        self._write("end", {"status": "completed", **content})

    def diverged(self, error: NonFiniteLossError) -> None:
        """Writes where a loss or a gradient stopped being finite."""
        content = {
            "status": "diverged",
            "step": error.step,
            "loss": str(error.loss),
            "gradient_norm": str(error.gradient_norm),
        }
        self._write("end", content)


def path_of(directory: Path, config: Config) -> Path:
    """Returns where the metrics of a run are."""
    return directory / f"{config.arm}-seed{config.seed}.jsonl"


def _end_of_line(path: Path, number: int) -> int:
    """Returns where a file's first lines end, as many as `number`."""
    with path.open("rb") as file:
        return sum(len(file.readline()) for _ in range(number))


@contextmanager
def writer(directory: Path, config: Config, *, kept_lines: int = 0) -> Iterator[Writer]:
    """Opens the file of a run in `directory`.

    Args:
      directory: Where it is.
      config: The run.
      kept_lines: Where it goes on, how many of its lines to keep; the rest is cut off.

    Raises:
      UserError: If it cannot be written, also from the methods of the writer.
    """
    path = path_of(directory, config)
    with explained(path):
        file = path.open("r+b" if kept_lines else "xb", buffering=0)
    with file:
        if kept_lines:
            file.seek(file.truncate(_end_of_line(path, kept_lines)))

        def write(line: bytes) -> None:
            with explained(path):
                while line:  # a disk that is almost full takes a part of it
                    line = line[file.write(line) :]
                os.fsync(file.fileno())

        yield Writer(write)


def find(directory: Path, config: Config) -> Run | None:
    """Returns what there is of a run, or None where it has not begun.

    Raises:
      DataError: If its file is not the metrics of a run.
      UserError: If they are those of a run with another recipe.
    """
    path = path_of(directory, config)
    if not path.exists():
        return None
    run = read_run(path)
    if run is None:  # it ended within its first line
        path.unlink()
        return None
    expected = json.loads(json.dumps(asdict(config), default=str))
    for name, value in expected.items():
        found = run.start.get(name)
        if found != value:
            if name == "recipe" and isinstance(found, dict):
                different = [key for key in value if found.get(key) != value[key]]
                name = f"recipe ({', '.join(different)})"
            raise UserError(
                f"`resume` needs the options that {path} was begun with, but its "
                f"{name} is another. Leave them out: they are kept in the directory."
            )
    return run


def _arguments_path(directory: Path, shard: str) -> Path:
    suffix = "" if shard == "1/1" else f"-{shard.replace('/', 'of')}"
    return directory / f"arguments{suffix}.json"


def write_arguments(directory: Path, shard: str, arguments: Sequence[str]) -> None:
    """Keeps the command line of an ablation, for `read_arguments`.

    Raises:
      UserError: If it cannot be written.
    """
    write_whole(_arguments_path(directory, shard), json.dumps(list(arguments)) + "\n")


def read_arguments(directory: Path, shard: str) -> list[str]:
    """Returns the command line that an ablation, or a shard of it, was begun with.

    Raises:
      UserError: If there is none.
    """
    path = _arguments_path(directory, shard)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(
            f"`resume` needs the directory of an ablation, or of its shard {shard}, "
            f"but {path} cannot be read: {error}. Start it without --resume."
        ) from error


def make_directory(directory: Path, *, shared: bool = False) -> None:
    """Makes the directory for an ablation.

    Args:
      directory: It must not hold anything yet.
      shared: It may hold what other jobs of the same ablation write.

    Raises:
      UserError: If it holds something, or cannot be made or written to.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if any(directory.iterdir()) and not shared:
            raise UserError(
                f"`output` must be a new or empty directory, but {directory} holds "
                "files. Name another one, or remove it first; --resume goes on with "
                "an ablation that was ended early."
            )
        probe = directory / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UserError(
            f"`output` must be a directory that can be written to, but {directory} "
            f"cannot: {error.strerror}."
        ) from error


def write_whole(path: Path, text: str) -> None:
    """Writes a file so that it is there whole or not at all.

    Raises:
      UserError: If it cannot be written.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    with explained(path):
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)
