"""An ablation that was ended, at any moment and in any way, can go on."""

import dataclasses
import json
import random
import resource
import shutil
import time
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import metrics
from experiments.__main__ import main
from experiments.commands import ablate as grid
from experiments.config.config import Config, Recipe
from experiments.metrics import directories, provenance
from experiments.metrics import write as records
from experiments.terminal.errors import UserError
from experiments.training import parallel, train
from experiments.training.checkpoint import Checkpoints
from experiments.training.step import State, make_functions

from .digits import DATASET, compiled
from .programs import lines_of, started

LONG = ("--epochs", "12", "--seeds", "2", "--norms", "batch_norm")
EVERY_EPOCH = ("--checkpoint-seconds", "0")
RUNS = ("batch_norm-seed0.jsonl", "batch_norm-seed1.jsonl")


def num_lines(directory) -> int:
    """Lines of metrics in a directory, however far they are."""
    return sum(path.read_bytes().count(b"\n") for path in directory.glob("*.jsonl"))


pytestmark = pytest.mark.usefixtures("quick")


@pytest.mark.slow
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
    for kill_after in sorted(moments.sample(range(3, 22), 2)):
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
    assert {path.suffix for path in output.iterdir()} == {
        *(".jsonl", ".json", ".npz", ".svg", ".md", ".html")
    }
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


def resumed(output, *more: str) -> list[str]:
    return ["ablate", "--resume", "--output", str(output), *more]


@pytest.fixture(scope="module")
def one_run(tmp_path_factory):
    """The directory of an ablation with one run, all done."""
    output = tmp_path_factory.mktemp("ablation") / "runs"
    assert main(quick(output, "--seeds", "1", *EVERY_EPOCH)) == 0
    return output


@pytest.fixture
def finished(one_run, tmp_path):
    """A copy of that."""
    return shutil.copytree(one_run, tmp_path / "finished")


@pytest.fixture
def interrupted(tmp_path, monkeypatch):
    """The directory of the same ablation, stopped in its second epoch."""
    arm = compiled(Recipe(epochs=2), "none")
    evaluated = []

    def evaluate(*arguments):
        evaluated.append(arguments)
        if len(evaluated) == 2:
            raise KeyboardInterrupt
        return arm.evaluate(*arguments)

    with monkeypatch.context() as context:
        stopped = arm._replace(evaluate=evaluate)
        context.setattr(train, "compile_arm", lambda *arguments: stopped)
        assert main(quick(tmp_path / "runs", "--seeds", "1", *EVERY_EPOCH)) == 130
    assert Checkpoints(tmp_path / "runs" / "none-seed0.checkpoint", 0).latest == 1
    return tmp_path / "runs"


def test_half_a_line_is_cut_off_and_what_is_done_is_kept(finished, capsys):
    path = finished / "none-seed0.jsonl"
    whole = path.read_bytes()
    start, *_ = whole.splitlines(keepends=True)
    for rest in (whole[: len(start) + 20], start[:50], b""):
        path.write_bytes(rest)
        assert main(resumed(finished)) == 0
        again = path.read_text("utf-8")
        assert [len(line) > 2 for line in again.splitlines()] == [True] * 4
        assert json.loads(again.splitlines()[0])["command"] in start.decode()

    before = path.read_bytes()
    path.with_suffix(".checkpoint").touch()  # killed before that was removed
    capsys.readouterr()
    assert main(resumed(finished)) == 0
    assert path.read_bytes() == before
    assert not path.with_suffix(".checkpoint").exists()
    assert "no norm, seed 0: completed before" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "arms"),
    [
        (["--seeds", "2"], ["none"]),
        (["--norms", "lrn"], ["none", "lrn"]),
        pytest.param(
            ["--norms", "lrn", "--sweep", "alpha=1"],
            ["none", "lrn-alpha=1"],
            marks=pytest.mark.slow,
        ),
    ],
)
def test_what_is_given_is_added_and_kept(more, arms, finished, capsys):
    before = (finished / "none-seed0.jsonl").read_bytes()
    assert main(resumed(finished, *more)) == 0
    runs = metrics.read(finished)
    assert list(dict.fromkeys(run.norm for run in runs)) == arms
    assert len(runs) == 2
    assert (finished / "none-seed0.jsonl").read_bytes() == before
    capsys.readouterr()
    assert main(resumed(finished)) == 0
    assert "[2/2]" in capsys.readouterr().out


