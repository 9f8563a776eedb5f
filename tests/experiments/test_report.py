"""The report made from metrics: its Markdown, its page, the runs that it counts."""

import base64
import html
import io
import json
import re
import shutil
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from rich.console import Console

from experiments import metrics
from experiments.__main__ import main
from experiments.config.arms import title
from experiments.metrics import (
    activation_file,
    activation_summary,
    arms_of,
    contrasts_of,
)
from experiments.report import contents, formatting, merge, page, tables
from experiments.report.statistics import summarize
from experiments.report.verdict import actions, next_step, verdict
from experiments.terminal.errors import UserError
from experiments.terminal.text import plain

from .runs import (
    ACCURACIES,
    ENVIRONMENT,
    EVERY_ARM,
    amend,
    make_run,
    make_runs,
    write_run,
)

NOTHING = "\N{EN DASH}"


def some_activations(scale):
    before = np.random.default_rng(0).gamma(1, size=(2, 4, 4, 8))
    return activation_summary.summarize(before, scale * before)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A directory of three arms with eight seeds, not to be changed."""
    directory = tmp_path_factory.mktemp("finished")
    for norm, accuracies in ACCURACIES.items():
        for seed, accuracy in enumerate(accuracies):
            write_run(directory, norm, seed, accuracy)
    path = activation_file.path_of(directory, "lrn")
    activation_file.save(path, some_activations(np.linspace(0.5, 0.6, 8)))
    return directory


@pytest.fixture(scope="module")
def written(finished, tmp_path_factory):
    """A directory with a report, its plots drawn."""
    output = tmp_path_factory.mktemp("report")
    page.write_report(finished, output)
    return output


@pytest.fixture
def runs(finished, tmp_path):
    """A directory of three arms with eight seeds, to be changed."""
    return shutil.copytree(finished, tmp_path / "runs")


def composed(*directories) -> str:
    """Returns the Markdown of a report whose plots are not drawn, which takes long."""
    return of_material(merge.read(directories))


def of_material(material) -> str:
    runs, arms = material.runs, material.arms
    summary = summarize(runs, arms, material.contrasts)
    said = verdict(summary, actions(runs, arms, material.activations))
    text = page.as_markdown(material, summary, said, {})
    return text.replace("\N{MINUS SIGN}", "-")  # easier to type, and to tell apart


def of_runs(runs, activations=None) -> str:
    """Returns the Markdown of a report on runs that were never written."""
    arms, contrasts = arms_of(runs), contrasts_of(runs)
    return of_material(merge.Material(runs, arms, contrasts, [], activations or {}))


def section(text, heading) -> str:
    """Returns what is below a heading, up to the next one."""
    return text.split(f"## {heading}\n")[1].split("\n## ")[0]


def verdict_of(**accuracies) -> str:
    """Returns the verdict on these accuracies of arms, all less the first."""
    first, *others = accuracies
    pairs = [(arm, first) for arm in others]
    summary = summarize(make_runs(accuracies), [*accuracies], pairs)
    return " ".join(verdict(summary, {}))


def test_verdict_says_no_more_than_the_test():
    assert verdict_of(**ACCURACIES) == (
        "LRN is level with no norm: not shown (95% interval \u22120.63 to +0.63, "
        "corrected p = 1). BatchNorm is 5.00 points above no norm: shown (95% interval "
        "+4.94 to +5.06, corrected p = 0.0156). It would take 25 seeds to show a "
        "difference of 0.5 points."
    )


NOISE = np.array([0.0001, -0.0001] * 4)


@pytest.mark.parametrize(
    ("accuracies", "said"),
    [
        (
            {"none": ACCURACIES["none"], "lrn": 0.99 * np.array(ACCURACIES["none"])},
            "LRN is 0.91 points below no norm: shown (95% interval \u22120.92 to "
            "\u22120.91, corrected p = 0.00781).",
        ),
        # Differences with a deviation of 0.58 points, and no correction for one arm.
        (
            {"none": [0.5, 0.51, 0.5], "lrn": [0.9, 0.91, 0.91]},
            "3 seeds can show no difference, however large; it would take 13 seeds to "
            "show a difference of 0.5 points.",
        ),
        (
            {"none": [0.1, 0.9, 0.1, 0.9, 0.5, 0.5], "lrn": [0.9, 0.1] * 3},
            "It would take over 1,000 seeds to show a difference of 0.5 points.",
        ),
        (
            {"none": [0.5] * 8, "lrn": 0.5 + NOISE, "batch_norm": 0.5 - NOISE},
            "8 seeds would show a difference of 0.5 points in each of these 80% of the "
            "time.",
        ),
        (
            {"none": [0.5], "lrn": [0.9]},
            "not shown (corrected p = 1). A single seed can show no difference.",
        ),
        (
            {"none": [0.5, 0.6, 0.7], "lrn": [0.5, 0.7], "batch_norm": [0.6, 0.5, 0.7]},
            "2 to 3 seeds can show no difference, however large;",
        ),
        ({"none": [0.5]}, "No norm alone: there is nothing to compare with."),
        (
            {"none": [0.5], "lrn": []},
            "LRN and no norm have no completed run in common: no seed to compare them",
        ),
    ],
)
def test_verdict_says_what_the_seeds_can_show(accuracies, said):
    assert said in verdict_of(**accuracies)


def test_tables_say_what_the_statistics_do(finished):
    text = composed(finished)
    # By hand: means, t = 2.365 for seven degrees of freedom, exact p-values times 2.
    deviation = np.std(ACCURACIES["none"], ddof=1)
    half_width = 2.3646 * deviation / np.sqrt(8)
    assert (
        f"| no norm | 91.50 ± {100 * half_width:.2f} | {100 * deviation:.2f} "
        "| 0.100 | 2.00 | 8 of 8 |"
    ) in text
    contrasts = section(text, "Contrasts")
    assert "| LRN - no norm | +0.00 | " in contrasts
    # The images that BatchNorm gets right are nearly the same for all seeds.
    assert re.search(
        r"\| LRN - BatchNorm \| -5.00 \| -5.\d\d to -4.\d\d \| -6.\d\d to -3.\d\d "
        r"\| 0.00781 \| 0.0156 \| 8 \|",
        contrasts,
    )
    others = section(text, "Other differences")
    assert "| BatchNorm - no norm | +5.00 | +4.94 to +5.06 | 0.00781 | 8 |" in others
    seeds = section(text, "The seeds it would take")
    assert re.search(r"\| LRN - no norm \| 8 \| 0.0156 \|.*\| over 1,000 \|", seeds)


def test_secondary_metrics_are_in_a_table_for_each_contrast():
    made = make_runs(recipe={"target_accuracy": 0.915})
    text = section(of_runs(made), "Secondary metrics")
    lrn = "| LRN - BatchNorm | LRN | BatchNorm | difference | 95% over seeds |"
    assert text.index("| LRN - no norm | LRN | no norm |") < text.index(lrn)
    rows = text[text.index(lrn) :]
    # Accuracies below 0.94833 do not get there in three epochs, all of BatchNorm do.
    assert f"| epochs to 91.5% | 0 of 8 | 2.5 | {NOTHING} | {NOTHING} |" in rows
    assert f"| test loss | 0.100 | 0.100 | +0.000 | {NOTHING} | 1 |" in rows
    assert "calibration" not in text  # earlier files have none


def gains(*places):
    """The last line of a run with these 5th and 95th percentiles of gains."""
    return {
        "gains": {
            f"norm{i}": {"low": low, "median": (low + high) / 2, "high": high}
            for i, (low, high) in enumerate(places, 1)
        }
    }


NAN = float("nan")
CONSTANT = (0.594, 0.596)
VARIES = (0.3, 0.6)


@pytest.mark.parametrize(
    ("arm", "places", "said"),
    [
        (
            "lrn",
            [VARIES],
            "LRN acted: nine in ten of its gains are between 0.3 and 0.6.",
        ),
        (
            "lrn",
            [CONSTANT, VARIES],
            "acted at 1 of 2 places: nine in ten of its gains there are",
        ),
        (
            "lrn",
            [CONSTANT] * 2,
            "LRN was a constant factor of 0.595 here: this says no",
        ),
        ("lrn", [CONSTANT, (0.999, 1)], "a constant factor of 0.595 to 1 here: this"),
        ("whole_map", [CONSTANT], "Whole-map was a constant factor of 0.595 here: "),
        ("lrn_batch_norm", [CONSTANT], "LRN in LRN + BatchNorm was a constant factor"),
        ("scaled", [CONSTANT], None),
        ("lrn", [(NAN, NAN)], None),
        ("lrn", [], None),
    ],
)
def test_verdict_begins_with_whether_lrn_acted(arm, places, said):
    made = make_runs({"none": [0.5] * 6, arm: [0.6, 0.61] * 3})
    for run in made[6:]:
        run.end.update(gains(*places))
    first, *others = section_of_verdict(of_runs(made))
    finding = f"{title(arm).capitalize()} is 10.50 points above no norm: shown".lower()
    if said is None:
        assert first.lower().startswith(finding)
        return
    assert said in first
    constant = "was a constant" in first
    assert others[0].lower().startswith(finding)
    assert others[0].endswith("not as the work of local normalization.") == constant


def section_of_verdict(text) -> list[str]:
    """Returns the sentences below the title of a report."""
    lines = text.split("\n\n")[1].splitlines()
    return [line.removeprefix("- ") for line in lines]


@pytest.mark.parametrize(
    ("recipe", "cut"),
    [
        ({"name": "caffe_full", "dataset": "cifar10"}, " (cut short: 3 of 140 epochs)"),
        ({"name": "caffe_full", "dataset": "cifar10-jpeg"}, " (cut short: 3 of 140"),
        ({"name": "caffe_full", "dataset": "cifar10", "epochs": 140}, ""),
        # Other images than the recipe is made for, an unknown recipe, an early file.
        ({"name": "article", "dataset": "mnist"}, ""),
        ({"name": "ours"}, ""),
        ({}, ""),
    ],
)
def test_recipe_that_was_cut_short_is_said_to_be_in_the_title(recipe, cut):
    heading = of_runs([make_run("none", 0, 0.5, recipe=recipe)]).partition("\n")[0]
    assert f"on MNIST{cut}" in heading
    assert ("cut short" in heading) == bool(cut)


def test_points_have_a_sign_of_their_own_and_no_negative_zero():
    assert formatting.signed(-0.0123) == "\N{MINUS SIGN}1.23"
    assert formatting.signed(-1e-6) == "+0.00"
    assert formatting.points(-1e-6) == "0.00"


def test_page_needs_no_other_file(written, finished):
    text = (written / "report.html").read_text(encoding="utf-8")
    names = re.findall(r"!\[.*?\]\((.*?)\)", (written / "report.md").read_text("utf-8"))
    assert {"report.md", "report.html", "looks.json", *names} == {
        path.name for path in written.iterdir()
    }
    assert "activations-lrn.svg" in names
    images = re.findall(r'<img src="data:image/svg\+xml;base64,(.*?)" alt=".+?"', text)
    for image, name in zip(images, names, strict=True):
        svg = base64.b64decode(image)
        assert svg == (written / name).read_bytes()
        assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert re.findall(r'(?:src|srcset|href)="', text) == ['src="'] * len(names)
    assert "http" not in re.sub(r"base64,[\w+/=]+", "", text)
    assert "a &lt;processor&gt;" in text
    found = metrics.read(finished)
    summary = summarize(found, arms_of(found), [])
    for row in tables.summary(found, summary).rows:
        for cell in row:
            assert re.search(f"<td[^>]*>{re.escape(cell)}</td>", text)


def test_report_can_be_written_again_to_the_letter(written, finished, tmp_path):
    page.write_report(finished, tmp_path)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (written / path.name).read_bytes(), path


def test_runs_that_did_not_complete_are_named(runs):
    write_run(runs, "lrn", 8, 0.0, end="diverged")
    write_run(runs, "lrn", 9, 0.0, end="diverged")
    amend(runs, "lrn-seed9", end={"loss": "2.5", "gradient_norm": "inf"})
    write_run(runs, "lrn", 10, 0.0, end="diverged")
    amend(runs, "lrn-seed10", end={"reason": "for some other reason"})
    write_run(runs, "batch_norm", 8, 0.0, end="", num_epochs=2)
    text = composed(runs)
    failed = section(text, "Runs that did not complete")
    assert "- LRN, seed 8: diverged: the loss was nan at step 17" in failed
    assert "- LRN, seed 9: diverged: the norm of the gradient was inf at" in failed
    assert "- LRN, seed 10: diverged: for some other reason" in failed
    assert "- BatchNorm, seed 8: interrupted after 2 epochs" in failed
    assert "| 8 | not started | diverged | interrupted |" in text
    assert "| 9 | not started | diverged | not started |" in text


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ({"test_accuracy": NAN}, "its test accuracy is nan"),
        ({"test_loss": NAN}, "its test loss is nan"),
        ({"epochs": 0}, "0 of its 3 epochs are recorded"),
        ({"epochs": 2}, "2 of its 3 epochs are recorded"),
        ({"train_loss": NAN}, "its train loss is nan in epoch 1"),
    ],
)
def test_runs_whose_results_cannot_count_are_left_out_and_said(damage, said, runs):
    path = runs / "lrn-seed7.jsonl"
    start, *epochs, end = map(json.loads, path.read_text("utf-8").splitlines())
    epochs = epochs[: damage.get("epochs", 3)]
    for line in (*epochs, end):
        line |= {name: value for name, value in damage.items() if name in line}
    lines = [json.dumps(line) + "\n" for line in (start, *epochs, end)]
    path.write_text("".join(lines), "utf-8")
    text = composed(runs)
    assert f"- LRN, seed 7: left out: {said}" in section(
        text, "Runs that did not complete"
    )
    assert "| 7 | 93.00 | left out | 98.00 |" in text
    assert "| LRN | 91.29 " in text
    assert "nan" not in text.replace(said, "")


@pytest.mark.parametrize("left", ["no file", "no result"])
def test_missing_baseline_is_said_and_no_other_arm_takes_its_place(left, runs):
    amend(runs, "none-*", end={"test_accuracy": NAN})
    for path in runs.glob("none-*"):
        if left == "no file":
            path.unlink()
    text = composed(runs)
    assert text.startswith("# LRN, BatchNorm against no norm on MNIST")
    assert "- LRN and no norm have no completed run in common" in text
    nothing = " | ".join([NOTHING] * 5)
    assert f"| LRN - no norm | {nothing} | 0 |" in text
    nothing = " | ".join([NOTHING] * 4)
    assert f"| no norm | {nothing} | 0 of {0 if left == 'no file' else 8} |" in text
    # LRN and BatchNorm are compared all the same.
    assert "- LRN is 5.00 points below BatchNorm: shown" in text


def test_metrics_that_were_changed_count_and_are_said(runs, monkeypatch):
    amend(runs, "lrn-seed3", end={"test_accuracy": 0.5})
    text = composed(runs)
    assert "LRN, seed 3: line 5" in section(
        text, "Metrics that were changed after a run"
    )
    assert "| 3 | 93.00 | 50.00 | 98.00 |" in text
    monkeypatch.setattr(page, "as_page", lambda heading, text, images: "")
    monkeypatch.setattr(page, "_plots", lambda material, summary: {})
    note = page.write_report(runs).note
    assert note == "Metrics were changed after a run: LRN, seed 3: line 5."


def test_arm_that_was_added_later_is_compared():
    made = make_runs({"none": [0.5] * 2, "lrn": [0.6] * 2})
    later = make_runs({"none": [], "batch_norm": [0.7] * 2, "lrn": []})
    text = of_runs([*made, *later])
    assert text.startswith("# BatchNorm, LRN against no norm on ")
    assert "| LRN - BatchNorm | -10.00 |" in text


HOSTILE = (
    "![x](http://a.org/x.png)",
    "<script>alert(1)</script><img src=x>",
    "_a_ *b* `c` | d",
    "two\n\n# lines\r\n```",
    "\x1b[31m\u202e",
    "\udcff $x^2$",
    "[x](javascript:x) &lt;",
    "{{ 7 * 7 }} {% raw %} {# x",
    "- + 1. </title></style>",
)


def page_with(text):
    """Returns Markdown and page of runs that have a text wherever one may be."""
    made = [
        make_run(
            norm,
            0,
            0.5,
            arms=["none", "lrn"],
            dataset_title=text,
            network=text,
            command=text,
            environment={text: text},
            deviations=[text],
            reference=[{"arm": text, "accuracy": 0.5, "source": text, "note": text}],
            recipe={text: text, "lrn": {text: [text]}},
        )
        for norm in ("none", "lrn")
    ]
    markdown = of_runs(made)
    return markdown, page.as_page(f"On {text}", markdown, {})


def test_text_from_outside_is_only_text():
    _, harmless = page_with("harmless")
    for text in HOSTILE:
        markdown, whole = page_with(text)
        assert not set(markdown + whole) & set("\x1b\u202e\udcff\r")
        tags = re.findall(r"</?\w+", whole)
        assert tags == re.findall(r"</?\w+", harmless), text
        assert html.unescape(whole).count(plain(text)) >= 12, text


@pytest.mark.parametrize("width", [24, 40, 80, 120])
def test_table_is_readable_in_terminals_of_any_width(width):
    made = make_runs()
    summary = summarize(made, [*ACCURACIES], contrasts_of(made))
    for table in (tables.summary(made, summary), tables.contrasts(summary)):
        console = Console(width=width, file=io.StringIO())
        console.print(table)
        assert isinstance(console.file, io.StringIO)
        lines = console.file.getvalue().splitlines()
        assert max(map(len, lines)) <= width
        printed = " ".join(" ".join(lines).split())
        for row in table.rows:
            assert row[0] in printed
            for cell in row[1:]:
                assert cell == NOTHING or cell in printed
        assert ("\u2500" in printed) == (width >= 80)  # a line below the headings


def test_terminal_ends_with_the_verdict(finished, tmp_path, monkeypatch):
    monkeypatch.setattr(page, "_plots", lambda material, summary: {})
    printed = page.write_report(finished, tmp_path)
    console = Console(width=40, file=io.StringIO())
    page.print_summary(console, printed, tmp_path)
    assert isinstance(console.file, io.StringIO)
    *lines, last = console.file.getvalue().rstrip().split("\n")
    *lines, advice = lines
    said = " ".join(line.strip() for line in lines)
    assert said.endswith(" ".join(printed.verdict))
    assert max(map(len, lines)) <= 40
    assert "\N{PLUS-MINUS SIGN}: 95% interval over seeds; p: how often chance" in said
    assert advice == printed.next_step
    assert last == f"Report: {tmp_path / 'report.html'}"


def test_report_without_a_completed_run_is_valid(tmp_path):
    write_run(tmp_path, "none", 0, 0.0, end="", num_epochs=0)
    page.write_report(tmp_path)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "nothing to compare" in text
    assert "no norm, seed 0: interrupted after 0 epochs" in text
    assert "![" not in text
    assert not (tmp_path / "looks.json").exists()


def test_report_of_one_arm_is_valid():
    text = of_runs(make_runs({"none": [0.5, 0.5]}))
    assert text.startswith("# no norm on ")
    assert "differences.svg" not in text
    assert "## Contrasts" not in text
    assert "learning-curves.svg" in text


def test_costs_are_shown_where_they_were_recorded(runs):
    text = section(composed(runs), "Cost")
    per_epoch = "700.0 (600.0 to 800.0) ms | 1.00"
    assert f"| BatchNorm | {per_epoch} | 1.0 s | 1,234 |" in text
    amend(runs, "lrn-*", end={"step_seconds": 0.0125, "memory_bytes": 300 * 2**20})
    text = section(composed(runs), "Cost")
    # Steps have the spread of the epochs that they are of.
    per_step = "12.5 (10.7 to 14.3) ms"
    assert f"| LRN | {per_epoch} | {per_step} | 300 MiB | 1.0 s | 1,234 |" in text
    line = f"| BatchNorm | {per_epoch} | {NOTHING} | {NOTHING} | 1.0 s | 1,234 |"
    assert line in text
    assert "processes shared" not in text
    amend(runs, "lrn-seed0", load_in_60_seconds=2.0, cores=2)
    amend(runs, "lrn-seed1", load_in_60_seconds=3.5, cores=2)
    text = section(composed(runs), "Cost")
    assert "Up to 3.5 processes shared 2 cores when a run began" in text


DATA = {"train": 1294, "validation": 144, "test": 359}


@pytest.mark.parametrize(
    ("number", "classes"),
    [
        (1, "1 class: a0."),
        (3, "3 classes: a0, a1, a2."),
        (12, f"12 classes: {', '.join(f'a{i}' for i in range(10))} and 2 more."),
    ],
)
def test_images_and_planned_runs_are_reported(number, classes):
    data = {**DATA, "classes": [f"a{i}" for i in range(number)]}
    text = of_runs(make_runs({"none": [0.5], "lrn": [0.6] * 2}, data=data, seeds=3))
    assert (
        "Data: MNIST, 1,294 images to train on, 144 held out, 359 to test; " + classes
    ) in text
    assert "Training: 6 runs, 2 arms with 3 seeds, of 3 epochs." in text


def test_settings_without_effect_are_no_part_of_the_recipe():
    idle = {"momentum": 0.9, "dropout_rate": 0.0, "image_size": 64, "padding": 0}
    idle |= {"optimizer": "adam", "network": "resnet20", "crop": None}
    listed = contents.recipe([make_run("none", 0, 0.5, recipe=idle)])
    assert listed == "epochs 3, optimizer adam, network resnet20"
    acting = {"momentum": 0.9, "dropout_rate": 0.5, "image_size": 64, "padding": 4}
    acting |= {"optimizer": "sgd", "network": "article", "crop": 28}
    acting |= {"dataset": "folder"}
    listed = contents.recipe([make_run("none", 0, 0.5, recipe=acting)])
    for setting in ("momentum 0.9", "dropout rate 0.5", "image size 64", "padding 4"):
        assert setting in listed


RESUMED = "python -m experiments ablate --resume --output 'a b'"
OWN = "your own images (--dataset folder --data-dir DIRECTORY)"


@pytest.mark.parametrize(
    ("seeds", "known", "expected"),
    [
        (2, {}, f"Next: {OWN}, or as many seeds as can show a difference: "
         f"{RESUMED} --seeds 7"),
        (2, {"unfinished": True}, "Next: the runs that are missing and as "
         f"many seeds as can show a difference: {RESUMED} --seeds 7"),
        (8, {"unfinished": True},
         f"Next: the runs that are missing: {RESUMED}"),
        (8, {}, f"Next: {OWN}, or arms that are tuned alike: {RESUMED} --tune 12"),
        (8, {"own": True, "command": ""}, "Next: arms that are tuned alike: --tune 12"),
        (8, {"tuned": True}, f"Next: {OWN}"),
        (8, {"tuned": True, "own": True}, ""),
    ],
)  # fmt: skip
def test_next_step_is_a_command(seeds, known, expected):
    runs = make_runs({arm: of[:seeds] for arm, of in ACCURACIES.items()})
    summary = summarize(runs, [*ACCURACIES], [("lrn", "none"), ("batch_norm", "none")])
    usual = {"unfinished": False, "tuned": False, "own": False, "command": RESUMED}
    assert next_step(summary, **{**usual, **known}) == expected


def test_unfinished_ablation_says_what_is_missing(tmp_path, monkeypatch):
    for norm, accuracies in {"none": (0.5, 0.6), "lrn": (0.5,)}.items():
        for seed, accuracy in enumerate(accuracies):
            write_run(tmp_path, norm, seed, accuracy)
    monkeypatch.setattr(page, "_plots", lambda material, summary: {})
    write_run(tmp_path, "batch_norm", 0, 0.5, end="diverged")
    assert "are done" not in page.write_report(tmp_path).verdict[0]  # nobody said
    amend(tmp_path, "none-*", seeds=2)
    assert page.write_report(tmp_path).verdict[0] == (
        "4 of 6 runs are done; some are missing of LRN (1 of 2), BatchNorm (1 of 2)."
    )


def test_what_a_recipe_says_of_itself_is_reported():
    text = of_runs(
        make_runs(
            dataset_title="CIFAR-10-JPEG (lossy)",
            network="A network of many layers.",
            deviations=["Images are copies.", "It is short."],
            reference=[
                {"arm": "lrn", "accuracy": 0.82, "source": "a | b", "note": "*100*."},
                {"arm": "lrn_within", "accuracy": 0.7505, "source": "c"},
            ],
            unknown={"to": ["this", "version"]},
        )
    )
    assert text.startswith("# LRN, BatchNorm against no norm on CIFAR-10-JPEG (lossy)")
    published = section(text, "Beside published numbers")
    ours = "91.50 ± 1.00 | +9.50"
    assert rf"| LRN | 82.00 | {ours} | a \| b | \*100\*. |" in published
    within = title("lrn_within")
    assert f"| {within} | 75.05 | {NOTHING} | {NOTHING} | c | {NOTHING} |" in published
    compared = section(text, "What was compared")
    assert "A network of many layers. The arms differ" in compared
    assert "- Images are copies.\n- It is short." in compared
    # The style sheet lets cells of sentences wrap, by their being aligned to no side.
    shown = page.as_page("", published, {})
    assert "<td>a | b</td>" in shown
    assert '<td style="text-align:right">82.00</td>' in shown


def test_recipe_is_told_without_the_constants_of_arms(finished):
    text = section(composed(finished), "What was compared")
    recipe = re.search("One recipe for all arms: (.*)", text)
    assert recipe
    assert "epochs 3, batch size 64" in recipe[1]
    assert not re.search("alpha|group size|data dir", recipe[1])


def test_values_of_a_recipe_are_told_in_words():
    recipe = {
        "offline": True,
        "flip": True,
        "crop": None,
        "drops": [],
        "contrast": [0.2, 1.8],
        "weight_decay": [["conv*", 0.004], ["fc*", 1 / 3]],
    }
    assert (
        "One recipe for all arms: epochs 3, flip yes, contrast 0.2 and 1.8, "
        "weight decay conv\\* 0.004 and fc\\* 0.3333.\n"
    ) in of_runs([make_run("none", 0, 0.5, recipe=recipe)])


def test_every_arm_is_described():
    recipe = {"lrn": {"alpha": 0.125}, "group_size": 8}
    arms = {arm: [0.5] for arm in (*EVERY_ARM, "of_the_future")}
    text = of_runs(make_runs(arms, recipe=recipe))
    assert text.startswith("# 12 norms against no norm on MNIST")
    lines = re.findall("^- (.*?): (.*)$", section(text, "What was compared"), re.M)
    assert [name for name, _ in lines] == [title(norm) for norm in arms]
    described = dict(zip(arms, [text for _, text in lines], strict=True))
    for norm in ("lrn", "divisive", "lrn_batch_norm"):
        assert "Here alpha 0.125." in described[norm]
    assert "Here group size 8." in described["group_norm"]
    assert "does not know" in described["of_the_future"]


def test_arms_of_a_sweep_are_told_with_their_own_constants():
    text = of_runs(
        [
            make_run(f"lrn-alpha={alpha}", 0, 0.5, recipe={"lrn": {"alpha": alpha}})
            for alpha in (0.5, 2.0)
        ]
    )
    assert re.search(r"- LRN, alpha=0.5: local .* Here alpha 0.5\.", text)
    assert re.search(r"- LRN, alpha=2.0: local .* Here alpha 2\.", text)


@pytest.mark.parametrize(
    ("arms", "said"),
    [
        (
            ["none", "lrn", "none-tuned", "lrn-tuned"],
            "LRN against no norm, untuned and",
        ),
        (["none", "lrn-alpha=1", "lrn-alpha=2"], "LRN against no norm, by alpha, on"),
        (["lrn-batch_size=4", "lrn-batch_size=8"], "LRN, by batch size, on MNIST"),
        ((*EVERY_ARM, "lrn-tuned"), "11 norms against no norm, untuned and tuned, on"),
    ],
)
def test_title_counts_a_norm_once(arms, said):
    text = of_runs(make_runs({arm: [0.5, 0.75] for arm in arms}))
    assert text.startswith(f"# {said}")


def test_differences_are_the_first_thing_after_the_verdict(written):
    text = (written / "report.md").read_text(encoding="utf-8")
    verdict_end = text.rindex("\n- ", 0, text.index("\n| norm |"))
    image, after = text.index("![Difference in test accuracy"), text.index("\n| norm |")
    assert verdict_end < image < after
    assert "Marks are seeds" in text[image:after]
    assert text.count("differences.svg") == 1


def test_a_sweep_has_its_plot_and_says_what_it_is_over():
    def swept(*alphas):
        arms = {"none": [0.5, 0.6], **{f"lrn-alpha={a}": [0.5, 0.6] for a in alphas}}
        return of_runs(make_runs(arms))

    assert "![Test accuracy of each arm over alpha](sweep.svg)" in swept(0, 0.5)
    assert "sweep.svg" not in swept(0.5)
    assert "sweep.svg" not in of_runs(make_runs({"none": [0.5], "none-tuned": [0.5]}))


def test_place_of_the_report_that_cannot_be_written_to_is_refused(finished, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(
        UserError,
        match=r"`output` must be a directory, but .* cannot be made: File exists",
    ):
        page.write_report(finished, tmp_path / "file")


@pytest.mark.parametrize(
    "patterns",
    [("*-seed[0246]", "*-seed[1357]"), ("none-*", "[!n]*-*")],
    ids=["by seed", "by arm"],
)
def test_shards_make_the_report_of_the_whole(patterns, finished, tmp_path):
    shards = [tmp_path / "first", tmp_path / "second"]
    for shard, pattern in zip(shards, patterns, strict=True):
        shard.mkdir()
        for path in [*finished.glob(f"{pattern}.jsonl"), *finished.glob("*.npz")]:
            shutil.copy(path, shard)
    assert len(list(tmp_path.glob("*/*.jsonl"))) == 24
    assert composed(*shards) == composed(finished)


ALPHA = ('"alpha": 0.0001', '"alpha": 0.1')
GROUPS = ('"group_size": 8', '"group_size": 4')


@pytest.mark.parametrize(
    ("norm", "old", "new", "message"),
    [
        (
            "none",
            '"epochs": 3',
            '"epochs": 4',
            r"`epochs` is 3 in .*first \(no norm, seed 0\) and 4 in .*second",
        ),
        ("lrn", *ALPHA, r"`lrn.alpha` is 0.0001 in .* \(LRN, seed 0\) and 0.1 in"),
        ("lrn", '"lrn": {', '"lrn": {"new": 1, ', "`lrn.new` is None in .* and 1 in"),
        ("lrn", *GROUPS, "`group_size` is 8 in"),
        (
            "none",
            '"kind": "start"',
            '"kind": "start", "fingerprint": "f"',
            "`fingerprint` is None in .* and f in",
        ),
        # Constants that only the other arm has, and what changes nothing in a run.
        ("none", *ALPHA, None),
        ("none", *GROUPS, None),
        ("none", '"data_dir": null', '"data_dir": "elsewhere"', None),
        ("none", '"command": "python', '"command": "taskset 1 python', None),
    ],
)
def test_runs_with_different_recipes_are_not_merged(norm, old, new, message, tmp_path):
    directories = [tmp_path / "first", tmp_path / "second"]
    for seed, (directory, each) in enumerate(
        zip(directories, (norm, "lrn"), strict=True)
    ):
        write_run(directory, each, seed, 0.5)
    path = directories[1] / "lrn-seed1.jsonl"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    if message is None:
        assert composed(*directories).count("| 1 of 1 |") == 2
        return
    with pytest.raises(UserError, match=message):
        page.write_report(directories, tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_runs_that_are_there_twice_count_once(tmp_path):
    shards = [tmp_path / name for name in ("first", "second", "third")]
    write_run(shards[0], "none", 0, 0.5, end="", num_epochs=1)
    for shard, accuracy in zip(shards[1:], (0.6, 0.7), strict=True):
        write_run(shard, "none", 0, accuracy)
    text = composed(*shards)
    assert f"| no norm | 60.00 | {NOTHING} | 0.100 | 2.00 | 1 of 1 |" in text
    twice = section(text, "Runs that are there twice")
    first, second, third = map(str, shards)
    counts = f"is left out, that in {second} (60.00%) counts"
    for place, outcome in ((first, "interrupted after 1 epochs"), (third, "70.00%")):
        assert f"- no norm, seed 0: the one in {place} ({outcome}) {counts}" in twice
    assert "Runs that did not complete" not in text


def test_different_machines_are_told_apart():
    here = make_run("none", 0, 0.5)
    same = of_runs([here, make_run("none", 1, 0.5)])
    assert "different environments" not in same
    assert same.count("commit abc") == 1
    other = ENVIRONMENT | {"device": "another"}
    text = of_runs(
        [here, make_run("none", 1, 0.5, environment=other, command="python -m y")]
    )
    assert "The runs come from different environments" in section(text, "Cost")
    origin = section(text, "How it was made")
    assert "    python -m x\n    python -m y\n" in origin
    assert "- commit abc, device a \\<processor\\>, jax 1.2 (1 run)" in origin
    assert "- commit abc, device another, jax 1.2 (1 run)" in origin


def test_what_a_run_went_on_with_is_told():
    part = {"after_epoch": 2, "environment": {"commit": "def"}, "devices": 4}
    text = of_runs([make_run("none", 0, 0.5, resumed=[part])])
    origin = section(text, "How it was made")
    assert "jax 1.2; after epoch 2: commit def, devices 4" in origin


def test_several_directories_need_a_place_for_the_report(finished, tmp_path):
    with pytest.raises(UserError, match="`output` must name a directory"):
        page.write_report([finished, finished])
    with pytest.raises(UserError, match="`directories` must name at least one"):
        page.write_report([], tmp_path)


def test_command_line_reports_on_several_directories(tmp_path, capsys):
    shards = [tmp_path / name for name in ("first", "second")]
    for seed, shard in enumerate(shards):
        write_run(shard, "none", seed, 0.5, end="diverged")
    output = tmp_path / "report"
    assert main(["report", *map(str, shards), "--output", str(output)]) == 0
    assert str(output / "report.html") in capsys.readouterr().out.replace("\n", "")
    assert "| 0 of 2 |" in (output / "report.md").read_text(encoding="utf-8")
    assert main(["report", *map(str, shards)]) == 2
    assert "`output`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("norm", "scale", "said"),
    [
        ("lrn", 0.595, True),
        ("lrn", np.linspace(0.595, 0.598, 8), True),
        ("lrn", np.linspace(0.5, 0.6, 8), False),
        ("batch_norm", 0.595, False),  # nothing local is claimed of it
    ],
)
def test_activations_say_it_of_runs_without_gains(norm, scale, said):
    text = of_runs(make_runs(), {norm: some_activations(scale)})
    first = section_of_verdict(text)[0]
    assert ("LRN was a constant factor of 0.59" in first) == said
    assert ("this says nothing of local normalization." in first) == said


def test_activations_beside_the_metrics_are_shown(tmp_path):
    shards = [tmp_path / name for name in ("first", "second")]
    for seed, shard in enumerate(shards):
        for norm in ("none", "lrn"):
            write_run(shard, norm, seed, 0.5)
        path = activation_file.path_of(shard, "lrn")
        activation_file.save(path, some_activations(0.25 * (seed + 1)))
    activation_file.save(
        activation_file.path_of(shards[1], "none"), some_activations(1)
    )
    text = section(composed(*shards), "What the norms do to activations")
    assert "| no norm | 1 | 0.0% | 0.0% |" in text
    assert "| LRN | 0.25 | 0.0% | 0.0% |" in text  # the first directory's
    for norm in ("none", "lrn"):
        assert f"](activations-{norm}.svg)" in text
