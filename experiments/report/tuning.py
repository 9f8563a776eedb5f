"""What tuning searched, what it chose for each arm, and the loss of every draw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from ..config.arms import ARMS, TUNED, title
from ..config.tuning import Range, choose
from ..metrics import Run
from . import svg
from .formatting import NOTHING, count, optional
from .table import Table, tabulate

_RATE, _DECAY = "learning_rate", "weight_decay"
_COLUMNS = 2


@dataclass(frozen=True)
class Tuning:
    """The draws of one arm, of which there is at least one."""

    norm: str
    draws: Sequence[Run]
    """Those that have begun."""
    losses: Mapping[str, float]
    """Mean validation losses of the tested runs of the norm, by their variant."""

    @property
    def finished(self) -> list[Run]:
        """The draws that have ended, perhaps with an infinite loss."""
        return [draw for draw in self.draws if draw.validation_loss is not None]

    @property
    def best(self) -> Run | None:
        """The draw with the lowest loss; None if all that have ended diverged."""
        return choose(self.finished, _loss)

    @property
    def ranges(self) -> dict[str, Range]:
        """What was tuned, by its name in the recipe."""
        drawn = self.draws[0].start["drawn"]
        return {
            name: Range(each["low"], each["high"], each["own"])
            for name, each in drawn.items()
        }

    @property
    def strength(self) -> str | None:
        """The name of the strength in the recipe, of an arm that has one."""
        return next((name for name in self.ranges if name not in (_RATE, _DECAY)), None)


def _loss(draw: Run) -> float:
    assert draw.validation_loss is not None  # it has ended
    return draw.validation_loss


def _value(draw: Run, name: str) -> float:
    return draw.start["drawn"][name]["value"]


def summarize(draws: Sequence[Run], runs: Sequence[Run]) -> list[Tuning]:
    """Returns the tuning of each arm, in the order of the draws.

    Args:
      draws: Of all arms.
      runs: The runs that were tested.
    """
    draws = [draw for draw in draws if "drawn" in draw.start and _norm(draw) in ARMS]

    def losses(norm: str) -> dict[str, float]:
        return {
            variant: fmean(found)
            for variant, arm in (("", norm), (TUNED, f"{norm}-{TUNED}"))
            if (
                found := [
                    run.epochs[-1].validation_loss
                    for run in runs
                    if run.norm == arm and run.completed
                ]
            )
        }

    return [
        Tuning(norm, [draw for draw in draws if _norm(draw) == norm], losses(norm))
        for norm in sorted({_norm(draw) for draw in draws}, key=[*ARMS].index)
    ]


def _norm(draw: Run) -> str:
    return draw.norm.partition("-")[0]


def _words(name: str) -> str:
    return name if "." in name else name.replace("_", " ")


def searched(tunings: Sequence[Tuning]) -> list[str]:
    """Returns the search space in words, a line for each thing that was tuned."""
    arms: dict[tuple[str, Range], list[str]] = {}
    for each in tunings:
        for name, ends in each.ranges.items():
            arms.setdefault((name, ends), []).append(title(each.norm))
    lines = []
    for (name, ends), titles in arms.items():
        of = "" if name in (_RATE, _DECAY) else f" of {', '.join(titles)}"
        if name == _DECAY and ends.own is None:
            rest = " for the kernels; the recipe has none"
        elif name == _DECAY:
            rest = " times the recipe's"
        else:
            rest = f"; the recipe's is {ends.own:.3g}"
        lines.append(f"{_words(name)}{of}: {ends.low:.3g} to {ends.high:.3g}{rest}")
    return lines


def table(tunings: Sequence[Tuning]) -> Table:
    """Returns what was chosen for each arm, and its validation loss."""

    def drawn(each: Tuning) -> str:
        diverged = sum(draw.status == "diverged" for draw in each.draws)
        ended = f"{len(each.finished)} of {len(each.draws)}"
        return f"{ended}, {diverged} diverged" if diverged else ended

    def chosen(each: Tuning, name: str | None) -> str:
        if name is None or each.best is None:
            return NOTHING
        value = f"{_value(each.best, name):.3g}"
        times = name == _DECAY and each.ranges[name].own is not None
        return f"{value} times" if times else value

    def loss(value: float | None) -> str:
        return optional(value, "{:.4g}".format)

    return tabulate(
        tunings,
        {
            "norm": lambda each: title(each.norm),
            "draws ended": drawn,
            "learning rate": lambda each: chosen(each, _RATE),
            "weight decay": lambda each: chosen(each, _DECAY),
            "strength": lambda each: chosen(each, each.strength),
            "loss of the draw": lambda each: loss(
                None if each.best is None else _loss(each.best)
            ),
            "of the tuned runs": lambda each: loss(each.losses.get(TUNED)),
            "of the untuned runs": lambda each: loss(each.losses.get("")),
        },
    )


def notes(tunings: Sequence[Tuning]) -> list[str]:
    """Returns what to know of a choice: it lies at an edge, or there is none."""
    found = []
    for each in tunings:
        missing = len(each.draws) - len(each.finished)
        if missing:
            found.append(
                f"{title(each.norm)}: {count(missing, 'draw')} did not end, and "
                "nothing is chosen before that."
            )
        elif each.best is None:
            found.append(
                f"{title(each.norm)}: all its draws diverged, so there is no tuned arm."
            )
        else:
            found += [
                f"{title(each.norm)}: the {_words(name)} that was chosen, "
                f"{_value(each.best, name):.3g}, lies at the edge of the search space. "
                "A better one may lie outside."
                for name, ends in each.ranges.items()
                if ends.has_at_edge(_value(each.best, name))
            ]
    return found


def plot(tunings: Sequence[Tuning], figure: Figure) -> None:
    """Draws the validation loss of all draws over the learning rate, arm by arm."""
    rows = -(-len(tunings) // _COLUMNS)
    figure.set_figheight(0.6 + 1.5 * rows)
    grid = figure.subplots(rows, _COLUMNS, sharex=True, sharey=True, squeeze=False)
    losses = [
        _loss(draw)
        for each in tunings
        for draw in each.finished
        if draw.status == "validated"
    ]
    # Within less than a decade, 1, 2 and 5 would be too few to read a value by.
    wide = not losses or max(losses) > 8 * min(losses)
    labelled = (1, 2, 5) if wide else (1, 1.5, 2, 3, 5, 7)
    for axes in grid.flat[len(tunings) :]:
        axes.set_axis_off()
    for each, axes in zip(tunings, grid.flat, strict=False):
        look, ends = ARMS[each.norm].look, each.ranges[_RATE]
        axes.set_title(title(each.norm), loc="left", fontsize=9)
        axes.axvline(ends.own, color=svg.TEXT, linewidth=1)
        ended = [draw for draw in each.finished if draw.status == "validated"]
        axes.plot(
            [_value(draw, _RATE) for draw in ended],
            [_loss(draw) for draw in ended],
            linestyle="none",
            marker=look.marker,
            markersize=5,
            color=look.on_light,
        )
        for draw in each.finished:
            if draw.status == "diverged":
                axes.plot(
                    _value(draw, _RATE),
                    0.95,  # of the height, whatever the losses are
                    "x",
                    transform=axes.get_xaxis_transform(),
                    color=svg.FAINT,
                )
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(ends.low, ends.high)
        axes.yaxis.set_major_locator(LogLocator(subs=labelled))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.minorticks_off()
    for axes in grid.flat[max(0, len(tunings) - _COLUMNS) : len(tunings)]:
        axes.tick_params(
            axis="x", labelbottom=True
        )  # with nothing below, or at the end
    figure.supxlabel("learning rate", fontsize=9)
    figure.supylabel("validation loss", fontsize=9)