def test_values_are_added_to_a_sweep(tmp_path, monkeypatch):
    begun = ["ablate", "--norms", "lrn", "--sweep", "depth-radius=1,2"]
    directories.write_arguments(tmp_path, "1/1", begun)
    arms = []

    def ablate(ablation, console, arguments):
        arms.extend(arm.arm for arm in ablation.arms())
        return 0

    monkeypatch.setattr(grid, "ablate", ablate)
    assert main(resumed(tmp_path, "--sweep", "depth_radius=2.0,3")) == 2
    assert main(resumed(tmp_path, "--sweep", "depth_radius=2,3")) == 0
    assert arms == [f"lrn-depth_radius={radius}" for radius in (1, 2, 3)]


def test_contrasts_are_kept_and_added(tmp_path, monkeypatch):
    begun = ["ablate", "--norms", "none", "lrn", "--contrasts", "none-lrn"]
    directories.write_arguments(tmp_path, "1/1", begun)
    compared = []

    def ablate(ablation, console, arguments):
        compared.append(["-".join(each) for each in ablation.compared()])
        return 0

    monkeypatch.setattr(grid, "ablate", ablate)
    assert main(resumed(tmp_path)) == 0
    more = ["--norms", "whole_map", "--contrasts", "whole_map-none"]
    assert main(resumed(tmp_path, *more)) == 0
    assert main(resumed(tmp_path, "--norms", "scaled")) == 0
    assert compared == [["none-lrn"], ["none-lrn", "whole_map-none"], ["none-lrn"]]


def test_images_may_lie_elsewhere(tmp_path, monkeypatch):
    begun = ["ablate", "--dataset", "mnist", "--data-dir", "here"]
    directories.write_arguments(tmp_path, "1/1", begun)
    found = []

    def ablate(ablation, console, arguments):
        found.append((ablation.recipe.dataset, str(ablation.recipe.data_dir)))
        return 0

    monkeypatch.setattr(grid, "ablate", ablate)
    assert main(resumed(tmp_path, "--data-dir", "there")) == 0
    assert found == [("mnist", "there")]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--epochs", "3"], "its recipe (epochs) is another"),
        (["--shard", "1/2"], "or of its shard 1/2, but"),
    ],
)
def test_resume_with_something_else_is_refused(more, message, finished, capsys):
    before = {path: path.read_bytes() for path in finished.iterdir()}
    assert main(resumed(finished, *more)) == 2
    assert message in capsys.readouterr().err
    assert {path: path.read_bytes() for path in finished.iterdir()} == before


@pytest.mark.parametrize("more", [[], ["--seeds", "2"], ["--norms", "lrn"]])
def test_resume_with_other_images_is_refused(more, interrupted, monkeypatch, capsys):
    before = {path: path.read_bytes() for path in interrupted.iterdir()}
    others = dataclasses.replace(DATASET, fingerprint="0" * 64)
    with monkeypatch.context() as context:
        context.setattr(grid, "read", lambda *arguments: others)
        assert main(resumed(interrupted, *more)) == 2
    assert f"their fingerprint is {'0' * 64} instead of" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in interrupted.iterdir()} == before
    assert main(["report", str(interrupted)]) == 0


def test_run_whose_metrics_were_changed_starts_again(interrupted, finished):
    path = interrupted / "none-seed0.jsonl"
    text = path.read_text()
    path.write_text(
        text.replace('"validation_accuracy": 0.', '"validation_accuracy": 0.0')
    )
    assert path.read_text() != text
    assert main(resumed(interrupted)) == 0
    _, *lines = lines_of(path)
    assert lines == lines_of(finished / "none-seed0.jsonl")[1:]


