"""Draws from the search space, the choice among them, and the arms that follow."""

import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments import metrics
from experiments.__main__ import main
from experiments.config import tuning
from experiments.config.config import Ablation, Config
from experiments.config.recipe import LRNHyperparameters
from experiments.config.recipes import PRESETS
from experiments.metrics import read_run
from experiments.report import merge, svg
from experiments.report import tuning as section
from experiments.report.formatting import NOTHING
from experiments.report.tuning import Tuning
from experiments.terminal.errors import UserError
from experiments.training import train
from experiments.training.checkpoint import Checkpoints

from .conftest import _make_quick
from .digits import DATASET, compiled, placed
from .programs import lines_of
from .runs import make_run

pytestmark = pytest.mark.usefixtures("quick")

RECIPE = PRESETS["article"].recipe


def test_draws_cover_the_logarithm_of_their_ranges_evenly():
    found = tuning.draws(RECIPE, "lrn", 64)
    ranges = tuning.space(RECIPE, "lrn")
    assert set(ranges) == {"learning_rate", "weight_decay", "lrn.alpha"}
    for name, (low, high, _) in ranges.items():
        logs = np.log([draw[name] for draw in found])
        counts, _ = np.histogram(logs, 4, (math.log(low), math.log(high)))
        assert counts.sum() == 64
        assert counts.min() >= 14, name  # of 16


def test_more_draws_and_other_arms_leave_draws_as_they_are():
    more = tuning.draws(RECIPE, "lrn", 5)
    assert more[:3] == tuning.draws(RECIPE, "lrn", 3)
    without = [{**draw} for draw in more]
    for draw in without:
        del draw["lrn.alpha"]
    assert without == tuning.draws(RECIPE, "none", 5)


def test_all_factors_of_weight_decay_are_multiplied_alike():
    recipe = PRESETS["caffe_full"].recipe
    drawn = tuning.with_values(recipe, {"weight_decay": 2.5, "learning_rate": 0.3})
    assert drawn.learning_rate == 0.3
    assert drawn.weight_decay == tuple(
        (pattern, 2.5 * value) for pattern, value in recipe.weight_decay
    )
    # Without any it is the values themselves, of kernels.
    drawn = tuning.with_values(replace(recipe, weight_decay=()), {"weight_decay": 0.1})
    assert drawn.weight_decay == (("*/kernel", 0.1),)


@pytest.mark.parametrize(
    ("losses", "chosen"),
    [
        ([3, 1, 2], 1),
        ([1, 1], 0),
        ([math.inf, 5], 1),
        ([math.inf] * 2, None),
        ([], None),
    ],
)
def test_the_lowest_loss_is_chosen(losses, chosen):
    assert tuning.choose(range(len(losses)), losses.__getitem__) == chosen


def test_arms_are_known_before_the_draws():
    ablation = Ablation(recipe=RECIPE, norms=("none", "lrn"), tune=2, seeds=2)
    names = ["none", "lrn", "none-tuned", "lrn-tuned"]
    assert [arm.arm for arm in ablation.arms()] == names
    assert ablation.compared() == [("lrn", "none"), ("lrn-tuned", "none-tuned")]
    assert [f"{draw.arm} {draw.seed}" for draw in ablation.draws()] == [
        *("none-draw=1 1000", "lrn-draw=1 1000", "none-draw=2 1000", "lrn-draw=2 1000")
    ]
    chosen = replace(RECIPE, learning_rate=0.5)
    runs = ablation.configs({"lrn": chosen})
    assert [run.arm for run in runs] == ["none", "lrn", "lrn-tuned"] * 2
    assert [run.seed for run in runs] == [0, 0, 0, 1, 1, 1]
    assert [run.recipe for run in runs[:3]] == [RECIPE, RECIPE, chosen]


def test_each_job_has_the_same_runs_before_and_after_the_choice():
    ablation = Ablation(recipe=RECIPE, tune=2, seeds=3)
    jobs = [replace(ablation, shard=f"{i}/3") for i in (1, 2, 3)]
    chosen = {norm: RECIPE for norm in ablation.norms if norm != "lrn"}
    for job in jobs:
        names = [(run.arm, run.seed) for run in job.configs()]
        after = [(run.arm, run.seed) for run in job.configs(chosen)]
        assert after == [each for each in names if each[0] != "lrn-tuned"]
    assert sum(len(job.configs()) for job in jobs) == len(ablation.configs())


