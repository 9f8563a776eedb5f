"""The time of calls, taken in turns.

All contenders are timed in rounds, one turn each and in a new order every round, so
that whatever else the machine does falls on all of them alike. The standard library
alone: a contender may run in a process that has little else.
"""

import gc
import random
import statistics
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

try:
    import resource
except ImportError:  # not on this system
    resource = None

LEAST_ROUNDS = 3

Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True)
class Sample:
    """What one call cost, on average over the calls of one turn."""

    seconds: float
    page_faults: float  # memory pages the system had to map; 0 where it cannot say


# Is given what happens next, in words.
Tell = Callable[[str], object]

# Makes a number of calls.
Timer = Callable[[int], Sample]


@dataclass(frozen=True)
class Times:
    """What one contender took, turn by turn."""

    calls: int
    """Calls in a turn."""
    samples: tuple[Sample, ...]

    @property
    def minimum(self) -> float:
        """The least, in seconds: other programs can only make a turn slower."""
        return min(sample.seconds for sample in self.samples)

    def record(self) -> dict[str, Any]:
        """Returns all of it by name, as it is kept."""
        seconds = [sample.seconds for sample in self.samples]
        return {
            "rounds": len(seconds),
            "calls_a_turn": self.calls,
            "minimum_s": self.minimum,
            "median_s": statistics.median(seconds),
            "samples_s": [float(f"{each:.4g}") for each in seconds],
            "page_faults": statistics.median(each.page_faults for each in self.samples),
        }


def _page_faults() -> int:
    if resource is None:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def time_calls(
    call: Callable[[], Any], wait: Callable[[Any], object], calls: int
) -> Sample:
    """Times `calls` calls, made without a pause, until `wait` has seen the last."""
    result = None
    faults = _page_faults()
    start = time.perf_counter()
    for _ in range(calls):
        result = call()
    wait(result)
    seconds = time.perf_counter() - start
    return Sample(seconds / calls, (_page_faults() - faults) / calls)


def _calls_a_turn(timer: Timer, shortest: float) -> int:
    timer(1)  # memory finds its places, caches are filled: whatever is done once
    calls = 1
    # The least of three: a slow turn, as when a GPU wakes up, would end this too soon.
    while min(timer(calls).seconds for _ in range(3)) * calls < shortest:
        calls *= 2
    return calls


def take_turns(
    timers: Mapping[Name, Timer],
    *,
    rounds: int,
    seconds: float,
    shortest: float = 0.0,
    warm_up: float = 0.0,
    tell: Tell = lambda what: None,
) -> dict[Name, Times]:
    """Times every contender once a round.

    Args:
      timers: The contenders.
      rounds: How many.
      seconds: No round begins later than this, except for the first three.
      shortest: A turn takes at least so long: 0 makes it one call.
      warm_up: As a share of a turn, the calls before it that do not count.
      tell: Is given what happens next, in words.
    """
    order = random.Random(0)
    collects = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        calls = {name: _calls_a_turn(each, shortest) for name, each in timers.items()}
        samples: dict[Name, list[Sample]] = {name: [] for name in timers}
        end = time.perf_counter() + seconds
        for number in range(rounds):
            if number >= LEAST_ROUNDS and time.perf_counter() > end:
                break
            tell(f"{len(timers)} in turns, round {number + 1} of at most {rounds}")
            for name in order.sample(list(timers), len(timers)):
                if warm_up:
                    timers[name](max(1, round(warm_up * calls[name])))
                samples[name].append(timers[name](calls[name]))
    finally:
        if collects:
            gc.enable()
    return {name: Times(calls[name], tuple(samples[name])) for name in timers}
