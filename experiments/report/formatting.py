"""How numbers are written."""

from collections.abc import Callable
from typing import TypeVar

from .intervals import Interval, Sample
from .sign_flip import MOST_SEEDS

_Value = TypeVar("_Value")

NOTHING = "\N{EN DASH}"
"""For what there is not."""
_MINUS = "\N{MINUS SIGN}"


def optional(value: _Value | None, write: Callable[[_Value], str]) -> str:
    """Returns a value as `write` writes it, or a dash where there is none."""
    return NOTHING if value is None else write(value)


def percent(value: float) -> str:
    """Returns a share in percent."""
    return f"{100 * value:.2f}%"


def points(value: float, *, sign: str = "") -> str:
    """Returns a share, or a difference of two, in hundredths; `sign` "+" shows all."""
    return f"{100 * value:{sign}z.2f}".replace("-", _MINUS)


def signed(value: float) -> str:
    """Returns a difference of two shares in hundredths, always with a sign."""
    return points(value, sign="+")


def decimals(value: float, *, places: int = 3, sign: str = "") -> str:
    """Returns a number, or a difference of two; `sign` "+" shows all."""
    return f"{value:{sign}z.{places}f}".replace("-", _MINUS)


def interval(ends: Interval, write: Callable[..., str] = points) -> str:
    """Returns both ends of an interval for a difference."""
    return f"{write(ends.low, sign='+')} to {write(ends.high, sign='+')}"


def mean(sample: Sample, write: Callable[..., str] = points) -> str:
    """Returns a mean, and half the width of its interval if it has one."""
    if sample.interval is None:
        return write(sample.mean)
    half_width = sample.interval.high - sample.mean
    return f"{write(sample.mean)} \N{PLUS-MINUS SIGN} {write(half_width)}"


def deviation(sample: Sample) -> str:
    """Returns a standard deviation, in hundredths."""
    return optional(sample.deviation, points)


def p_value(value: float) -> str:
    """Returns a p-value to three significant digits."""
    return f"{value:.3g}" if value >= 0.001 else "< 0.001"


def duration(seconds: float) -> str:
    """Returns a time in the unit that suits it."""
    return f"{1000 * seconds:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"


def durations(quartiles: tuple[float, float, float]) -> str:
    """Returns a median time, and the quartiles around it where they differ from it."""
    low, median, high = quartiles
    factor, unit = (1000, "ms") if median < 1 else (1, "s")
    texts = [f"{factor * each:.1f}" for each in (low, median, high)]
    if len({*texts}) == 1:
        return duration(median)
    return f"{texts[1]} ({texts[0]} to {texts[2]}) {unit}"


def memory(size: float) -> str:
    """Returns a number of bytes in MiB."""
    return f"{size / 2**20:,.0f} MiB"


def size_in_points(size: float) -> str:
    """Returns a round difference in words."""
    return "1 point" if size == 0.01 else f"{100 * size:g} points"


def count(number: int, noun: str, ending: str = "s") -> str:
    """Returns a number of things, in words."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}{ending}"


def number_of_seeds(number: int | None) -> str:
    """Returns a number of seeds from `sign_flip.seeds_needed`."""
    return f"over {MOST_SEEDS:,}" if number is None else f"{number:,}"
