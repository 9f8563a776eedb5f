"""Several devices and processes: the same numbers, to rounding."""

import socket

import jax
import numpy as np
import pytest

from experiments import metrics
from experiments.__main__ import main
from experiments.config.config import Ablation, Config, Recipe
from experiments.terminal.errors import UserError
from experiments.training.feed import make_feed
from experiments.training.train import train

from .digits import placed
from .programs import lines_of, started

pytestmark = pytest.mark.usefixtures("quick")

# Augmentation and dropout, so that what is random is compared too.
RECIPE = Recipe(epochs=2, crop=8, padding=1, flip=True)


@pytest.mark.slow
def test_eight_devices_train_like_one():
    states = {}
    results = {
        number: train(
            Config(RECIPE, "lrn_batch_norm", 0),
            placed(number),
            on_end=lambda state, _: states.update(
                {len(state.step.sharding.device_set): state}
            ),
        )
        for number in (1, 8)
    }
    for one, eight in zip(results[1].epochs, results[8].epochs, strict=True):
        np.testing.assert_allclose(eight.train_loss, one.train_loss, rtol=1e-4)
        np.testing.assert_allclose(
            eight.validation_loss, one.validation_loss, rtol=1e-3
        )
    # The statistics are those of the whole batch; the devices' own would have a
    # smaller variance.
    jax.tree.map(
        lambda eight, one: np.testing.assert_allclose(eight, one, rtol=1e-2, atol=1e-4),
        states[8].model_state,
        states[1].model_state,
    )


def test_batches_are_divided_among_the_devices():
    feed = make_feed(RECIPE, placed(8), None)
    batch = next(feed.calls(0, 1))
    assert {shard.data.shape for shard in batch.addressable_shards} == {(1, 8)}
    assert len(batch.sharding.device_set) == 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--devices", "3"],
            "`batch-size` must be a multiple of the number of devices",
        ),
        (["--devices", "9"], "`devices` must be at most the number there is, 8"),
    ],
)
def test_impossible_divisions_are_refused(arguments, message, tmp_path, capsys):
    output = tmp_path / "runs"
    assert main(["ablate", *arguments, "--output", str(output)]) == 2
    assert f"error: {message}" in capsys.readouterr().err
    assert not output.exists()


def test_processes_that_are_not_found_are_told(monkeypatch, capsys):
    def initialize(*arguments):
        raise ValueError("coordinator_address should be defined.")

    monkeypatch.setattr(jax.distributed, "initialize", initialize)
    assert main(["ablate", "--distributed"]) == 2
    message = "`distributed` needs other processes, but JAX did not find them: coord"
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(("seeds", "sizes"), [(3, {2, 3}), (None, {5, 6})])
def test_shards_are_all_runs_once(seeds, sizes):
    everything = Ablation(seeds=seeds).configs()
    shards = [Ablation(seeds=seeds, shard=f"{i}/5").configs() for i in range(1, 6)]
    assert {len(shard) for shard in shards} == sizes
    merged = [config for shard in shards for config in shard]
    assert sorted(map(repr, merged)) == sorted(map(repr, everything))


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b", ""])
def test_impossible_shards_are_refused(shard):
    with pytest.raises(UserError, match="`shard` must be I/N with 1 <= I <= N"):
        Ablation(shard=shard)


def test_shards_write_to_one_directory(tmp_path, capsys):
    common = ["ablate", "--epochs", "2", "--seeds", "2", "--norms", "none"]
    for shard in ("1/2", "2/2"):
        assert main([*common, "--shard", shard, "--output", str(tmp_path)]) == 0
    assert "[1/1] no norm, seed 1: test accuracy" in capsys.readouterr().out
    assert [run.seed for run in metrics.read(tmp_path)] == [0, 1]
    # Each can be resumed.
    assert (
        main(["ablate", "--resume", "--shard", "2/2", "--output", str(tmp_path)]) == 0
    )
    assert "[1/1] no norm, seed 1: completed before" in capsys.readouterr().out
    # None begins twice.
    assert main([*common, "--shard", "2/2", "--output", str(tmp_path)]) == 2
    assert "holds what shard 2/2 began" in capsys.readouterr().err


@pytest.mark.slow
def test_two_processes_train_like_one(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = ["ablate", "--epochs", "2", "--seeds", "1", "--norms", "batch_norm"]
    common += ["--devices", "1", "--checkpoint-seconds", "0"]
    several = ["--distributed", "--coordinator", f"127.0.0.1:{port}"]
    several += ["--num-processes", "2", "--output", str(tmp_path / "two")]
    with (
        started(*common, *several, "--process-id", "0") as main_process,
        started(*common, *several, "--process-id", "1") as other_process,
    ):
        printed, errors = main_process.communicate(timeout=240)
        assert main_process.returncode == 0, errors
        other_printed, errors = other_process.communicate(timeout=240)
        assert other_process.returncode == 0, errors
    assert "BatchNorm, seed 0: test accuracy" in printed
    assert "accuracy" not in other_printed

    assert main([*common, "--output", str(tmp_path / "one")]) == 0
    one, two = (
        lines_of(tmp_path / name / "batch_norm-seed0.jsonl") for name in ("one", "two")
    )
    assert (one[0]["devices"], two[0]["devices"]) == (1, 2)
    for of_one, of_two in zip(one[1:], two[1:], strict=True):
        assert of_one.keys() == of_two.keys()
        for name in of_one.keys() & {"train_loss", "validation_loss", "test_loss"}:
            np.testing.assert_allclose(of_two[name], of_one[name], rtol=1e-3)