def test_what_a_run_goes_on_with_is_said_and_recorded(
    interrupted, finished, monkeypatch, capsys
):
    now = provenance.describe() | {"commit": "another"}
    monkeypatch.setattr(provenance, "describe", lambda: now)
    assert main(resumed(interrupted)) == 0
    assert "commit another instead of" in capsys.readouterr().out
    start, *lines = lines_of(interrupted / "none-seed0.jsonl")
    [part] = start["resumed"]
    assert part == {"after_epoch": 1, "environment": now, "devices": 1}
    assert start["environment"]["commit"] != "another"
    assert lines == lines_of(finished / "none-seed0.jsonl")[1:]


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


def test_arguments_that_were_damaged_are_not_taken(finished, capsys):
    path = finished / "arguments.json"
    path.write_text(path.read_text().replace('"--seeds", "1"', '"--seeds", "3"'))
    assert main(resumed(finished)) == 2
    assert "its checksum is that of other content" in capsys.readouterr().err
    assert main(["report", str(finished)]) == 0


def test_directory_is_trained_in_by_one_process_at_a_time(finished, capsys):
    with directories.hold(finished, "1/1"):
        assert main(resumed(finished)) == 2
    assert "that no other process trains in" in capsys.readouterr().err
    assert main(resumed(finished)) == 0


def test_run_of_another_process_is_left_to_it(finished, capsys):
    path = finished / "none-seed0.jsonl"
    half = path.read_bytes()[:-10]
    path.write_bytes(half)
    with records.held_run(finished, Config(Recipe(), "none", 0)):
        assert main(resumed(finished)) == 0
    assert "no norm, seed 0: trained by another process" in capsys.readouterr().out
    assert path.read_bytes() == half


def test_directories_without_a_name_get_one_each(tmp_path):
    made = [directories.make_new(tmp_path / "runs", "digits-now") for _ in range(3)]
    assert [path.name for path in made] == [
        "digits-now",
        "digits-now-2",
        "digits-now-3",
    ]
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="must be a directory that can be written to"):
        directories.make_new(tmp_path / "file", "digits-now")


def test_output_must_be_empty_and_writable(tmp_path):
    (tmp_path / ".lock").touch()  # of a job that was killed before it began
    directories.make(tmp_path)
    (tmp_path / "kept").write_text("precious")
    with pytest.raises(UserError, match="must be a new or empty directory"):
        directories.make(tmp_path)
    with pytest.raises(UserError, match="must be a directory that can be written to"):
        directories.make(tmp_path / "kept")
    assert (tmp_path / "kept").read_text() == "precious"


@pytest.mark.parametrize(("shard", "option"), [("1/1", ""), ("2/3", " --shard 2/3")])
def test_output_of_an_ablation_is_refused_with_the_command_that_goes_on(
    shard, option, tmp_path
):
    output = tmp_path / "two words"
    directories.make(output, shard)
    directories.write_arguments(output, shard, ["ablate"])
    with pytest.raises(UserError) as raised:
        directories.make(output, shard)
    command = f"python -m experiments ablate --resume --output '{output}'{option}"
    assert str(raised.value).endswith(f"or go on with it: {command}")


@cache
def init_of(norm: str) -> Callable[[int], State]:
    return jax.jit(make_functions(Recipe(epochs=2), norm, DATASET).init)


def initial_state(norm: str, seed: int) -> State:
    return init_of(norm)(seed)


