"""Metrics on disk: one JSON object a line, one file a run, written as they come.

A file starts with a line of kind "start" (the config, the command, the environment),
goes on with one of kind "epoch" for each epoch, and closes with one of kind "end",
which says how the run ended. A file without that line is a run that was cut off.
"""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TextIO, get_args

from .config import Config, NormName
from .errors import DataError, UserError
from .train import Epoch, NonFiniteLossError, Result

Status = Literal["completed", "diverged", "interrupted"]


@dataclass(frozen=True)
class Run:
    """A run as its file tells it; a run that did not complete has no test results."""

    norm: NormName
    seed: int
    status: Status
    start: dict[str, Any]
    epochs: tuple[Epoch, ...]
    end: dict[str, Any]

    @property
    def completed(self) -> bool:
        """Whether the run trained to the end and was tested."""
        return self.status == "completed"


class Writer:
    """Appends the lines of one run; each is on disk when its method returns."""

    def __init__(self, file: TextIO):
        self._file = file

    def _write(self, kind: str, content: dict[str, Any]) -> None:
        self._file.write(json.dumps({"kind": kind, **content}, default=str) + "\n")
        self._file.flush()

    def start(
        self,
        config: Config,
        *,
        arms: Sequence[NormName],
        command: str,
        environment: dict[str, str],
    ) -> None:
        """Writes what the run is made of, and which arms it is compared with."""
        self._write(
            "start",
            {
                **asdict(config),
                "arms": arms,
                "command": command,
                "environment": environment,
            },
        )

    def epoch(self, epoch: Epoch) -> None:
        """Writes the metrics of an epoch."""
        self._write("epoch", asdict(epoch))

    def completed(self, result: Result) -> None:
        """Writes the results of a run that trained to the end."""
        names = ("parameters", "compile_seconds", "test_loss", "test_accuracy")
        content = {name: getattr(result, name) for name in names}
        self._write("end", {"status": "completed", **content})

    def diverged(self, error: NonFiniteLossError) -> None:
        """Writes where a loss stopped being finite."""
        content = {"status": "diverged", "step": error.step, "loss": str(error.loss)}
        self._write("end", content)


@contextmanager
def writer(directory: Path, config: Config) -> Iterator[Writer]:
    """Opens the file of a run in `directory`."""
    path = directory / f"{config.norm}-seed{config.seed}.jsonl"
    with path.open("x", encoding="utf-8") as file:
        yield Writer(file)


def make_directory(directory: Path) -> None:
    """Makes the directory for an ablation, which must not hold anything yet.

    Raises:
      UserError: If it holds something, or cannot be made or written to.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise UserError(
                f"`output` must be a new or empty directory, but {directory} holds "
                "files. Name another one, or remove it first."
            )
        probe = directory / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UserError(
            f"`output` must be a directory that can be written to, but {directory} "
            f"cannot: {error.strerror}."
        ) from error


def write_whole(path: Path, text: str) -> None:
    """Writes a file so that it is there whole or not at all."""
    partial = path.with_name(path.name + ".part")
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
        return Run(
            norm=start["norm"],
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
