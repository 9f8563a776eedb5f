"""From contenders to measurements: check, then time in turns."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from experiments.terminal.text import plain

from ..records import Record
from ..turns import Tell, Times, take_turns
from .cases import Problem
from .contenders import CONTENDERS, COPY, DEFAULT, Contender, Machine, Prepared

# On an accelerator, calls are queued and overlap with the launch of the next: with many
# in a turn, the wait at its end is small. On CPU they would run side by side.
_TURN_SECONDS = 0.005


@dataclass
class _Entrant:
    """A contender that takes part: ready, and found right."""

    prepared: Prepared
    errors: list[float]


def _largest_error(found: np.ndarray, expected: np.ndarray) -> float:
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
    return [_largest_error(*pair) for pair in zip(found, expected, strict=True)]


def compare(
    problem: Problem,
    contenders: Mapping[str, Contender],
    machine: Machine,
    *,
    rounds: int,
    seconds: float,
    tell: Tell = lambda what: None,
) -> list[Record]:
    """Measures contenders on one problem.

    Args:
      problem: What to compute.
      contenders: Who computes it, by name. One that gives other values than `lrn`, or
        raises, is reported and not timed. A copy has nothing to be wrong about.
      machine: What to run on.
      rounds: Turns of each contender.
      seconds: No round begins later than this, except for the first three.
      tell: Is given what happens next, in words.

    Returns:
      A record for each contender, in their order.
    """
    x, cotangent = problem.data()
    expected = CONTENDERS[DEFAULT].prepare(problem, x, cotangent, machine).outputs()
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
        try:
            times = take_turns(
                {name: one.prepared.time for name, one in entrants.items()},
                rounds=rounds,
                seconds=seconds,
                shortest=0.0 if machine.platform == "cpu" else _TURN_SECONDS,
                tell=tell,
            )
        except Exception as error:  # a device may be lost, to whoever failed before
            for name in entrants:
                records[name] |= _failure(error)
            return list(records.values())
        fastest = {name: each.minimum for name, each in times.items()}
        for name, one in entrants.items():
            records[name] |= _result(problem, one, times[name])
            records[name] |= _comparison(problem, name, fastest, contenders)
    finally:
        for one in entrants.values():
            one.prepared.close()
    return list(records.values())


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
    except Exception as error:  # any of a peer's own kinds, and the others go on
        if prepared is not None:
            prepared.close()
        return _failure(error)
    return _Entrant(prepared, errors)


def _failure(error: Exception) -> Record:
    message = plain(str(error))[:300]
    return {"status": "failed", "reason": f"{type(error).__name__}: {message}"}


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


def _result(problem: Problem, one: _Entrant, times: Times) -> Record:
    found = {"status": "measured", "errors": one.errors, **times.record()}
    if program := one.prepared.program:
        found |= {
            "kernels": program.work.kernels,
            # A share of the bytes of x, which is one pass over one array.
            "passes": program.work.bytes / problem.array_bytes,
            "temporary_bytes": program.temporary_bytes,
            "compile_s": program.compile_seconds,
        }
    return found


def _comparison(
    problem: Problem,
    name: str,
    fastest: Mapping[str, float],
    contenders: Mapping[str, Contender],
) -> Record:
    """Compares the minima of one run."""
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
