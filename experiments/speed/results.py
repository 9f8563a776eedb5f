"""What was measured: kept as JSON lines, told as a table for each recipe."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..config import NormName, RecipeName
from ..errors import DataError
from ..norms import title
from ..tables import Table
from .measure import Times

OURS = "jax"
PEERS = ("torch NCHW", "torch NHWC")
"""PyTorch with either layout of images; the first is its default."""

_NOTHING = "\N{EN DASH}"


@dataclass(frozen=True)
class Row:
    """What was measured of an arm."""

    norm: NormName
    times: Mapping[str, Times]
    """By library: ours, and the peers that have such an arm."""

    @property
    def ours(self) -> Times:
        """The times of this project."""
        return self.times[OURS]

    @property
    def ratio(self) -> float | None:
        """Our images per second as a multiple of those of the faster peer."""
        peers = [self.times[peer].median for peer in PEERS if peer in self.times]
        return min(peers) / self.ours.median if peers else None

    def share(self, without: Times | None) -> float | None:
        """Returns the share of the step that the norm takes.

        Args:
          without: The step without a norm, if it was measured.
        """
        if without is None or self.norm == "none":
            return None
        return 1 - without.median / self.ours.median


@dataclass(frozen=True)
class Measured:
    """What was measured of a recipe."""

    recipe: RecipeName
    batch_size: int
    rows: Sequence[Row]

    @property
    def title(self) -> str:
        """What the table is of."""
        turns = len(self.rows[0].ours.seconds)
        return f"{self.recipe}, {self.batch_size} images a step, {turns} turns each"

    def table(self) -> Table:
        """Returns a row for each arm, of medians."""
        without = next((row.ours for row in self.rows if row.norm == "none"), None)

        def rate(times: Times | None) -> str:
            if times is None:
                return _NOTHING
            return f"{self.batch_size / times.median:,.0f}"

        def cells(row: Row) -> tuple[str, ...]:
            ratio, share = row.ratio, row.share(without)
            return (
                title(row.norm),
                f"{1000 * row.ours.median:.1f}",
                rate(row.ours),
                *(rate(row.times.get(peer)) for peer in PEERS),
                _NOTHING if ratio is None else f"{ratio:.2f}",
                _NOTHING if share is None else f"{share:.0%}",
            )

        return Table(
            columns=(
                "norm",
                "ms a step",
                "images/s",
                *(peer.replace("torch", "PyTorch") for peer in PEERS),
                "ratio to the faster",
                "norm's share",
            ),
            rows=tuple(cells(row) for row in self.rows),
        )

    def records(self, origin: Mapping[str, Any]) -> Iterator[str]:
        """Yields a line of JSON for each arm, with every time, and where it is from."""
        for row in self.rows:
            content = {
                **origin,
                "recipe": self.recipe,
                "batch_size": self.batch_size,
                "norm": row.norm,
                "seconds": {name: each.seconds for name, each in row.times.items()},
            }
            yield json.dumps(content) + "\n"


def read(path: Path) -> list[Measured]:
    """Returns what a file of records says, recipe by recipe.

    Raises:
      DataError: If it cannot be read, or is no such file.
    """
    recipes: dict[tuple[RecipeName, int], list[Row]] = {}
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            times = {
                name: Times(tuple(seconds))
                for name, seconds in record["seconds"].items()
            }
            key = record["recipe"], record["batch_size"]
            recipes.setdefault(key, []).append(Row(record["norm"], times))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"`show` must be a file that speed --output wrote, but {path} cannot be "
            f"read: {error!r}."
        ) from error
    return [Measured(*key, rows) for key, rows in recipes.items()]
