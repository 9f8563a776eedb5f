"""The measuring of training steps: what is taken, told and kept; never how fast."""

import json
import re
from functools import partial

import pytest

from experiments.__main__ import main
from experiments.speed import measure
from experiments.speed.measure import LEAST_ROUNDS, Times, take_turns
from experiments.speed.results import OURS, PEERS, Measured, Row

QUICK = ("--batch-size", "2", "--seconds", "0.01", "--no-torch")


def test_command_prints_a_table_and_keeps_every_time(tmp_path, capsys):
    output = tmp_path / "speed.jsonl"
    arguments = ["speed", "article", "caffe_quick", *QUICK, "--norms", "none", "lrn"]
    assert main([*arguments, "--output", str(output)]) == 0
    printed = capsys.readouterr().out
    assert "article, 2 images a step" in printed
    assert "caffe_quick, 2 images a step" in printed
    assert "share" in printed
    assert "PyTorch is not installed" not in printed
    records = [json.loads(line) for line in output.read_text("utf-8").splitlines()]
    assert [(each["recipe"], each["norm"]) for each in records] == [
        (recipe, norm)
        for recipe in ("article", "caffe_quick")
        for norm in ("none", "lrn")
    ]
    for each in records:
        assert set(each["seconds"]) == {"jax"}
        assert len(each["seconds"]["jax"]) >= LEAST_ROUNDS
        assert all(seconds > 0 for seconds in each["seconds"]["jax"])
        assert each["command"].startswith("python -m experiments speed article")
        assert "commit" in each["environment"]


def test_preset_decides_what_is_measured(capsys):
    assert main(["speed", "conv_local", *QUICK]) == 0
    printed = capsys.readouterr().out
    for norm in ("no norm", "LRN", "BatchNorm"):
        assert f"\n{norm} " in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--batch-size", "0"], "`batch-size` must be at least 1, but got 0"),
        (["--threads", "0"], "`threads` must be at least 1, but got 0"),
        (
            ["--seconds", "0"],
            "`seconds` must be finite and greater than 0",
        ),
        (["--seconds", "inf"], "`seconds` must be finite and greater than 0"),
        (["article", "article"], "`recipes` must be different from one another, but"),
        (["--norms", "lrn", "lrn"], "`norms` must be different from one another, but"),
        (
            ["--seconds", "nan"],
            "`seconds` must be finite and greater than 0",
        ),
    ],
)
def test_impossible_values_are_refused(arguments, message, capsys):
    assert main(["speed", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_file_that_exists_is_kept(tmp_path, capsys):
    output = tmp_path / "speed.jsonl"
    output.write_text("precious")
    assert main(["speed", "article", *QUICK, "--output", str(output)]) == 2
    assert f"{output} cannot be made: File exists" in capsys.readouterr().err
    assert output.read_text() == "precious"


def test_contenders_take_turns(monkeypatch):
    clock = map(float, range(10**6))  # every step takes a second
    monkeypatch.setattr(measure.time, "perf_counter", lambda: next(clock))
    taken: list[str] = []
    shares: list[float] = []
    contenders = {name: partial(taken.append, name) for name in "abc"}
    times = take_turns(contenders, 1e-9, on_round=shares.append)
    assert taken[:6] == ["a", "a", "b", "b", "c", "c"]  # to choose a number
    rounds = [taken[i : i + 6] for i in range(6, len(taken), 6)]
    assert len(rounds) == LEAST_ROUNDS
    for turns in rounds:
        assert turns[::2] == turns[1::2]  # one that is not timed, one that is
        assert sorted(turns[::2]) == ["a", "b", "c"]
    assert {each.seconds for each in times.values()} == {(1.0,) * LEAST_ROUNDS}
    assert shares[-1] == 1


def test_turns_have_as_many_steps_as_take_a_tenth_of_a_second(monkeypatch):
    now = 0.0
    taken = 0

    def step():
        nonlocal now, taken
        now, taken = now + 0.005, taken + 1

    monkeypatch.setattr(measure.time, "perf_counter", lambda: now)
    times = take_turns({"a": step}, 1e-9)
    untimed, timed = 5, 20
    assert taken == 2 + (untimed + timed) * LEAST_ROUNDS
    assert times["a"].median == pytest.approx(0.005)


TIMES = {
    name: Times((9.0, seconds, 0.0))
    for name, seconds in zip("abc", (2.0, 3.0, 4.0), strict=True)
}


def test_ratio_is_to_the_faster_layout_and_share_to_the_step_without():
    times = {OURS: TIMES["b"], PEERS[0]: TIMES["c"], PEERS[1]: TIMES["a"]}
    row = Row("lrn", times)
    assert row.ratio == pytest.approx(2 / 3)
    assert row.share(TIMES["a"]) == pytest.approx(1 / 3)
    assert row.share(None) is None
    assert Row("none", times).share(TIMES["b"]) is None
    assert Row("divisive", {OURS: TIMES["b"]}).ratio is None


def test_what_is_kept_can_be_shown_again(tmp_path, capsys):
    rows = [Row("none", {OURS: TIMES["a"]}), Row("lrn", {OURS: TIMES["c"]})]
    path = tmp_path / "speed.jsonl"
    path.write_text("".join(Measured("article", 8, rows).records({})), "utf-8")
    assert main(["speed", "--show", str(path)]) == 0
    printed = capsys.readouterr().out
    assert "article, 8 images a step, 3 turns each" in printed
    assert re.search(r"^LRN +4000\.0 +2 .* 50%$", printed, re.MULTILINE)
    path.write_text("{}")
    assert main(["speed", "--show", str(path)]) == 2
    assert "`show` must be a file that speed --output" in capsys.readouterr().err
