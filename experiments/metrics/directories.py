"""The directory of an ablation: made new, held by one job, with its command line."""

import hashlib
import itertools
import json
import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ..terminal.errors import UserError
from .files import held, write_whole

_LOCK = ".lock"


def _path_of(directory: Path, name: str, shard: str) -> Path:
    stem, suffix = os.path.splitext(name)
    part = "" if shard == "1/1" else f"-{shard.replace('/', 'of')}"
    return directory / f"{stem}{part}{suffix}"


def write_arguments(directory: Path, shard: str, arguments: Sequence[str]) -> None:
    """Keeps the command line of an ablation, for `read_arguments`.

    Raises:
      UserError: If it cannot be written.
    """
    content = {"arguments": list(arguments), "sha256": _digest(arguments)}
    path = _path_of(directory, "arguments.json", shard)
    write_whole(path, json.dumps(content) + "\n")


def resume_command(directory: Path, shard: str = "1/1") -> str:
    """Returns the command that goes on with an ablation, or a shard of it."""
    command = ["python", "-m", "experiments", "ablate", "--resume", "--output"]
    part = [] if shard == "1/1" else ["--shard", shard]
    return shlex.join([*command, str(directory), *part])


def can_resume(directory: Path, shard: str = "1/1") -> bool:
    """Whether an ablation, or a shard of it, was begun in a directory."""
    return _path_of(directory, "arguments.json", shard).exists()


def _digest(arguments: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(list(arguments)).encode()).hexdigest()


def read_arguments(directory: Path, shard: str) -> list[str]:
    """Returns the command line that an ablation, or a shard of it, was begun with.

    Raises:
      UserError: If there is none.
    """
    path = _path_of(directory, "arguments.json", shard)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(content, list):  # an earlier version wrote no checksum
            return content
        arguments = content["arguments"]
        if content["sha256"] != _digest(arguments):
            raise ValueError("its checksum is that of other content")
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(
            f"`resume` needs the directory of an ablation, or of its shard {shard}, "
            f"but {path} cannot be read: {reason}. Start another one without --resume; "
            "what was recorded there can still be reported."
        ) from error
    return arguments


def check_new(directory: Path, shard: str = "1/1") -> None:
    """Checks that an ablation may begin in a directory, which need not be there.

    Args:
      directory: It must not hold anything yet.
      shard: The job; other shards of the same ablation may have written there.

    Raises:
      UserError: If it holds something, or cannot be looked into.
    """
    with _explained(directory):
        there = None
        if shard == "1/1" and directory.exists():
            # A job that was killed before it began may have left its lock.
            if any(path.name != _LOCK for path in directory.iterdir()):
                there = "files"
        elif can_resume(directory, shard):
            there = f"what shard {shard} began"
        if there is not None:
            fix = "Name another one, or remove it first."
            if can_resume(directory, shard):
                command = resume_command(directory, shard)
                fix = f"Name another one, or go on with it: {command}"
            raise UserError(
                f"`output` must be a new or empty directory, but {directory} holds "
                f"{there}. {fix}"
            )


def make(directory: Path, shard: str = "1/1") -> None:
    """Makes the directory for an ablation, if it is not there.

    Raises:
      UserError: As `check_new`, or if it cannot be made or written to.
    """
    check_new(directory, shard)
    with _explained(directory):
        directory.mkdir(parents=True, exist_ok=True)
        probe = directory / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()


def make_new(parent: Path, name: str) -> Path:
    """Makes a directory of a name, or where that is taken, with a number after it.

    Raises:
      UserError: If it cannot be made.
    """
    with _explained(parent):
        parent.mkdir(parents=True, exist_ok=True)
        for number in itertools.count(1):
            directory = parent / (name if number == 1 else f"{name}-{number}")
            with suppress(FileExistsError):
                directory.mkdir()
                return directory
    raise AssertionError  # there are numbers enough


@contextmanager
def _explained(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"`output` must be a directory that can be written to, but {directory} "
            f"cannot: {error.strerror}."
        ) from error


@contextmanager
def hold(directory: Path, shard: str) -> Iterator[None]:
    """Holds a directory, or a shard in it, for this process alone.

    Raises:
      UserError: If another process holds it.
    """
    with held(_path_of(directory, _LOCK, shard)) as mine:
        if not mine:
            what = "" if shard == "1/1" else f" shard {shard}"
            raise UserError(
                "`output` must be a directory that no other process trains in, but one "
                f"trains{what} in {directory}. Wait for its end, or end it."
            )
        yield
