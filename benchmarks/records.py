"""What was measured: kept as JSON lines, the first of them about the run."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from experiments.terminal.errors import DataError, UserError
from experiments.terminal.text import plain

# One line, made of JSON's types.
Record = dict[str, Any]


@contextmanager
def writer(path: Path | None) -> Iterator[Callable[[Iterable[Record]], None]]:
    """Makes a new file, where one is named, and lends what adds records to it at once.

    Raises:
      UserError: If the file exists or cannot be made.
    """
    if path is None:
        yield lambda records: None
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("x", encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"`output` must be a new file, but {path} cannot be made: "
            f"{error.strerror}. Name another one."
        ) from error

    def write(records: Iterable[Record]) -> None:
        for record in records:
            print(json.dumps(record), file=file)
        file.flush()

    with file:
        yield write


def _plain(value: Any) -> Any:
    """Returns the value as JSON can hold it, with text that is safe to show."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {plain(key): _plain(each) for key, each in value.items()}
    return value


@contextmanager
def understood(path: Path) -> Iterator[None]:
    """Blames a file for whatever goes wrong while it is made into tables.

    Raises:
      DataError: If anything does.
    """
    try:
        yield
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        reason = f"there is no {error}" if isinstance(error, KeyError) else error
        raise DataError(f"{path} is not a file of results: {reason}.") from error


def read(path: Path) -> tuple[Record, list[Record]]:
    """Returns the header of a run, and its measurements."""
    lines = path.read_text(encoding="utf-8").splitlines()
    run, *measurements = [_plain(json.loads(line)) for line in lines]
    if run["record"] != "run" or not measurements:
        raise ValueError("a run and its measurements are missing")
    return run, measurements


def select(measurements: list[Record], conditions: Iterable[str]) -> list[Record]:
    """Returns the measurements that meet all conditions NAME=VALUE,VALUE,...

    Raises:
      UserError: If there are none.
    """
    for condition in conditions:
        name, _, values = condition.partition("=")
        known = {str(one[name]) for one in measurements if name in one}
        if known.isdisjoint(values.split(",")):
            there = ", ".join(sorted(known or measurements[0]))
            raise UserError(
                "`only` must be NAME=VALUE,VALUE,... of what was measured, but got "
                f"{condition}, where there is {there}."
            )
        measurements = [
            one for one in measurements if str(one.get(name)) in values.split(",")
        ]
    return measurements