def test_a_draw_never_sees_the_test_images(monkeypatch):
    arm = compiled(replace(RECIPE, epochs=1), "none")
    seen = []

    def evaluate(state, part):
        seen.append(part)
        return arm.evaluate(state, part)

    watched = arm._replace(evaluate=evaluate)
    monkeypatch.setattr(train, "compile_arm", lambda *arguments: watched)
    config = Config(replace(RECIPE, epochs=1), "none", 0, "draw=1")
    assert train.train(config, placed()).test is None
    assert seen == [DATASET.validation]
    assert train.train(replace(config, variant="tuned"), placed()).test is not None
    assert seen == [DATASET.validation] * 2 + [DATASET.test]


def options(output: Path, *more: str) -> list[str]:
    arguments = ["ablate", "--epochs", "1", "--norms", "none", "lrn", "--seeds", "1"]
    return [*arguments, "--output", str(output), *more]


def resumed(output: Path, *more: str) -> list[str]:
    return ["ablate", "--resume", "--output", str(output), *more]


@pytest.fixture(scope="module")
def tuned_once(tmp_path_factory):
    """An ablation of two arms, each tuned with two draws; only to be read."""
    output = tmp_path_factory.mktemp("tuning") / "runs"
    with pytest.MonkeyPatch.context() as context:
        _make_quick(context)
        assert main(options(output, "--tune", "2")) == 0
    return output


@pytest.fixture
def tuned(tuned_once, tmp_path):
    """A copy of that."""
    return shutil.copytree(tuned_once, tmp_path / "runs")


def draws_of(output: Path, norm: str) -> list[metrics.Run]:
    return [
        run
        for run in metrics.recorded(output / "tuning")
        if run.norm.startswith(f"{norm}-draw=")
    ]


def best_of(output: Path, norm: str) -> metrics.Run:
    draws = draws_of(output, norm)
    return min(draws, key=lambda draw: draw.epochs[-1].validation_loss)


def test_each_arm_is_tuned_and_tested_beside_the_untuned_one(tuned_once):
    names = {path.name for path in tuned_once.glob("*.jsonl")}
    arms = ["none", "lrn", "none-tuned", "lrn-tuned"]
    assert names == {f"{arm}-seed0.jsonl" for arm in arms}
    for run in metrics.read(tuned_once):
        assert run.completed
        assert run.start["arms"] == arms
        assert ["lrn-tuned", "none-tuned"] in run.start["contrasts"]
    for norm in ("none", "lrn"):
        draws = draws_of(tuned_once, norm)
        assert [(run.status, run.seed) for run in draws] == [("validated", 1000)] * 2
        assert not any(name.startswith("test") for run in draws for name in run.end)
        run = read_run(tuned_once / f"{norm}-tuned-seed0.jsonl")
        assert run is not None
        assert run.start["recipe"] == best_of(tuned_once, norm).start["recipe"]
        untuned = read_run(tuned_once / f"{norm}-seed0.jsonl")
        assert untuned is not None
        assert untuned.start["recipe"]["learning_rate"] == RECIPE.learning_rate


def test_report_says_what_was_searched_and_chosen(tuned_once):
    text = (tuned_once / "report.md").read_text("utf-8")
    assert "Each arm was trained with 2 draws from one search space" in text
    assert "- learning rate: 0.0001 to 0.1; the recipe's is 0.001\n" in text
    assert "- weight decay: 1e-06 to 0.001 for the kernels; the recipe has none" in text
    assert "- lrn.alpha of LRN: 0.065 to 650; the recipe's is 6.5\n" in text
    drawn = best_of(tuned_once, "lrn").start["drawn"]
    values = [f"{each['value']:.3g}" for each in drawn.values()]
    assert f"| LRN | 2 of 2 | {' | '.join(values)} | " in text
    # What tuning gave an arm is not said to be the recipe of all.
    recipe = next(line for line in text.splitlines() if line.startswith("One recipe"))
    assert "learning rate" not in recipe


def test_draws_are_not_reported_alone(tuned_once, capsys):
    assert main(["report", str(tuned_once / "tuning")]) == 2
    assert "holds draws of a tuning, which were not tested" in capsys.readouterr().err


@pytest.mark.slow
def test_more_draws_keep_what_is_there(tuned, capsys):
    before = {path: path.read_bytes() for path in (tuned / "tuning").glob("*.jsonl")}
    assert main(resumed(tuned, "--tune", "3")) == 0
    assert {path: path.read_bytes() for path in before} == before
    for norm in ("none", "lrn"):
        assert len(draws_of(tuned, norm)) == 3
        run = read_run(tuned / f"{norm}-tuned-seed0.jsonl")
        assert run is not None
        assert run.start["recipe"] == best_of(tuned, norm).start["recipe"]
    capsys.readouterr()
    assert main(resumed(tuned, "--tune", "1")) == 0  # no fewer than there are
    assert "[10/10] LRN, tuned, seed 0: completed before" in capsys.readouterr().out


