"""Runs that are trained again from their records."""

import json
import math
import shutil
from dataclasses import asdict, replace

import numpy as np
import pytest
from PIL import Image

from experiments.__main__ import main
from experiments.commands import reproduce
from experiments.config import recorded
from experiments.config.recipe import Recipe
from experiments.config.recipes import PRESETS
from experiments.metrics import NonFiniteLossError, Run, provenance, read_run
from experiments.metrics.evaluation import packed_hits
from experiments.training import recorded as training

from .runs import amend, make_evaluation, make_run

pytestmark = pytest.mark.usefixtures("quick")

ALL = "train loss, validation loss, validation accuracy, test loss, test accuracy, hits"


@pytest.fixture
def published(finished_ablation, tmp_path):
    """A copy of a finished ablation of two arms with one seed."""
    return shutil.copytree(finished_ablation.output, tmp_path / "published")


def again(published, *more: str) -> list[str]:
    output = str(published.with_name("again"))
    return ["reproduce", str(published), "--output", output, *more]


def test_runs_come_out_identical_and_nothing_is_written_beside_them(
    finished_ablation, tmp_path, capsys
):
    directory = finished_ablation.output
    before = {path: path.stat().st_mtime_ns for path in directory.rglob("*")}
    arguments = ["reproduce", str(directory), "--output", str(tmp_path / "again")]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert f"[1/2] no norm, seed 0: identical: {ALL}\n" in printed
    assert f"[2/2] LRN, seed 0: identical: {ALL}\n" in printed
    assert "The test accuracy of 2 of 2 runs agrees. Metrics: " in printed
    assert {path: path.stat().st_mtime_ns for path in directory.rglob("*")} == before
    run, old = (
        read_run(place / "lrn-seed0.jsonl") for place in (tmp_path / "again", directory)
    )
    assert run is not None
    assert old is not None
    assert run.start["command"].startswith("python -m experiments reproduce ")
    assert run.start["recipe"] == old.start["recipe"]
    assert main(["report", str(tmp_path / "again")]) == 0


@pytest.mark.parametrize(("tolerance", "status"), [("0", 1), ("0.5", 1), ("100", 0)])
def test_accuracy_must_agree_within_the_tolerance(tolerance, status, published, capsys):
    amend(published, "lrn-*", end={"test_accuracy": 0.125})
    now = read_run(published / "none-seed0.jsonl")
    assert now is not None
    assert main(again(published, "--tolerance", tolerance)) == status
    printed = capsys.readouterr().out
    assert "LRN, seed 0: identical: train loss," in printed
    assert "instead of 12.50%" in printed
    assert f"accuracy of {1 + (not status)} of 2 runs agrees" in printed


def test_runs_are_chosen_by_arm_and_seed(published, capsys):
    assert main(again(published, "--norms", "lrn", "--seeds", "0")) == 0
    assert "[1/1] LRN, seed 0: identical" in capsys.readouterr().out
    for more, missing in (
        (["--norms", "lrn", "x"], "none of x."),
        (["--seeds", "0", "7"], "none of seed 7."),
    ):
        assert main(again(published, *more)) == 2
        assert missing in capsys.readouterr().err


def test_another_environment_and_other_images_are_said(published, monkeypatch, capsys):
    amend(published, fingerprint="0" * 64)
    now = provenance.describe() | {"jax": "9.9"}
    monkeypatch.setattr(provenance, "describe", lambda: now)
    assert main(again(published, "--norms", "lrn")) == 0
    printed = capsys.readouterr().out
    assert "Made with something else: " in printed
    assert "jax 9.9 instead of " in printed
    assert f"instead of {'0' * 64}." in printed


def test_run_that_diverges_now_does_not_agree(published, monkeypatch, capsys):
    def diverged(*arguments, **options):
        raise NonFiniteLossError(3, math.nan)

    monkeypatch.setattr(training, "train", diverged)
    assert main(again(published)) == 1
    assert "LRN, seed 0: differs: now it is diverged" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recipe": {"dataset": "digits", "epochs": 2, "x": 1}}, "its x is unknown to"),
        ({"recipe": {"dataset": "x", "epochs": 2}}, "its dataset is 'x'"),
        (
            {"recipe": {"dataset": "digits", "epochs": 2, "lrn": {"bias": -1}}},
            "`lrn.bi",
        ),
        ({"arm": "x", "arms": ["x"], "contrasts": []}, "its norm is unknown to this"),
    ],
)
def test_run_that_this_version_has_not_is_refused(changes, message, published, capsys):
    amend(published, "lrn-*", **changes)
    assert main(again(published)) == 2
    assert message in capsys.readouterr().err
    assert not published.with_name("again").exists()


