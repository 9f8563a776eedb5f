"""Metrics on disk: one JSON object a line, one file a run, written as they come.

A file starts with a line of kind "start" (the config, the command, the environment),
goes on with one of kind "epoch" for each epoch, and closes with one of kind "end",
which says how the run ended. A file without that line is a run that was cut off.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from .config import Config, NormName
from .errors import DataError
from .files import explained as explained
from .files import held
from .files import write_whole as write_whole
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


def _line(kind: str, content: dict[str, Any]) -> bytes:
    # What is not finite ends a run, and is no metric of it.
    text = json.dumps({"kind": kind, **content}, default=str, allow_nan=False)
    return f"{text}\n".encode()


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
            "reason": str(error),
            "step": error.step,
            "loss": str(error.loss),
            "gradient_norm": str(error.gradient_norm),
        }
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
      kept: Where it goes on, what the file begins with: first line and epochs. Whatever
        else it holds is gone.

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
    """Returns what there is of a run, or None where it has not begun.

    Raises:
      DataError: If its file is not the metrics of a run.
    """
    path = path_of(directory, config)
    if not path.exists():
        return None
    run = _read_run(path)
    if run is None:  # it ended within its first line
        path.unlink()
    return run


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


def recorded(directory: Path) -> list[Run]:
    """Returns the runs in a directory, of which there may be none, by name.

    Raises:
      DataError: If a file is not one of theirs.
    """
    runs = [_read_run(path) for path in sorted(directory.glob("*.jsonl"))]
    return [run for run in runs if run is not None]


def read(directory: Path) -> list[Run]:
    """Returns the runs in a directory, baseline first, then arm by arm, by seed.

    Raises:
      DataError: If there are none, or a file is not one of theirs.
    """
    runs = recorded(directory)
    if not runs:
        raise DataError(
            f"No runs to report: expected files NORM-seedN.jsonl with metrics in "
            f"{directory}, but there are none."
        )
    # Arms may have been added.
    arms = list(dict.fromkeys(arm for run in runs for arm in run.start["arms"]))
    return sorted(runs, key=lambda run: (arms.index(run.norm), run.seed))
