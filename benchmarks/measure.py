"""From contenders to measurements: check, then time in turns.

All contenders of a problem are timed in rounds, one turn each and in a new order every
round, so that whatever else the machine does falls on all of them alike.
"""

import gc
import math
import random
import statistics
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

import numpy as np

from .cases import Problem
from .clock import Sample
from .contenders import CONTENDERS, COPY, DEFAULT, Contender, Machine, Prepared

# One measurement: one line of the results, made of JSON's types.
Record = dict[str, Any]

# On an accelerator, calls are queued and overlap with the launch of the next; a turn
# takes as many as make the wait at its end small. On CPU they would run side by side.
_TURN_SECONDS = 0.005
_LEAST_ROUNDS = 3


@dataclass
class _Entrant:
    """A contender that takes part: ready, found right, with its samples."""

    prepared: Prepared
    errors: list[float]
    calls: int
    samples: list[Sample]


def largest_error(found: np.ndarray, expected: np.ndarray) -> float:
    """Returns the largest difference, as a part of the largest value expected."""
    if found.shape != expected.shape:
        return math.inf
    # In double precision, so that the difference is exact.
    difference = np.abs(found.astype(np.float64) - expected)
    error = float(np.max(difference) / np.max(np.abs(expected)))
    return math.inf if math.isnan(error) else error


def _errors(found: list[np.ndarray], expected: list[np.ndarray]) -> list[float]:
    if len(found) != len(expected):
        return [math.inf]
    return [largest_error(*pair) for pair in zip(found, expected, strict=True)]


def _calls_a_turn(prepared: Prepared, machine: Machine) -> int:
    prepared.time(1)  # caches, pages, whatever is done once
    if machine.platform == "cpu":
        return 1
    return max(1, math.ceil(_TURN_SECONDS / prepared.time(10).seconds))


def compare(
    problem: Problem,
    contenders: Mapping[str, Contender],
    machine: Machine,
    *,
    rounds: int,
    seconds: float,
    tell: Callable[[str], object] = lambda what: None,
) -> list[Record]:
    """Measures contenders on one problem.

    Args:
      problem: What to compute.
      contenders: Who computes it, by name. One that gives other values than `lrn`, or
        raises, is reported and not timed. A copy has nothing to be wrong about.
      machine: What to run on.
      rounds: Turns of each contender.
      seconds: After this time no round is begun, except for the first three.
      tell: Is told what happens next.

    Returns:
      A record for each contender, in their order.
    """
    x, cotangent = problem.data()
    expected = _expected(problem, x, cotangent, machine)
    records = {name: _header(problem, name, one) for name, one in contenders.items()}
    entrants: dict[str, _Entrant] = {}
    try:
        for name, contender in contenders.items():
            tell(f"preparing {contender.title}")
            found = _enter(problem, contender, machine, (x, cotangent), expected)
            if isinstance(found, _Entrant):
                entrants[name] = found
            else:
                records[name] |= found
        tell("taking turns")
        _take_turns(list(entrants.values()), rounds, seconds)
        fastest = {
            name: min(sample.seconds for sample in one.samples)
            for name, one in entrants.items()
        }
        for name, one in entrants.items():
            records[name] |= _result(problem, one, fastest[name])
            records[name] |= _comparison(problem, name, fastest, contenders)
    finally:
        for one in entrants.values():
            one.prepared.close()
    return list(records.values())


def _expected(
    problem: Problem, x: np.ndarray, cotangent: np.ndarray, machine: Machine
) -> list[np.ndarray]:
    prepared = CONTENDERS[DEFAULT].prepare(problem, x, cotangent, machine)
    return prepared.outputs()


def _enter(
    problem: Problem,
    contender: Contender,
    machine: Machine,
    data: tuple[np.ndarray, np.ndarray],
    expected: list[np.ndarray],
) -> _Entrant | Record:
    """Returns the contender, ready to be timed, or what its record says instead."""
    if refusal := contender.refusal(problem, machine):
        return {"status": "refused", "reason": refusal}
    prepared = None
    try:
        prepared = contender.prepare(problem, *data, machine)
        errors = []
        if contender.family != "copy":
            errors = _errors(prepared.outputs(), expected)
            if not max(errors) <= problem.tolerance:
                prepared.close()
                what = "y" if errors[0] > problem.tolerance else "the gradient"
                return {
                    "status": "wrong",
                    "errors": [error if error < math.inf else None for error in errors],
                    "reason": f"{what} is off by {max(errors):.1e} of its largest "
                    f"value; up to {problem.tolerance:.0e} is rounding",
                }
        calls = _calls_a_turn(prepared, machine)
    except Exception as error:  # any of a peer's own kinds, and the others go on
        if prepared is not None:
            prepared.close()
        message = " ".join(str(error).split())[:300]
        return {"status": "failed", "reason": f"{type(error).__name__}: {message}"}
    return _Entrant(prepared, errors, calls, [])


def _take_turns(entrants: list[_Entrant], rounds: int, seconds: float) -> None:
    order = random.Random(0)
    collects = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        for one in entrants:  # a round that does not count: memory finds its places
            one.prepared.time(one.calls)
        end = perf_counter() + seconds
        for number in range(rounds):
            if number >= _LEAST_ROUNDS and perf_counter() > end:
                break
            for one in order.sample(entrants, len(entrants)):
                one.samples.append(one.prepared.time(one.calls))
    finally:
        if collects:
            gc.enable()


def _header(problem: Problem, name: str, contender: Contender) -> Record:
    return {
        "record": "measurement",
        **asdict(problem),
        "shape": list(problem.shape),
        "contender": name,
        "title": contender.title,
        "family": contender.family,
        "own_process": contender.own_process,
    }


def _result(problem: Problem, one: _Entrant, fastest: float) -> Record:
    times = [sample.seconds for sample in one.samples]
    program = one.prepared.program
    return {
        "status": "measured",
        "errors": one.errors,
        "rounds": len(times),
        "calls_a_turn": one.calls,
        "minimum_s": fastest,
        "median_s": statistics.median(times),
        "samples_s": [float(f"{time:.4g}") for time in times],
        "page_faults": statistics.median(sample.page_faults for sample in one.samples),
        **(
            {
                "kernels": program.work.kernels,
                # A share of the bytes of x, which is one pass over one array.
                "passes": program.work.bytes / problem.array_bytes,
                "temporary_bytes": program.temporary_bytes,
                "compile_s": program.compile_seconds,
            }
            if program
            else {}
        ),
    }


def _comparison(
    problem: Problem,
    name: str,
    fastest: Mapping[str, float],
    contenders: Mapping[str, Contender],
) -> Record:
    """Returns what the minima of one run say about each other."""
    own, copy = fastest[name], fastest.get(COPY)
    floor = 2 * problem.array_bytes if name == COPY else problem.floor_bytes
    found: Record = {"floor_bytes": floor, "bytes_per_second": floor / own}
    if copy is not None:
        found["copies"] = own / copy
        found["share_of_copy_bandwidth"] = (
            floor / (2 * problem.array_bytes) * copy / own
        )
    found["times_as_fast_as"] = {
        other: fastest[other] / own
        for other in fastest
        if other != name and contenders[other].family in ("naive", "peer")
    }
    return found
