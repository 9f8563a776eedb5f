"""Time and page faults of calls. The standard library alone: workers use it too."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

try:
    import resource
except ImportError:  # not on this system
    resource = None


@dataclass(frozen=True)
class Sample:
    """What one call cost, on average over the calls of one turn."""

    seconds: float
    page_faults: float  # memory pages the system had to map; 0 where it cannot say


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