def test_state_comes_back_to_the_bit(tmp_path):
    state = initial_state("batch_norm", 0)._replace(step=jnp.asarray(20, jnp.int32))
    saved = [np.asarray(leaf) for leaf in jax.tree.leaves(state)]
    checkpoints = Checkpoints(tmp_path / "run.checkpoint", 0)
    assert checkpoints.latest == 0
    checkpoints.save(1, initial_state("batch_norm", 1))
    checkpoints.save(3, state)
    assert checkpoints.latest == 3

    again = Checkpoints(tmp_path / "run.checkpoint", 0)
    assert again.latest == 3
    everywhere = parallel.replicated(parallel.make_mesh(8))
    like = jax.device_put(initial_state("batch_norm", 2), everywhere)
    restored = again.restore(like)
    for before, after in zip(saved, jax.tree.leaves(restored), strict=True):
        np.testing.assert_array_equal(before, after)
        assert before.dtype == after.dtype
        assert after.sharding == everywhere
    again.remove()
    assert not list(tmp_path.iterdir())


def test_state_that_is_damaged_or_another_is_refused(tmp_path):
    path = tmp_path / "run.checkpoint"
    Checkpoints(path, 0).save(1, initial_state("batch_norm", 0))
    whole = path.read_bytes()

    other = initial_state("none", 0)
    with pytest.raises(UserError, match=r"model_state\S* should be"):
        Checkpoints(path, 0).restore(other)

    flipped = [bytearray(whole) for _ in range(20)]
    for content, place in zip(
        flipped, np.linspace(0, len(whole) - 1, 20, dtype=int), strict=True
    ):
        content[place] ^= 1 << place % 8
    for content in (*flipped, whole[:-1], whole[:10], b""):
        path.write_bytes(content)
        with pytest.raises(UserError, match="its checksum is that of other content"):
            Checkpoints(path, 0).restore(initial_state("batch_norm", 0))


def test_checkpoints_are_not_more_frequent_than_wanted(tmp_path):
    state = initial_state("batch_norm", 0)
    checkpoints = Checkpoints(tmp_path / "run.checkpoint", seconds=1000)
    checkpoints.save(1, state)
    assert checkpoints.latest == 0
    checkpoints.save(2, state, now=True)
    assert checkpoints.latest == 2


def test_weights_of_finished_runs_can_be_kept(tmp_path):
    assert main(quick(tmp_path / "runs", "--seeds", "1", "--keep-checkpoints")) == 0
    kept = Checkpoints(tmp_path / "runs" / "none-seed0.checkpoint", 0)
    assert kept.latest == 2
    state = kept.restore(initial_state("none", 1))
    assert int(state.step) == 2 * 20


def test_disk_without_room_is_noticed_before_training(tmp_path, monkeypatch, capsys):
    usage = SimpleNamespace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert main(quick(tmp_path / "runs")) == 2
    assert "A checkpoint needs 0.4 MiB of room in" in capsys.readouterr().err
    assert not list(tmp_path.glob("runs/*.jsonl"))


@pytest.mark.parametrize(
    ("limit", "seconds", "name"),
    [(2000, "inf", "none-seed0.jsonl"), (20000, "0", "none-seed0.checkpoint")],
)
def test_full_disk_is_reported_and_what_is_there_goes_on(
    limit, seconds, name, tmp_path, limit_files, capsys
):
    output = tmp_path / "runs"
    limit_files(limit)
    long = ("--epochs", "9", "--seeds", "1", "--checkpoint-seconds", seconds)
    assert main(quick(output, *long)) == 2
    limit_files(resource.RLIM_INFINITY)
    errors = capsys.readouterr().err
    assert f"error: {output / name} cannot be written: File too large" in errors
    again = f"To go on: python -m experiments ablate --resume --output {output}\n"
    assert errors.endswith(again)
    assert not list(output.glob("*.part"))
    assert main(resumed(output)) == 0
    [run] = metrics.read(output)
    assert run.completed
    assert [epoch.epoch for epoch in run.epochs] == list(range(1, 10))


def test_directory_that_cannot_be_written_to_is_refused(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(quick(tmp_path / "file" / "runs")) == 2
    assert "`output` must be a directory that can be written to" in (
        capsys.readouterr().err
    )
