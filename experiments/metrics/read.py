"""Reads the metrics of runs, and trusts nothing in them."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..config.contrasts import Contrast, default
from ..terminal.errors import DataError
from .evaluation import unpacked_hits
from .run import Epoch, Run
from .schema import ENDS, Start, check, check_plain
from .seal import opened

# They are names of files, and stand in plots: batch_norm, lrn-alpha=0.1.
_ARM = re.compile(r"[a-z0-9_]{1,40}(-[A-Za-z0-9_.,=+-]{1,60})?")


def _parse(line: bytes) -> dict[str, Any]:
    try:
        content = json.loads(line.decode("utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(
            f"it is not JSON ({error.msg} at column {error.colno})"
        ) from error
    except RecursionError as error:
        raise ValueError("it holds lists or objects too deep") from error
    check_plain(content)
    if not isinstance(content, dict):
        raise ValueError(f"it must be an object, but is {content!r:.40}")
    return content


def _check_share(name: str, value: float) -> None:
    if value < 0 or value > 1:  # not a number is no share, and `Run.flaw`
        raise ValueError(f"{name} must be between 0 and 1, but is {value}")


def _start(content: dict[str, Any]) -> dict[str, Any]:
    check(content, Start)
    arm, arms = content["arm"], content["arms"]
    for each in (arm, *arms):
        if not _ARM.fullmatch(each):
            raise ValueError(f"{each!r:.40} is no name of an arm")
    if arm not in arms:
        raise ValueError(f"arms must hold its own, {arm}, but is {', '.join(arms)}")
    for each in content.get("contrasts", []):
        if len({*each}) != 2 or len(each) != 2 or not {*each} <= {*arms}:
            raise ValueError(f"{each!r:.40} is no pair of its arms")
    for name, drawn in content.get("drawn", {}).items():
        if not (drawn["value"] > 0 and 0 < drawn["low"] < drawn["high"] < math.inf):
            raise ValueError(f"drawn.{name} is no value from a range above 0")
    return content


def _epoch(content: dict[str, Any], number: int) -> Epoch:
    check(content, Epoch)
    epoch = Epoch(**{each.name: content[each.name] for each in fields(Epoch)})
    if epoch.epoch != number:
        raise ValueError(f"epoch must be {number}, but is {epoch.epoch}")
    _check_share("validation_accuracy", epoch.validation_accuracy)
    return epoch


def _end(content: dict[str, Any]) -> dict[str, Any]:
    status = content.get("status")
    if status not in (*ENDS,):
        raise ValueError(f"status must be {' or '.join(ENDS)}, but is {status!r:.40}")
    check(content, ENDS[status])
    if status == "validated" and any(name.startswith("test") for name in content):
        raise ValueError("a run that was not tested has results of a test")
    if status == "completed":
        _check_share("test_accuracy", content["test_accuracy"])
        if "test_hits" in content:
            number = content.get("test_images", 0)
            if number < 1:
                raise ValueError(f"test_images must be at least 1, but is {number}")
            unpacked_hits(content["test_hits"], number)
    return content


def read_run(path: Path) -> Run | None:
    """Returns the run that a file tells of, or None if it ends within its first line.

    Raises:
      DataError: If it cannot be read, or a line is not what a run writes; it names the
        line.
    """
    try:
        # A run that was killed may leave half a line at the end.
        *lines, _ = path.read_bytes().split(b"\n")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    if not lines:
        return None
    start: dict[str, Any] = {}
    epochs: list[Epoch] = []
    end: dict[str, Any] = {"status": "interrupted"}
    changed: list[int] = []
    number = 0
    try:
        for number, line in enumerate(lines, 1):
            content, whole = opened(_parse(line))
            if not whole:
                changed.append(number)
            match content.pop("kind", None):
                case "start" if number == 1:
                    start = _start(content)
                case "epoch" if number > 1:
                    epochs.append(_epoch(content, len(epochs) + 1))
                case "end" if number > 1 and number == len(lines):
                    end = _end(content)
                case kind:
                    expected = "start" if number == 1 else "epoch, or end in the last"
                    raise ValueError(
                        f"its kind must be {expected}, but is {kind!r:.40}"
                    )
    except ValueError as error:
        raise DataError(
            f"{path} is not the metrics file of a run: in line {number}, {error}. Move "
            "it away to report without that run; --resume then trains it again."
        ) from error
    return Run(
        norm=start["arm"],
        seed=start["seed"],
        status=end["status"],
        start=start,
        epochs=tuple(epochs),
        end=end,
        changed=tuple(changed),
    )


def arms_of(runs: Sequence[Run]) -> list[str]:
    """Returns the arms that runs name, whether they have a run or not, baseline first.

    Runs that were begun before an arm was added know less of them: the longest list
    comes first, and then what others have beside.
    """
    lists = sorted((run.start["arms"] for run in runs), key=len, reverse=True)
    return list(dict.fromkeys(arm for each in lists for arm in each))


def contrasts_of(runs: Sequence[Run]) -> list[Contrast]:
    """Returns the contrasts that runs name, each once, in the order of `arms_of`.

    Earlier versions recorded none; the default ones of their arms stand for them.
    """
    lists = [
        [(arm, other) for arm, other in run.start["contrasts"]]
        if "contrasts" in run.start
        else default(run.start["arms"])
        for run in runs
    ]
    lists.sort(key=len, reverse=True)
    return list(dict.fromkeys(each for contrasts in lists for each in contrasts))


def recorded(directory: Path) -> list[Run]:
    """Returns the runs in a directory, of which there may be none.

    Raises:
      DataError: If a file is not one of theirs.
    """
    paths = sorted(path for path in directory.glob("*.jsonl") if path.is_file())
    return [run for path in paths if (run := read_run(path)) is not None]


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
    arms = arms_of(runs)
    return sorted(runs, key=lambda run: (arms.index(run.norm), run.seed))
