"""The command line as a person meets it: runs, stops, help and refusals."""

import gc
import json
import os
import re
import signal
import sys
import time
from dataclasses import fields, is_dataclass

import pytest

from experiments.__main__ import main, parse
from experiments.commands import ablate as reading
from experiments.config.arms import ARMS
from experiments.config.command_line import MOST_USED
from experiments.config.config import Ablation, Cluster, Comparison, Execution
from experiments.config.recipe import Data, Model, Norms, Optimisation, Recipe
from experiments.config.recipes import PRESETS
from experiments.config.significance import SIGNIFICANCE, smallest_p_value
from experiments.metrics import write as records
from experiments.report import page
from experiments.terminal import signals

from .programs import PROGRAM, started

QUICKEST = ("--epochs", "2", "--seeds", "1", "--norms", "none")
pytestmark = pytest.mark.usefixtures("quick")


def test_ablate_ends_with_table_report_and_metrics(finished_ablation):
    output, _, printed = finished_ablation
    before = " ".join(printed.partition("[1/")[0].split())
    assert "Parameters: no norm 19,466, LRN 19,466." in before
    assert (
        "Data: digits, 1,294 images to train on, 144 held out, 359 to test; 10 "
        "classes: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9. "
        f"Training: 2 runs (2 arms) of 2 epochs, into {output}."
    ) in before
    assert f"ablate --resume --output {output} --seeds 6\n" in printed
    assert "[2/2] LRN, seed 0: test accuracy" in printed
    assert re.search("LRN is .* no norm: not shown", printed)
    assert str(output / "report.html") in printed.replace("\n", "")
    assert {path.name for path in output.iterdir()} == {
        "none-seed0.jsonl",
        "lrn-seed0.jsonl",
        "arguments.json",
        "looks.json",
        "tensorboard",
        "activations-none.npz",
        "activations-none.svg",
        "activations-lrn.npz",
        "activations-lrn.svg",
        "differences.svg",
        "learning-curves.svg",
        "report.md",
        "report.html",
    }
    lines = (output / "lrn-seed0.jsonl").read_text(encoding="utf-8").splitlines()
    start_line, *epochs, end = map(json.loads, lines)
    assert start_line["command"].startswith("python -m experiments ablate --epochs 2")
    assert {"commit", "device", "jax", "jaxlib", "flax", "optax"} <= set(
        start_line["environment"]
    )
    assert start_line["contrasts"] == [["lrn", "none"]]
    assert start_line["data"]["train"] == 1294
    assert start_line["seeds"] == 1
    assert start_line["cores"] >= 1
    assert start_line["load_in_60_seconds"] >= 0
    assert [line["epoch"] for line in epochs] == [1, 2]
    assert end["status"] == "completed"


def test_interrupt_leaves_a_report_of_what_there_is(tmp_path):
    output = tmp_path / "runs"
    endless = ("--norms", "none", "--epochs", "10000", "--output", str(output))
    with started("ablate", *endless) as process:
        deadline = time.monotonic() + 240
        first = output / "none-seed0.jsonl"
        while not (first.exists() and first.read_text().count("\n") > 2):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        printed, errors = process.communicate(timeout=240)
    assert process.returncode == 130, errors
    assert "Interrupted" in printed
    resume = f"python -m experiments ablate --resume --output {output}\n"
    assert f"To go on: {resume}" in printed
    assert f"Next: the runs that are missing: {resume}" in printed
    assert "0 of 6 runs are done; some are missing of no norm (0 of 6)." in printed
    assert "no norm, seed 0: interrupted" in (output / "report.md").read_text()
    assert (output / "report.html").read_text().endswith("</html>\n")
    assert main(["report", str(output)]) == 0


# Asks for the end as soon as JAX would be imported.
TERMINATED_EARLY = """
import os, signal, sys
class Finder:
    def find_spec(self, name, path, target=None):
        if name == "jax":
            os.kill(os.getpid(), signal.SIGTERM)
sys.meta_path.insert(0, Finder())
"""


def test_signal_ends_even_the_imports_with_one_line():
    with started("ablate", program=TERMINATED_EARLY + PROGRAM) as process:
        printed, errors = process.communicate(timeout=240)
    assert process.returncode == 128 + signal.SIGTERM
    assert (printed, errors) == ("", "Interrupted.\n")


@pytest.fixture
def handlers(monkeypatch):
    """Puts the handlers of signals back after the test."""
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    # As from a terminal: the background of a shell ignores Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_signals_that_are_not_ignored_stop_what_ctrl_c_stops(handlers):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    signals.raise_stopped()
    os.kill(os.getpid(), signal.SIGHUP)
    with pytest.raises(KeyboardInterrupt) as raised:
        os.kill(os.getpid(), signal.SIGTERM)
    assert signals.status_of(raised.value) == 143
    with pytest.raises(KeyboardInterrupt) as raised:
        os.kill(os.getpid(), signal.SIGINT)
    assert signals.status_of(raised.value) == 130


