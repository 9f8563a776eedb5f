"""The benchmark of training steps: what is taken, told and kept. Never how fast."""

import json
import re
from pathlib import Path

import pytest

import benchmarks
from benchmarks import __main__ as command_line
from benchmarks import run
from benchmarks.__main__ import main
from benchmarks.step import jax_steps, measure
from benchmarks.step.options import Step
from benchmarks.step.tables import tabulate
from benchmarks.tables import NOTHING
from experiments.config.recipes import PRESETS

QUICK = ("--batch-size", "2", "--rounds", "1")


@pytest.fixture(autouse=True)
def unsettled(monkeypatch):
    """Leaves the allocator and the environment of this process alone; short turns."""
    monkeypatch.setattr(run, "settle", lambda options: "as it was")
    monkeypatch.setattr(measure, "_TURN_SECONDS", 0.0)


@pytest.fixture
def without_torch(monkeypatch):
    monkeypatch.setattr(measure, "find_spec", lambda name: None)


@pytest.fixture
def steps(monkeypatch):
    """What would be compiled, as recipe, norm and the layers that are plain."""
    made = []

    def make_step(recipe, norm, dataset):
        assert dataset.train.labels.shape == (2,)
        assert recipe.learning_rate < 1e-6
        made.append((recipe.name, norm, recipe.plain_layers))
        return lambda: None

    monkeypatch.setattr(jax_steps, "make_step", make_step)
    return made


@pytest.mark.usefixtures("without_torch")
def test_run_prints_a_table_and_keeps_every_time(tmp_path, capsys):
    output = tmp_path / "step.jsonl"
    arguments = ["step", "article", *QUICK, "--norms", "lrn", "none"]
    assert main([*arguments, "--output", str(output)]) == 0
    printed = capsys.readouterr().out
    assert "left out: PyTorch: no torch installed\n" in printed
    assert "\narticle, 2 images a step, 1 turns each\nnorm " in printed
    assert re.search(r"^LRN +[\d.]+ +[\d,]+ +-?\d+%$", printed, re.MULTILINE)
    about, *records = map(json.loads, output.read_text("utf-8").splitlines())
    assert about["command"].startswith("python -m benchmarks step article")
    assert {"jax", "flax", "optax"} <= about["environment"]["versions"].keys()
    assert [(each["norm"], each["contender"]) for each in records] == [
        ("lrn", "jax"),
        ("none", "jax"),
    ]
    assert all(each["minimum_s"] > 0 for each in records)

    assert main(["table", str(output)]) == 0
    assert printed == f"{capsys.readouterr().out}\nWrote {output}\n"


@pytest.mark.usefixtures("without_torch")
def test_recipe_decides_which_arms_are_measured(steps, capsys):
    assert main(["step", "caffe_full", "conv_local", *QUICK, "--no-torch"]) == 0
    assert steps == [
        (recipe, norm, ())
        for recipe in ("caffe_full", "conv_local")
        for norm in PRESETS[recipe].norms
    ]
    printed = capsys.readouterr().out
    assert printed.index("caffe_full, 2 images") < printed.index("conv_local, 2 images")
    assert "left out" not in printed


@pytest.mark.usefixtures("without_torch")
def test_layers_are_plain_where_that_is_asked_for_and_nowhere_else(steps, capsys):
    chosen = ["--norms", "none", "--plain-layers", "max_pooling", "all"]
    assert main(["step", "article", *QUICK, *chosen]) == 0
    assert "  plain max pooling  plain all  " in capsys.readouterr().out
    assert [plain for _, _, plain in steps] == [(), ("max_pooling",), ("all",)]


@pytest.mark.usefixtures("without_torch")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["alexnett"], "`recipes` must be some of article, alexnet, "),
        (["article", "article"], "`recipes` must be different from one another, but"),
        (["--norms", "layer"], "`norms` must be some of none, lrn, "),
        (["--norms", "lrn", "lrn"], "`norms` must be different from one another, but"),
        (["--batch-size", "0"], "`batch-size` must be at least 1, but got 0"),
    ],
)
def test_impossible_values_are_refused(arguments, message, capsys):
    assert main(["step", *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"error: {message}")


@pytest.mark.usefixtures("without_torch")
def test_commands_of_the_readme_name_what_there_is():
    text = (Path(benchmarks.__file__).parent / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^python -m benchmarks (step.*)$", text, re.MULTILINE)
    assert commands
    for command in commands:
        options = command_line.parse(command.split())
        assert isinstance(options, Step)
        measure.plan(options, print)


def record(norm, contender, family, seconds):
    return {
        "recipe": "article",
        "batch_size": 8,
        "norm": norm,
        "norm_title": norm,
        "contender": contender,
        "title": contender,
        "family": family,
        "rounds": 3,
        "median_s": seconds,
    }


def test_ratio_is_to_the_faster_layout_and_share_to_the_step_without():
    (table,) = tabulate(
        [
            record("lrn", "jax", "ours", 3.0),
            record("lrn", "plain", "plain", 1.0),
            record("lrn", "torch NCHW", "peer", 4.0),
            record("lrn", "torch NHWC", "peer", 2.0),
            record("none", "jax", "ours", 2.0),
            record("none", "torch NCHW", "peer", 4.0),
            record("divisive", "jax", "ours", 4.0),
            record("rms_norm", "torch NHWC", "peer", 4.0),
        ]
    )
    assert table.title == "article, 8 images a step, 3 turns each"
    assert table.rows == [
        ("lrn", "3000.0", "3", "8", "2", "4", "0.67", "33%"),
        ("none", "2000.0", "4", NOTHING, "2", NOTHING, "2.00", NOTHING),
        ("divisive", "4000.0", "2", NOTHING, NOTHING, NOTHING, NOTHING, "50%"),
        ("rms_norm", NOTHING, NOTHING, NOTHING, NOTHING, "2", NOTHING, NOTHING),
    ]
    without = tabulate([record("lrn", "jax", "ours", 3.0)])
    assert without[0].rows == [("lrn", "3000.0", "3", NOTHING)]