def test_tuned_runs_follow_another_choice(tmp_path, monkeypatch, capsys):
    output = tmp_path / "runs"
    with monkeypatch.context() as context:

        def worst(draws, loss):
            return max(draws, key=loss)

        context.setattr(tuning, "choose", worst)
        assert main(options(output, "--tune", "2")) == 0
    worse = read_run(output / "lrn-tuned-seed0.jsonl")
    assert worse is not None
    capsys.readouterr()
    assert main(resumed(output)) == 0
    printed = capsys.readouterr().out
    assert printed.count("in place of a run with what fewer draws had chosen") == 2
    assert "LRN, seed 0: completed before" in printed
    better = read_run(output / "lrn-tuned-seed0.jsonl")
    assert better is not None
    assert better.start["recipe"] == best_of(output, "lrn").start["recipe"]
    assert better.start["recipe"] != worse.start["recipe"]


def test_an_ablation_can_be_tuned_later(tuned_once, tmp_path):
    output = tmp_path / "runs"
    assert main(options(output)) == 0
    before = (output / "lrn-seed0.jsonl").read_bytes()
    assert main(resumed(output, "--tune", "2")) == 0
    assert (output / "lrn-seed0.jsonl").read_bytes() == before
    names = {path.name for path in tuned_once.rglob("*.jsonl")}
    assert {path.name for path in output.rglob("*.jsonl")} == names


def test_draw_that_was_interrupted_goes_on(tmp_path, monkeypatch):
    output = tmp_path / "runs"
    arguments = ["ablate", "--epochs", "2", "--norms", "none", "--seeds", "1"]
    arguments += ["--tune", "1", "--checkpoint-seconds", "0", "--output", str(output)]
    evaluated, compile_arm = [], train.compile_arm

    def stopped(*given):
        arm = compile_arm(*given)

        def evaluate(*part):
            evaluated.append(part)
            if len(evaluated) == 2:  # in the second epoch
                raise KeyboardInterrupt
            return arm.evaluate(*part)

        return arm._replace(evaluate=evaluate)

    with monkeypatch.context() as context:
        context.setattr(train, "compile_arm", stopped)
        assert main(arguments) == 130
    assert not (output / "report.md").exists()  # nothing was tested yet
    path = output / "tuning" / "none-draw=1-seed1000.jsonl"
    assert Checkpoints(path.with_suffix(".checkpoint"), 0).latest == 1
    begun = lines_of(path)
    assert [line["kind"] for line in begun] == ["start", "epoch"]
    assert main(resumed(output)) == 0
    assert lines_of(path)[:2] == begun
    assert lines_of(path)[-1]["status"] == "validated"
    assert (output / "report.md").exists()


def test_arm_whose_draws_all_diverge_is_not_tuned(tmp_path, monkeypatch, capsys):
    compile_arm = train.compile_arm

    def diverging(recipe, norm, *others):
        arm = compile_arm(recipe, norm, *others)
        if norm == "none" or recipe.learning_rate == RECIPE.learning_rate:
            return arm
        worst = replace(arm.evaluate(arm.init(0), DATASET.validation), loss=math.inf)
        return arm._replace(evaluate=lambda *part: worst)

    monkeypatch.setattr(train, "compile_arm", diverging)
    output = tmp_path / "runs"
    assert main(options(output, "--tune", "2")) == 0
    printed = capsys.readouterr().out
    assert "LRN is not tuned: all its draws diverged." in printed
    assert "[7/7] no norm, tuned, seed 0: test accuracy" in printed
    assert [path.name for path in output.glob("*-tuned-*.jsonl")] == [
        "none-tuned-seed0.jsonl"
    ]
    text = (output / "report.md").read_text("utf-8")
    assert "LRN: all its draws diverged, so there is no tuned arm." in text


def test_jobs_wait_for_the_draws_of_others(tmp_path, capsys):
    output = tmp_path / "runs"
    one = [*options(output, "--tune", "2"), "--norms", "none"]
    assert main([*one, "--shard", "2/2"]) == 0
    printed = capsys.readouterr().out
    assert (
        "Tuned arms wait for draws of other jobs, which must have the same --output "
        "(no norm 1). When they are done, go on: python -m experiments ablate --resume "
        f"--output {output} --shard 2/2\n"
    ) in printed
    assert not (output / "report.md").exists()  # nothing was tested
    assert main([*one, "--shard", "1/2"]) == 0
    assert "Tuned arms" not in capsys.readouterr().out  # it has none
    assert main(resumed(output, "--shard", "2/2")) == 0
    assert "[2/2] no norm, tuned, seed 0: test accuracy" in capsys.readouterr().out
    assert main(["report", str(output)]) == 0