def test_signal_within_the_garbage_collector_is_not_lost(handlers, capsys):
    signals.raise_stopped()

    def stop(phase, info):
        gc.callbacks.remove(stop)
        os.kill(os.getpid(), signal.SIGTERM)

    def work():
        gc.callbacks.append(stop)
        gc.collect()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            time.sleep(0.01)

    with pytest.raises(signals.Stopped):
        work()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("module", "name"), [(reading, "read"), (records, "writer"), (page, "write_report")]
)
def test_stop_at_any_time_is_told_in_one_line(
    module, name, tmp_path, monkeypatch, capsys
):
    def stopped(*arguments, **options):
        raise signals.Stopped(signal.SIGTERM)

    output = tmp_path / "runs"
    with monkeypatch.context() as context:
        context.setattr(module, name, stopped)
        assert main(["ablate", *QUICKEST, "--output", str(output)]) == 143
    printed = capsys.readouterr()
    assert "Interrupted" in printed.out + printed.err
    assert printed.err in ("", "Interrupted.\n")
    assert not list(output.glob("*.part"))
    if output.exists():
        assert main(["ablate", "--resume", "--output", str(output)]) == 0


def test_run_that_diverges_does_not_stop_the_others(tmp_path, capsys):
    output = tmp_path / "runs"
    arguments = ["ablate", *QUICKEST, "--seeds", "2", "--learning-rate", "1e30"]
    assert main([*arguments, "--output", str(output)]) == 0
    printed = capsys.readouterr().out
    assert "[1/2] no norm, seed 0: diverged, the loss was" in printed
    assert "[2/2] no norm, seed 1: diverged" in printed
    assert "nothing to compare" in (output / "report.md").read_text()


def help_of(capsys, *arguments: str) -> str:
    """Returns what is printed before the command ends."""
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    assert raised.value.code == 0
    return capsys.readouterr().out


GROUPS = {
    "data": ["dataset", "data-dir", "inputs", "crop"],
    "model": ["network", "dtype", "plain-layers"],
    "optimisation": ["epochs", "learning-rate", "weight-decay"],
    "norms": ["norms", "contrasts", "sweep", "tune", "group-size"],
    "lrn": ["lrn.depth-radius", "lrn.alpha"],
    "lrn_within": ["lrn-within.size"],
    "whole_map": ["whole-map.a"],
    "run": ["seeds", "output", "resume", "tensorboard"],
    "cluster": ["devices", "distributed", "process-id"],
}


def sections_of(printed: str) -> dict[str, str]:
    """Returns the options of a long help, by the name of their group."""
    sections = re.split(r"(\w+) options \W*\n", printed)[1:]
    return dict(zip(sections[::2], sections[1::2], strict=True))


@pytest.mark.parametrize("columns", [80, 120])
def test_help_has_examples_most_used_options_recipes_and_arms(
    columns, monkeypatch, capsys
):
    monkeypatch.setenv("COLUMNS", str(columns))
    printed = help_of(capsys, "ablate", "--help")
    lines = printed.splitlines()
    assert len(lines) <= 100
    assert max(map(len, lines)) <= columns
    named = re.findall(r"^  ([a-z]\w+):", printed, re.MULTILINE)
    listed = [*PRESETS, *ARMS]
    assert [name for name in named if name in listed] == listed
    words = " ".join(printed.split())
    assert all(f"{name}: {arm.description}" in words for name, arm in ARMS.items())
    assert "trained in 10 epochs. 5 minutes a run; downloads 170 MB." in words
    # First examples that parse, and the options that most people need.
    examples = re.findall("^  python -m experiments (.*)", printed, re.MULTILINE)
    assert len(examples) == 5
    assert all(isinstance(parse(each.split()), Ablation) for each in examples)
    explained = re.findall(r"^[^\w-]*--([\w-]+)", printed, re.MULTILINE)
    assert explained[-9:] == [name.replace("_", "-") for name in MOST_USED]
    others = printed.partition("Other options")[2]
    for options in GROUPS.values():
        assert all(each in others for each in options if each not in explained)


def test_long_help_explains_every_option_in_its_group(capsys):
    printed = help_of(capsys, "ablate", "--help-verbose")
    found = sections_of(printed)
    assert list(found) == list(GROUPS)
    for group, options in GROUPS.items():
        assert all(f"--{option} " in found[group] for option in options)
    for group in (Data, Model, Optimisation, Norms, Comparison, Execution, Cluster):
        for field in fields(group):
            text = field.metadata.get("help")
            assert is_dataclass(getattr(Recipe(), field.name, None)) != bool(text)
            assert "\n" not in (text or "")  # the terminal alone wraps it
    assert "Additive constant (k in the paper)" in printed
    assert "Directories of the ablation" in help_of(capsys, "report", "--help")


