"""Time of training steps, taken in turns."""

import random
import statistics
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

LEAST_ROUNDS = 3
# A turn is as many steps as take so long, after some that are not timed: those find the
# caches full of what another contender left there, and for a hundredth of a second the
# threads of its library still spin and wait, as in no training.
_TURN_SECONDS = 0.1
_UNTIMED_SHARE = 0.25

Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True)
class Times:
    """Of one contender: the seconds that a step took, on average over each turn."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median, in seconds."""
        return statistics.median(self.seconds)


def _time(step: Callable[[], object], number: int) -> float:
    for _ in range(max(1, round(_UNTIMED_SHARE * number))):
        step()
    start = time.perf_counter()
    for _ in range(number):
        step()
    return (time.perf_counter() - start) / number


def _steps_a_turn(step: Callable[[], object]) -> int:
    return max(1, round(_TURN_SECONDS / _time(step, 1)))


def take_turns(
    contenders: Mapping[Name, Callable[[], object]],
    seconds: float,
    *,
    on_round: Callable[[float], None] = lambda share: None,
) -> dict[Name, Times]:
    """Times every contender once a round, in a new order every round.

    Whatever else the machine does then falls on all of them alike.

    Args:
      contenders: By name, what takes a step and waits for its end.
      seconds: No round begins later than this, but for the first three.
      on_round: Called with the share of the seconds that is over, at most 1.
    """
    taken: dict[Name, list[float]] = {name: [] for name in contenders}
    order = list(contenders)
    steps = {name: _steps_a_turn(step) for name, step in contenders.items()}
    begin = time.perf_counter()
    rounds = 0
    while rounds < LEAST_ROUNDS or time.perf_counter() - begin < seconds:
        random.shuffle(order)
        for name in order:
            taken[name].append(_time(contenders[name], steps[name]))
        rounds += 1
        on_round(min(1.0, (time.perf_counter() - begin) / seconds))
    return {name: Times(tuple(times)) for name, times in taken.items()}
