"""An ablation that was ended, at any moment and in any way, can go on."""

import json
import random
import shutil
import time
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from experiments import metrics, records
from experiments.__main__ import main, parse
from experiments.checkpoint import Checkpoints
from experiments.config import Ablation, Recipe
from experiments.errors import UserError
from experiments.program import make_program

from .programs import FULL_DISK, PROGRAM, lines_of, started

LONG = ("--epochs", "12", "--seeds", "2", "--norms", "batch_norm")
EVERY_EPOCH = ("--checkpoint-seconds", "0")
RUNS = ("batch_norm-seed0.jsonl", "batch_norm-seed1.jsonl")


def num_lines(directory) -> int:
    """Lines of metrics in a directory, however far they are."""
    return sum(path.read_bytes().count(b"\n") for path in directory.glob("*.jsonl"))


def test_killed_run_ends_like_one_that_was_not(tmp_path):
    # The command line is part of the metrics, so both have the same directory.
    output = tmp_path / "runs"
    arguments = ("ablate", *LONG, *EVERY_EPOCH, "--output", str(output))
    with started(*arguments) as process:
        _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    whole = {name: lines_of(output / name) for name in RUNS}
    assert [len(lines) for lines in whole.values()] == [14, 14]
    shutil.move(output, tmp_path / "whole")

    moments = random.Random(0)
    for kill_after in sorted(moments.sample(range(3, 22), 3)):
        with started(*arguments) as process:
            deadline = time.monotonic() + 240
            while num_lines(output) < kill_after:
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.01)
            time.sleep(0.1 * moments.random())
            process.kill()
        assert num_lines(output) < 28
        arguments = ("ablate", "--resume", "--output", str(output))
    with started(*arguments) as process:
        printed, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert {name: lines_of(output / name) for name in RUNS} == whole
    assert not list(output.glob("*.checkpoint"))
    assert "BatchNorm" in printed


def quick(output, *more: str) -> list[str]:
    return [
        "ablate",
        "--epochs",
        "2",
        "--norms",
        "none",
        "--output",
        str(output),
        *more,
    ]


@pytest.fixture
def finished(tmp_path):
    """The directory of an ablation with one run, all done."""
    assert main(quick(tmp_path / "runs", "--seeds", "1")) == 0
    return tmp_path / "runs"


def test_half_a_line_is_cut_off_and_what_is_done_is_kept(finished, capsys):
    path = finished / "none-seed0.jsonl"
    whole = path.read_bytes()
    start, *_ = whole.splitlines(keepends=True)
    for rest in (whole[: len(start) + 20], start[:50], b""):
        path.write_bytes(rest)
        assert main(["ablate", "--resume", "--output", str(finished)]) == 0
        resumed = path.read_text("utf-8")
        assert [len(line) > 2 for line in resumed.splitlines()] == [True] * 4
        assert json.loads(resumed.splitlines()[0])["command"] in start.decode()

    before = path.read_bytes()
    capsys.readouterr()
    assert main(["ablate", "--resume", "--output", str(finished)]) == 0
    assert path.read_bytes() == before
    assert "no norm, seed 0: completed before" in capsys.readouterr().out


def test_resume_takes_further_seeds(finished):
    before = (finished / "none-seed0.jsonl").read_bytes()
    arguments = ["ablate", "--resume", "--output", str(finished), "--seeds", "2"]
    assert main(arguments) == 0
    assert [run.seed for run in metrics.read(finished)] == [0, 1]
    assert (finished / "none-seed0.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--epochs", "3"], "its recipe (epochs) is another"),
        (["--shard", "1/2"], "or of its shard 1/2, but"),
    ],
)
def test_resume_with_something_else_is_refused(more, message, finished, capsys):
    before = (finished / "none-seed0.jsonl").read_bytes()
    assert main(["ablate", "--resume", "--output", str(finished), *more]) == 2
    assert message in capsys.readouterr().err
    assert (finished / "none-seed0.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ablate", "--resume"], "`resume` needs the directory"),
        (["ablate", "--resume", "--output", "/no/where"], "`resume` needs the direct"),
    ],
)
def test_nothing_to_resume(arguments, message, capsys):
    assert main(arguments) == 2
    assert f"error: {message}" in capsys.readouterr().err