def test_list_of_commands_does_not_list_the_recipes(capsys):
    printed = help_of(capsys, "--help")
    assert "ablate Trains the same network" in " ".join(printed.split())
    assert "caffe_quick" not in printed


# Anything but what the command line itself needs takes seconds to load.
PARSED = """
import sys
from experiments.__main__ import parse
parse(["ablate", "caffe_full", "--tune", "2"])
print(*sys.modules)
"""


def test_command_line_loads_nothing_of_what_commands_need():
    with started(program=PARSED) as process:
        loaded = process.communicate(timeout=240)[0].split()
    assert "experiments.config.command_line" in loaded
    slow = {"jax", "flax", "optax", "matplotlib", "scipy", "sklearn", "numpy", "PIL"}
    assert not slow & {*loaded}


def test_missing_packages_are_named_with_the_command_that_installs_them():
    missing = "import sys; sys.modules['tyro'] = sys.modules['jax'] = None"
    with started("--help", program=missing + PROGRAM) as process:
        printed, errors = process.communicate(timeout=240)
    assert (process.returncode, printed) == (1, "")
    assert errors == (
        "error: python -m experiments needs jax, tyro. In the checkout of this "
        "repository, run: pip install '.[experiments]'\n"
    )


def test_help_may_be_read_in_part():
    with started("ablate", "--help") as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(timeout=240) == 1
        assert process.stderr is not None
        assert process.stderr.read() == ""


@pytest.mark.parametrize("recipe", PRESETS)
def test_seeds_of_a_recipe_can_show_something(recipe):
    ablation = parse(["ablate", recipe])
    assert isinstance(ablation, Ablation)
    seeds = len(ablation.configs()) // len(ablation.norms)
    assert smallest_p_value(seeds) * len(ablation.compared()) <= SIGNIFICANCE


def test_too_few_seeds_are_noted_before_training(finished_ablation, tmp_path, capsys):
    before, _, _ = finished_ablation.printed.partition("[1/")
    assert (
        "Note: with --seeds 1 no difference can be shown, however large, because 1 "
        "difference is tested; 6 seeds can show one."
    ) in " ".join(before.split())
    # Of one arm there is no difference to show.
    assert main(["ablate", *QUICKEST, "--output", str(tmp_path / "runs")]) == 0
    assert "Note:" not in capsys.readouterr().out.partition("[1/")[0]


@pytest.mark.parametrize("recipe", PRESETS)
def test_help_of_a_recipe_has_its_own_words_and_defaults(recipe, capsys):
    printed = help_of(capsys, "ablate", recipe, "--help")
    assert f"Recipe {recipe}: " in printed
    assert "Expected accuracy:" in printed
    assert f"(default: {PRESETS[recipe].recipe.epochs})" in printed


def test_recipes_can_be_overridden_and_say_so(tmp_path, capsys):
    output = tmp_path / "runs"
    arguments = ["ablate", "caffe_full", "--dataset", "digits", "--crop", "8"]
    arguments += ["--network", "article", "--plain-layers", "all"]
    arguments += ["--epochs", "1", "--seeds", "1", "--norms", "lrn"]
    arguments += ["--sweep", "alpha=10", "--drops", "0.9"]
    arguments += ["--weight-decay", "hidden/*", "0.1", "--learning-rate-factors"]
    assert main([*arguments, "--output", str(output)]) == 0
    assert "[1/1] LRN, alpha=10, seed 0: test accuracy" in capsys.readouterr().out
    assert {path.name for path in output.glob("*.jsonl")} == {
        "lrn-alpha=10-seed0.jsonl",
    }
    assert "| LRN, alpha=10 |" in (output / "report.md").read_text("utf-8")

    lines = (output / "lrn-alpha=10-seed0.jsonl").read_text("utf-8").splitlines()
    start, *_, end = map(json.loads, lines)
    recipe = start["recipe"]
    assert (recipe["name"], recipe["crop"], recipe["drops"]) == ("caffe_full", 8, [0.9])
    assert recipe["lrn"]["alpha"] == 10
    assert recipe["weight_decay"] == [["hidden/*", 0.1]]
    assert recipe["learning_rate_factors"] == []
    assert "crop is 8 instead of None" in start["deviations"]
    assert "plain_layers is ('all',) instead of ()" in start["deviations"]
    assert start["reference"][1]["accuracy"] == 0.82
    assert len(start["fingerprint"]) == 64
    assert end["memory_bytes"] > 0


