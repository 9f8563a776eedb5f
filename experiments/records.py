"""Metrics on disk: one JSON object a line, one file a run, written as they come.

A file starts with a line of kind "start" (the config, the command, the environment),
goes on with one of kind "epoch" for each epoch, and closes with one of kind "end",
which says how the run ended. A file without that line is a run that was cut off.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from .config import Config, NormName
from .errors import DataError, UserError
from .train import Epoch, NonFiniteLossError, Result

Status = Literal["completed", "diverged", "interrupted"]

# What every run tells of itself, and its report of it.
_TOLD = (
    "arm",
    "arms",
    "command",
    "environment",
    "dataset_title",
    "network",
    "deviations",
    "reference",
)


@dataclass(frozen=True)
class Run:
    """A run as its file tells it; a run that did not complete has no test results."""

    norm: str
    """The name of the arm: its norm, and in a sweep the value after it."""
    seed: int
    status: Status
    start: dict[str, Any]
    epochs: tuple[Epoch, ...]
    end: dict[str, Any]

    @property
    def completed(self) -> bool:
        """Whether the run trained to the end and was tested."""
        return self.status == "completed"


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
    run = _read_run(path)
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


def _read_run(path: Path) -> Run | None:
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    # A run that was killed may leave half a line at the end.
    if lines and not lines[-1].endswith("\n"):
        lines.pop()
    if not lines:
        return None
    try:
        objects = [json.loads(line) for line in lines]
        kinds = [each.pop("kind") for each in objects]
        start = objects[0]
        end: dict[str, Any] = {"status": "interrupted"}
        if kinds[-1] == "end":
            end = objects[-1]
        epochs = [
            Epoch(**content)
            for kind, content in zip(kinds, objects, strict=True)
            if kind == "epoch"
        ]
        if kinds[0] != "start" or start["norm"] not in get_args(NormName):
            raise ValueError(f"it starts with {lines[0][:80]!r}")
        if missing := [name for name in _TOLD if name not in start]:
            raise ValueError(f"it starts without {', '.join(missing)}")
        return Run(
            norm=start["arm"],
            seed=start["seed"],
            status=end["status"],
            start=start,
            epochs=tuple(epochs),
            end=end,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} is not the metrics file of a run: expected lines of JSON that "
            f"start with the run's config, but {error}."
        ) from error


def read(directory: Path) -> list[Run]:
    """Returns the runs in a directory, baseline first, then arm by arm, by seed.

    Raises:
      DataError: If there are none, or a file is not one of theirs.
    """
    runs = [_read_run(path) for path in sorted(directory.glob("*.jsonl"))]
    runs = [run for run in runs if run is not None]
    if not runs:
        raise DataError(
            f"No runs to report: expected files NORM-seedN.jsonl with metrics in "
            f"{directory}, but there are none."
        )
    arms = runs[0].start["arms"]
    return sorted(runs, key=lambda run: (arms.index(run.norm), run.seed))