@pytest.mark.parametrize("place", [".", "inside"])
def test_output_lies_elsewhere(place, published, capsys):
    arguments = ["reproduce", str(published), "--output", str(published / place)]
    assert main(arguments) == 2
    assert "`output` must lie outside" in capsys.readouterr().err
    assert not (published / "inside").exists()


def with_results(run: Run, **end) -> Run:
    hits = make_evaluation(0.9, 20).hits.copy()
    hits[:2] = ~hits[:2] if end.pop("others", False) else hits[:2]
    packed = {"test_hits": packed_hits(hits), "test_images": 20}
    return replace(run, end=run.end | packed | end)


def test_what_differs_is_said_with_its_size():
    before = with_results(make_run("lrn", 0, 0.9))
    epochs = list(before.epochs)
    for i, gap in ((1, 0.25), (2, -0.5)):
        epochs[i] = replace(epochs[i], train_loss=epochs[i].train_loss + gap)
    after = with_results(before, test_loss=0.125, test_accuracy=0.85, others=True)
    after = replace(after, epochs=tuple(epochs))
    assert reproduce._differences(before, after) == (
        ["validation loss", "validation accuracy"],
        [
            "train loss by up to 0.5, from epoch 2 on",
            "test loss by 0.025",
            "test accuracy, 85.00% instead of 90.00%",
            "hits, on 2 images",
        ],
    )
    assert not reproduce._agrees(before, after, 4.9)
    assert reproduce._agrees(before, after, 5)  # 100 * (0.9 - 0.85) is above it


@pytest.mark.parametrize("name", PRESETS)
def test_recipe_comes_back_from_json(name):
    recipe = PRESETS[name].recipe
    content = json.loads(json.dumps(asdict(recipe), default=str))
    assert recorded.recipe(content) == recipe


def test_what_was_not_recorded_has_its_default():
    assert recorded.recipe({"dataset": "digits", "epochs": 2}) == Recipe(epochs=2)


@pytest.mark.parametrize(
    "content",
    [
        *({"epochs": each} for each in ("3", True, None, 2.5, [3])),
        *({"lrn": each} for each in (3, {"y": 1}, {"alpha": "1"})),
        *({"weight_decay": each} for each in ([["*"]], [[1, 1]], "*", None)),
        *({"contrast": each} for each in ([1, 2, 3], 1)),
        *({"network": each} for each in ("x", [])),
    ],
)
def test_record_of_another_type_is_refused(content):
    with pytest.raises(ValueError, match=f"^its {next(iter(content))}"):
        recorded.recipe(content)


def test_places_of_a_folder_are_named_anew(tmp_path, capsys):
    """Images may lie elsewhere now, and on other machines do."""
    pixels = np.random.default_rng(0).integers(256, size=(16, 8, 8, 3), dtype=np.uint8)
    parts = ("data", "val", "test")
    for part in parts:
        for number, image in enumerate(pixels):
            file = tmp_path / "once" / part / "ab"[number % 2] / f"{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(file)
    once, now = (
        [
            word
            for part in parts
            for word in (f"--{part}-dir", str(tmp_path / at / part))
        ]
        for at in ("once", "now")
    )
    published = tmp_path / "published"
    few = ["--norms", "none", "--seeds", "1", "--epochs", "1", "--batch-size", "8"]
    more = ["--image-size", "8", "--output", str(published)]
    assert main(["ablate", "--dataset", "folder", *once, *few, *more]) == 0
    (tmp_path / "once").rename(tmp_path / "now")
    assert main(again(published)) == 2
    assert "`data-dir` must name" in capsys.readouterr().err
    assert main(again(published, *now)) == 0
    assert f"[1/1] no norm, seed 0: identical: {ALL}\n" in capsys.readouterr().out
