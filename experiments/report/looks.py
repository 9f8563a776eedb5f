"""Looks at one set of test images: a report that replaces another one says so.

Looking, changing something, looking again and telling of the last look alone finds what
is not there. Each report therefore leaves in its directory what it said.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from ..metrics import Run, recipe_fields
from ..metrics.files import write_whole
from ..metrics.schema import check, check_plain
from ..terminal.errors import DataError
from .formatting import count

_FILE = "looks.json"


@dataclass(frozen=True)
class Look:
    """What a report said."""

    data: str
    """Digest of the data and the recipe: looks with the same one are counted."""
    runs: str
    """Digest of the completed runs: with the same ones it is the same look."""
    seeds: int
    epochs: int
    verdict: list[str]

    def same(self, other: "Look") -> bool:
        """Whether another report was of the same runs."""
        return (self.data, self.runs) == (other.data, other.runs)


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def look(runs: Sequence[Run], verdict: Sequence[str]) -> Look | None:
    """Returns the look of a report on these runs; None if none has completed."""
    completed = [run for run in runs if run.completed]
    if not completed:
        return None
    start = completed[0].start
    recipe = start["recipe"]
    # Whatever an option changed, it is another look at the same recipe.
    data = [start["dataset_title"], start.get("fingerprint"), recipe.get("name")]
    results = [
        [
            *(run.norm, run.seed, run.end["test_loss"], run.end["test_accuracy"]),
            *recipe_fields(run.start["recipe"]),
        ]
        for run in completed
    ]
    return Look(
        data=_digest(data),
        runs=_digest(sorted(results, key=_digest)),
        seeds=len({run.seed for run in completed}),
        epochs=recipe["epochs"],
        verdict=[*verdict],
    )


def read(directories: Iterable[Path]) -> list[Look]:
    """Returns the looks of the reports in some directories, each once.

    Raises:
      DataError: If a file of them is damaged.
    """
    looks: list[Look] = []
    for directory in directories:
        path = directory / _FILE
        if not path.exists():
            continue
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            check_plain(content)
            check(content, list[Look], "looks")
            for each in content:
                found = Look(**{field.name: each[field.name] for field in fields(Look)})
                if not any(map(found.same, looks)):
                    looks.append(found)
        except (OSError, ValueError, RecursionError) as error:
            raise DataError(
                f"{path} does not hold the looks of earlier reports: {error}. Move it "
                "away to report without them."
            ) from error
    return looks


def write(directory: Path, earlier: Sequence[Look], now: Look) -> None:
    """Keeps looks for the next report; the same one as earlier is kept once.

    Raises:
      UserError: If they cannot be written.
    """
    looks = [*earlier, *([] if any(map(now.same, earlier)) else [now])]
    content = json.dumps([asdict(each) for each in looks], indent=1)
    write_whole(directory / _FILE, f"{content}\n")


def told(now: Look, earlier: Sequence[Look]) -> list[str]:
    """Returns a sentence on which look a report is, if it is not the only one.

    Args:
      now: That of the report.
      earlier: Those of earlier reports, in their order; one may be the same.
    """
    looks = _at_the_same(now, earlier)
    if len(looks) == 1:
        return []
    number = 1 + [each.same(now) for each in looks].index(True)
    rest = "the other one" if len(looks) == 2 else f"the other {len(looks) - 1}"
    return [
        f"This is look {number} at these test images: what {rest} said is at the end "
        "of the report."
    ]


def others(now: Look, earlier: Sequence[Look]) -> dict[str, list[str]]:
    """Returns what the others said, by a title of each; arguments as for `told`."""
    return {
        f"Look {number}, of {count(each.seeds, 'seed')} after "
        f"{count(each.epochs, 'epoch')}": each.verdict
        for number, each in enumerate(_at_the_same(now, earlier), 1)
        if not each.same(now)
    }


def _at_the_same(now: Look, earlier: Sequence[Look]) -> list[Look]:
    looks = [each for each in earlier if each.data == now.data]
    return looks if any(map(now.same, looks)) else [*looks, now]
