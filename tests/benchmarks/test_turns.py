"""Turns: who is called how often, and what is kept of it. Never how fast."""

from functools import partial

import pytest

from benchmarks.turns import LEAST_ROUNDS, Sample, Times, take_turns, time_calls


@pytest.mark.parametrize(("seconds", "rounds"), [(60, 5), (-1, LEAST_ROUNDS)])
def test_contenders_take_turns_as_long_as_there_is_time(seconds, rounds):
    taken: list[str] = []

    def timer(name, calls):
        assert calls == 1
        taken.append(name)
        return Sample(float(len(taken)), 0.0)

    told: list[str] = []
    timers = {name: partial(timer, name) for name in "abcd"}
    times = take_turns(timers, rounds=5, seconds=seconds, tell=told.append)
    assert taken[:16] == [*"aaaabbbbccccdddd"]  # these do not count
    turns = [tuple(taken[i : i + 4]) for i in range(16, len(taken), 4)]
    assert len(turns) == len(told) == rounds
    assert {tuple(sorted(turn)) for turn in turns} == {(*"abcd",)}
    assert len({*turns}) > 1
    kept = [sample.seconds for each in times.values() for sample in each.samples]
    assert sorted(kept) == [*range(17, 17 + 4 * rounds)]


def test_turns_are_long_enough_and_begin_with_calls_that_do_not_count():
    calls: list[int] = []

    def timer(number):
        calls.append(number)
        slow = number not in calls[:-1]  # the first turn of each length
        return Sample(0.2 if slow else 0.005, 0.0)

    times = take_turns({"a": timer}, rounds=2, seconds=60, shortest=0.1, warm_up=0.25)
    lengths = [each for each in (1, 2, 4, 8, 16, 32) for _ in range(3)]
    assert calls == [1, *lengths, 8, 32, 8, 32]
    assert times["a"].calls == 32


def test_a_turn_ends_when_its_last_result_is_there():
    waited: list[int] = []
    results = iter(range(9))
    sample = time_calls(lambda: next(results), waited.append, 4)
    assert waited == [3]
    assert sample.seconds > 0
    assert sample.page_faults >= 0


def test_least_and_middle_of_the_turns_are_told():
    samples = (Sample(9.0, 4.0), Sample(2.0, 0.0), Sample(3.00004, 1.0))
    assert Times(7, samples).record() == {
        "rounds": 3,
        "calls_a_turn": 7,
        "minimum_s": 2.0,
        "median_s": 3.00004,
        "samples_s": [9.0, 2.0, 3.0],
        "page_faults": 1.0,
    }