@pytest.mark.parametrize(
    ("arms", "changes", "refused"),
    [
        (("none", "lrn-tuned"), {"learning_rate": 0.1, "weight_decay": []}, None),
        (("lrn", "lrn-draw=1"), {"learning_rate": 0.1, "lrn": {"alpha": 9}}, None),
        (("none", "lrn-tuned"), {"batch_size": 32}, "batch_size"),
        (("none", "lrn"), {"learning_rate": 0.1}, "learning_rate"),
        (("lrn-tuned", "lrn-tuned"), {"learning_rate": 0.1}, "learning_rate"),
        (("none", "lrn-batch_size=32"), {"batch_size": 32}, None),
        (("none", "lrn-batch_size=32"), {"learning_rate": 0.1}, "learning_rate"),
        # An arm that may differ does not free the others.
        (("none-tuned", "lrn", "none"), {"learning_rate": 0.1}, "learning_rate"),
    ],
)
def test_arms_differ_in_what_their_names_say(arms, changes, refused):
    recipe = {"learning_rate": 0.01, "weight_decay": [["*", 0.1]], "batch_size": 64}
    runs = [make_run(arm, 0, 0.9, recipe=recipe) for arm in arms]
    runs[-1].start["recipe"].update(changes)
    found = [(Path(f"run{i}"), run) for i, run in enumerate(runs)]
    if refused is None:
        merge._check_recipes(found)
    else:
        with pytest.raises(UserError, match=f"but `{refused}` is "):
            merge._check_recipes(found)


def make_draw(norm, number, rate, loss, status="validated", own=0.01):
    """A draw that never was, from learning rates of 1e-3 to 1."""
    drawn = {
        "learning_rate": {"value": rate, "low": 1e-3, "high": 1.0, "own": own},
        "weight_decay": {"value": 2.0, "low": 0.1, "high": 10.0, "own": 1.0},
    }
    run = make_run(f"{norm}-draw={number}", 1000, 0.9, epochs=1, drawn=drawn)
    epochs = [replace(run.epochs[0], validation_loss=loss)]
    return replace(run, status=status, end={"status": status}, epochs=tuple(epochs))


def test_edges_and_draws_without_an_end_are_said():
    draws = [
        make_draw("none", 1, 0.9, 0.5),
        make_draw("none", 2, 0.01, 0.6),
        make_draw("lrn", 1, 0.5, 0.4),
        make_draw("lrn", 2, 0.02, 0.1, "interrupted"),
        make_draw("batch_norm", 1, 0.3, 0.1, "diverged"),
        make_draw("batch_norm", 2, 0.3, 0.2),
    ]
    runs = [make_run("none", seed, 0.9) for seed in (0, 1)]
    found = section.summarize(draws, runs)
    assert [each.norm for each in found] == ["none", "lrn", "batch_norm"]
    assert section.notes(found) == [
        "no norm: the learning rate that was chosen, 0.9, lies at the edge of the "
        "search space. A better one may lie outside.",
        "LRN: 1 draw did not end, and nothing is chosen before that.",
    ]
    assert section.searched(found) == [
        "learning rate: 0.001 to 1; the recipe's is 0.01",
        "weight decay: 0.1 to 10 times the recipe's",
    ]
    none, lrn, batch_norm = section.table(found).rows
    loss = f"{runs[0].epochs[-1].validation_loss:.4g}"
    assert none[1:4] == ("2 of 2", "0.9", "2 times")
    assert none[4:] == (NOTHING, "0.5", NOTHING, loss)
    assert lrn[1] == "1 of 2"
    assert batch_norm[1:3] == ("2 of 2, 1 diverged", "0.3")


def test_plot_shows_every_draw():
    draws = [make_draw("none", i, 10**-i, i) for i in (1, 2)]
    draws.append(make_draw("lrn", 1, 0.3, 1.0, "diverged"))
    drawn = svg.draw(lambda figure: section.plot(section.summarize(draws, []), figure))
    assert "no norm" in drawn
    assert drawn.count("<use") > 3


def test_loss_that_is_not_finite_is_the_worst():
    draw = make_draw("none", 1, 0.1, math.nan)
    assert draw.validation_loss == math.inf
    assert Tuning("none", [draw], {}).best is None
    assert make_draw("none", 1, 0.1, 0.5, "interrupted").validation_loss is None


def test_strength_of_zero_cannot_be_tuned():
    recipe = replace(RECIPE, lrn=LRNHyperparameters(alpha=0.0))
    with pytest.raises(UserError, match=r"`lrn.alpha` must be greater than 0 where"):
        Ablation(recipe=recipe, norms=("none", "lrn"), tune=1)
    Ablation(recipe=recipe, norms=("none",), tune=1)