def test_another_recipe_is_not_resumed(finished, capsys):
    arguments = ["ablate", "caffe_full", "--resume", "--output", str(finished)]
    assert main(arguments) == 2
    assert "was begun with, article, but got caffe_full" in capsys.readouterr().err


def test_state_comes_back_to_the_bit(tmp_path):
    program = make_program(Recipe(epochs=2), "batch_norm")
    state, _ = program.run(program.init(0), next(iter(program.calls(0, 1))))
    saved = [np.asarray(leaf) for leaf in jax.tree.leaves(state)]
    checkpoints = Checkpoints(tmp_path / "run.checkpoint", 0)
    assert checkpoints.latest == 0
    checkpoints.save(1, program.init(1))
    checkpoints.save(3, state)
    assert checkpoints.latest == 3

    again = Checkpoints(tmp_path / "run.checkpoint", 0)
    assert again.latest == 3
    restored = again.restore(program.init(2))
    for before, after in zip(saved, jax.tree.leaves(restored), strict=True):
        np.testing.assert_array_equal(before, after)
        assert before.dtype == after.dtype
    again.remove()
    assert not list(tmp_path.iterdir())


def test_checkpoints_are_not_more_frequent_than_wanted(tmp_path):
    state = make_program(Recipe(epochs=2), "batch_norm").init(0)
    checkpoints = Checkpoints(tmp_path / "run.checkpoint", seconds=1000)
    checkpoints.save(1, state)
    assert checkpoints.latest == 0
    checkpoints.save(2, state, now=True)
    assert checkpoints.latest == 2


def test_weights_of_finished_runs_can_be_kept(tmp_path):
    assert main(quick(tmp_path / "runs", "--seeds", "1", "--keep-checkpoints")) == 0
    kept = Checkpoints(tmp_path / "runs" / "none-seed0.checkpoint", 0)
    assert kept.latest == 2
    state = kept.restore(make_program(Recipe(epochs=2), "none").init(1))
    assert int(state.step) == 2 * 20


def test_disk_without_room_is_noticed_before_training(tmp_path, monkeypatch, capsys):
    usage = SimpleNamespace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert main(quick(tmp_path / "runs")) == 2
    assert "A checkpoint needs 0.4 MiB of room in" in capsys.readouterr().err
    assert not list(tmp_path.glob("runs/*.jsonl"))


@pytest.mark.parametrize(
    ("limit", "checkpoint_seconds", "message"),
    [
        (2000, "inf", "none-seed0.jsonl cannot be written: File too large"),
        (20000, "0", "A checkpoint in"),
    ],
)
def test_full_disk_is_reported_and_what_is_there_goes_on(
    limit, checkpoint_seconds, message, tmp_path
):
    output = tmp_path / "runs"
    arguments = quick(
        output, "--seeds", "1", "--checkpoint-seconds", checkpoint_seconds
    )
    program = FULL_DISK.format(limit=limit) + PROGRAM
    with started(*arguments, "--epochs", "9", program=program) as process:
        _, errors = process.communicate(timeout=240)
    assert process.returncode == 2
    # First: after it, orbax may complain of what it did not get to do.
    assert errors.replace(f"{output}/", "").startswith(f"error: {message}")
    assert main(["ablate", "--resume", "--output", str(output)]) == 0
    [run] = metrics.read(output)
    assert run.completed
    assert [epoch.epoch for epoch in run.epochs] == list(range(1, 10))


def test_directory_that_cannot_be_written_to_is_refused(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(quick(tmp_path / "file" / "runs")) == 2
    assert "`output` must be a directory that can be written to" in (
        capsys.readouterr().err
    )


def test_run_of_another_recipe_is_not_taken_for_this_one(finished):
    command = parse(quick(finished, "--learning-rate", "0.1"))
    assert isinstance(command, Ablation)
    with pytest.raises(UserError, match=r"recipe \(learning_rate\) is another"):
        records.find(finished, command.configs()[0])