def test_every_arm_of_a_sweep_has_its_own_batches(tmp_path, capsys):
    output = tmp_path / "runs"
    arguments = ["ablate", "--norms", "none", "--seeds", "1", "--epochs", "1"]
    arguments += ["--sweep", "batch-size=100,300", "--output", str(output)]
    assert main(arguments) == 0
    assert "no norm, batch_size=300, seed 0: test accuracy" in capsys.readouterr().out
    text = (output / "report.md").read_text("utf-8")
    assert "| no norm, batch_size=100 |" in text
    recipe = next(line for line in text.splitlines() if line.startswith("One recipe"))
    assert "batch size" not in recipe


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "0"], "`epochs` must be at least 1, but got 0"),
        (["--seeds", "0"], "`seeds` must be at least 1, but got 0"),
        (["--norms", "lrn", "lrn"], "`norms` must be different from one another"),
        (["--norms"], "`norms` must be at least one norm"),
        (["--lrn.alpha", "-1"], "`lrn.alpha` must be >= 0, but got -1.0"),
        (["--lrn.beta", "inf"], "`lrn.beta` must be a finite number, but got inf"),
        (["--whole-map.a", "nan"], "`whole-map.a` must be >= 0, but got nan"),
        (["--dataset", "mnist", "--data-dir", "/no/where"], "No train-images file"),
        (["--data-dir", "x"], "`data-dir` must not be given for digits, which come"),
        (["alexnet", "--data-dir", "/no/where"], "/no/where holds no classes: expec"),
        (["--batch-size", "5000"], "`batch-size` must be at most"),
        (["alexnett"], "`RECIPE` must be one of article, alexnet, "),
        (["--sweep", "alpha"], "`sweep` must be NAME=VALUE,VALUE,... with a NAME of"),
        (["--sweep", "gamma=1,2"], "`sweep` must be NAME=VALUE,VALUE,... with a NAME"),
        (["--sweep", "alpha=1,1.0"], "`sweep` must be alpha=VALUE,VALUE,... of differ"),
        (["--sweep", "depth-radius=1.5"], "`sweep` must be depth-radius=VALUE,VALUE,"),
        (["--sweep", "flip=1"], "`sweep` must be NAME=VALUE,VALUE,... with a NAME of"),
        (["--sweep", "image_size=8"], "`sweep` must be NAME=VALUE,VALUE,... with a NA"),
        (["--sweep", "epochs=1,0"], "`epochs` must be at least 1, but got 0"),
        (["--sweep", "train_images=99,9999"], "`train-images` must be at most the num"),
        (["--sweep", "whole_map.b=1", "--norms", "lrn"], "`norms` must be a selectio"),
        (["--sweep", "alpha=1", "--tune", "2"], "`tune` must be left out where --swe"),
        (["--tune", "0"], "`tune` must be at least 1, but got 0"),
        (["--tune", "2", "--lrn.alpha", "0"], "`lrn.alpha` must be greater than 0"),
        (["--tune", "2", "--distributed"], "`output` must be given where several pro"),
        (["--sweep", "alpha=-1"], "`lrn.alpha` must be >= 0, but got -1.0"),
        (["--sweep", "alpha=1", "--norms", "none"], "`norms` must be a selection with"),
        (["--norms", "divisive", "--lrn.bias", "0"], "`lrn.bias, lrn.alpha and lrn.b"),
        (["--contrasts", "lrn-layer_norm"], "`contrasts` must be ARM-OTHER, two of"),
        (["--crop", "9"], "`crop` must be at most the size of the images, 8x8"),
        (["--padding", "1"], "`padding` must be 0 where nothing is cropped"),
        (
            ["caffe_full", "--dataset", "digits", "--crop", "7"],
            "`network` must suit the size of the images, but of 7x7 pixels nothing is "
            "left for ip1 of caffe_full",
        ),
        (["--weight-decay", "con", "1"], "`weight-decay` must name parameters"),
        (["--weight-decay", "*", "-1"], "`weight-decay *` must be >= 0, but got -1.0"),
        (["--drops", "1.5"], "`drops` must be shares between 0 and 1, but got (1.5,)"),
        (["--contrast", "2", "1"], "`contrast` must be two factors 0 < LOW <= HIGH"),
        (["--lrn-within.size", "4"], "`lrn-within.size` must be odd and at least 1"),
    ],
)
def test_impossible_values_are_refused_before_anything_is_written(
    arguments, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main(["ablate", *arguments]) == 2
    assert f"error: {message}" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epoch", "3"], "Unrecognized options: --epoch"),
        (["--norms", "layer"], "layer"),
        (["--plain-layers", "Conv"], "average_pooling"),
        (["--epochs", "many"], "many"),
    ],
)
def test_unknown_words_are_refused_with_what_is_known(arguments, message, capsys):
    with pytest.raises(SystemExit) as raised:
        main(["ablate", *arguments])
    assert raised.value.code == 2
    assert message in capsys.readouterr().err
