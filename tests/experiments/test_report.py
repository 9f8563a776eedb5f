"""What metrics say together, and the report made from them."""

import base64
import html
import io
import json
import re
import xml.etree.ElementTree as ElementTree
from unittest import mock

import numpy as np
import pytest
from rich.console import Console

from experiments import metrics
from experiments.__main__ import main
from experiments.config.arms import title
from experiments.metrics import arms_of
from experiments.report import activations, plots, tables
from experiments.report import page as report
from experiments.report.statistics import Arm, summarize
from experiments.terminal.errors import UserError
from experiments.terminal.text import plain

from .runs import ENVIRONMENT, EVERY_ARM, amend, make_run, write_run

NOTHING = "\N{EN DASH}"
ACCURACIES = {
    "none": (0.90, 0.91, 0.92, 0.93, 0.91, 0.90, 0.92, 0.93),
    "lrn": (0.90, 0.92, 0.91, 0.93, 0.92, 0.90, 0.91, 0.93),
    "batch_norm": (0.95, 0.961, 0.969, 0.98, 0.96, 0.951, 0.969, 0.98),
}


@pytest.fixture
def runs(tmp_path):
    """Three arms with eight seeds: one like the baseline, one clearly better."""
    for norm, accuracies in ACCURACIES.items():
        for seed, accuracy in enumerate(accuracies):
            write_run(tmp_path / "runs", norm, seed, accuracy)
    return tmp_path / "runs"


def summarized(directory) -> list[Arm]:
    """Returns what the metrics in a directory say together."""
    found = metrics.read(directory)
    return summarize(found, arms_of(found))


def written(*directories, output=None) -> str:
    """Writes a report and returns its Markdown."""
    report.write(directories, output)
    path = (output or directories[0]) / "report.md"
    return path.read_text(encoding="utf-8")


def told(*directories, output=None) -> str:
    """Returns the Markdown of a report whose plots are not drawn, which takes long."""
    with mock.patch.object(report, "_plots", return_value={}):
        return written(*directories, output=output)


def section(text, heading) -> str:
    """Returns what is below a heading, up to the next one."""
    return text.split(f"## {heading}\n")[1].split("\n## ")[0]


def test_differences_are_taken_seed_by_seed(runs):
    baseline, lrn, batch_norm = summarized(runs)
    assert baseline.difference is None
    assert lrn.difference is not None
    assert lrn.difference.mean == pytest.approx(0, abs=1e-9)
    # Of the eight differences of about 0.05, not of the accuracies.
    assert batch_norm.difference is not None
    assert batch_norm.difference.interval is not None
    assert 0.049 < batch_norm.difference.interval.low < 0.05
    assert 0.05 < batch_norm.difference.interval.high < 0.051
    assert batch_norm.accuracy is not None
    assert batch_norm.accuracy.interval is not None
    interval = batch_norm.accuracy.interval
    assert interval.high - interval.low > 0.015
    assert batch_norm.cost.epoch_seconds == pytest.approx(0.7)


def test_p_values_are_corrected_over_the_arms(runs):
    _, lrn, batch_norm = summarized(runs)
    assert batch_norm.difference is not None
    assert batch_norm.difference.p_value == 2 / 2**8
    assert batch_norm.difference.corrected_p_value == 4 / 2**8
    assert batch_norm.difference.smallest_p_value == 4 / 2**8
    assert batch_norm.difference.shown
    assert lrn.difference is not None
    assert lrn.difference.corrected_p_value == 1
    assert not lrn.difference.shown
    assert lrn.difference.can_be_shown


def test_seeds_missing_in_one_arm_are_left_out_of_its_differences(tmp_path):
    for seed, accuracy in enumerate((0.5, 0.6, 0.7)):
        write_run(tmp_path, "none", seed, accuracy)
    write_run(tmp_path, "lrn", 0, 0.4, end="diverged")
    for seed in (1, 2):
        write_run(tmp_path, "lrn", seed, 0.8)
    _, lrn, _ = summarized(tmp_path)
    assert lrn.num_runs == 2
    assert lrn.difference is not None
    assert lrn.difference.by_seed == pytest.approx({1: 0.2, 2: 0.1})
    assert lrn.difference.mean == pytest.approx((0.2 + 0.1) / 2)


def verdict_of(**accuracies) -> str:
    """Returns the verdict on these accuracies of arms, seed by seed."""
    made = [
        make_run(norm, seed, accuracy)
        for norm, values in accuracies.items()
        for seed, accuracy in enumerate(values)
    ]
    return report.verdict(summarize(made, list(accuracies)))


def test_verdict_says_no_more_than_the_test():
    text = verdict_of(**ACCURACIES)
    assert "against no norm (91.50%)" in text
    assert "BatchNorm is higher by 5.00 points (p = 0.0156)" in text
    assert "no difference shown for LRN with 8 seeds" in text
    assert text.count(".") == len(re.findall(r"\d\.\d", text)) + 1  # a sentence


def test_verdict_names_the_direction():
    accuracies = np.array(ACCURACIES["none"])
    text = verdict_of(none=accuracies, lrn=accuracies - 0.01 - accuracies / 100)
    assert "LRN is lower by 1.92 points (p = 0.00781)" in text


def test_verdict_of_too_few_seeds_says_that_they_can_show_nothing():
    text = verdict_of(none=[0.5, 0.51, 0.5], lrn=[0.9, 0.91, 0.91])
    assert "no difference shown for LRN; 3 seeds can show none, however large" in text
    # Differences with a deviation of 0.58 points, and no correction for one arm.
    assert re.search(r"it would take 13 seeds to show one of 0\.5 points", text)


def test_verdict_says_how_many_seeds_could_not_be_enough():
    text = verdict_of(none=[0.1, 0.9, 0.1, 0.9, 0.5, 0.5], lrn=[0.9, 0.1] * 3)
    assert "with 6 seeds, and it would take over 1,000 seeds to show one" in text


def test_verdict_of_enough_seeds_says_what_they_would_have_shown():
    noise = np.array([0.0001, -0.0001] * 4)
    text = verdict_of(none=[0.5] * 8, lrn=0.5 + noise, batch_norm=0.5 - noise)
    assert "no difference shown for LRN or BatchNorm, where 8 seeds would show" in text
    assert "one of 0.5 points 80% of the time" in text


def test_verdict_of_a_single_seed_shows_nothing():
    text = verdict_of(none=[0.5], lrn=[0.9])
    assert "no difference shown for LRN, and a single seed can show none" in text


def test_verdict_counts_the_seeds_of_each_arm():
    text = verdict_of(none=[0.5, 0.6, 0.7], lrn=[0.5, 0.7], batch_norm=[0.6, 0.5, 0.7])
    assert "LRN or BatchNorm; 2 to 3 seeds can show none" in text


def test_verdict_needs_something_to_compare(tmp_path):
    assert "nothing to compare with" in verdict_of(none=[0.5])
    write_run(tmp_path, "none", 0, 0.5)
    write_run(tmp_path, "lrn", 0, 0.5, end="diverged")
    text = report.verdict(summarized(tmp_path))
    assert text.endswith("there is no run to compare of LRN or BatchNorm.")


def test_tables_say_what_the_statistics_do(runs):
    text = told(runs)
    # By hand: means, t = 2.365 for seven degrees of freedom, exact p-values times 2.
    deviation = np.std(ACCURACIES["none"], ddof=1)
    half_width = 2.3646 * deviation / np.sqrt(8)
    assert (
        f"| no norm | 91.50 ± {100 * half_width:.2f} | {100 * deviation:.2f} "
        f"| {NOTHING} | {NOTHING} | {NOTHING} | 8 of 8 |"
    ) in text
    assert re.search(
        r"\| BatchNorm \| 96.50 ± .* \| \+5.00 \| \+4.9\d to \+5.0\d \| 0.0156 \|", text
    )
    tests = section(text, "The test, and the seeds it would take")
    assert "| BatchNorm | 8 | 0.00781 | 0.0156 | 0.0156 | 0.08 | 7 | 7 | 7 |" in tests
    # The observed difference of LRN is 0, which no number of seeds shows.
    assert re.search(r"\| LRN \| 8 \| 1 \| 1 \| 0.0156 \|.*\| over 1,000 \|", tests)


def test_points_have_a_sign_of_their_own_and_no_negative_zero():
    assert tables.points(-0.0123, sign="+") == "\N{MINUS SIGN}1.23"
    assert tables.points(-1e-6, sign="+") == "+0.00"
    assert tables.points(-1e-6) == "0.00"


def test_page_needs_no_other_file(runs):
    table = report.write(runs)
    page = (runs / "report.html").read_text(encoding="utf-8")
    sources = re.findall(r'(?:src|srcset|href)="(.{0,25})', page)
    assert sources == ["data:image/svg+xml;base64"] * 8
    assert "http" not in re.sub(r"base64,[\w+/=]+", "", page)
    assert "a &lt;processor&gt;" in page
    for row in table.rows:
        for cell in row:
            assert re.search(f"<td[^>]*>{re.escape(cell)}</td>", page)
    assert not list(runs.glob("*.part"))


def test_page_has_plots_for_either_color_scheme(runs):
    report.write(runs)
    page = (runs / "report.html").read_text(encoding="utf-8")
    pictures = re.findall(
        r'<picture><source media="\(prefers-color-scheme: dark\)" srcset="data:.*?,'
        r'(.*?)"><img src="data:.*?,(.*?)" alt="(.+?)"></picture>',
        page,
    )
    names = re.findall(r"!\[.*?\]\((.*?)\)", (runs / "report.md").read_text("utf-8"))
    assert len(pictures) == len(names) == 4
    for (dark, light, _), name in zip(pictures, names, strict=True):
        assert base64.b64decode(light) == (runs / name).read_bytes()
        for encoded, theme in ((light, plots.LIGHT), (dark, plots.DARK)):
            svg = base64.b64decode(encoded).decode()
            assert ElementTree.fromstring(svg).tag.endswith("svg")
            assert f"fill: {theme.ground}" in svg
            assert plots.color_of(plots.LOOKS["lrn"], theme).lower() in svg


def test_markdown_holds_table_plots_and_origin(runs):
    table = report.write(runs)
    text = (runs / "report.md").read_text(encoding="utf-8")
    assert table.markdown() in text
    for name in re.findall(r"!\[.*?\]\((.*?)\)", text):
        assert (runs / name).read_text(encoding="utf-8").rstrip().endswith("</svg>")
    assert "python -m x" in text
    assert "commit abc" in text


def test_report_can_be_written_again_to_the_letter(runs):
    report.write(runs)
    first = {path.name: path.read_bytes() for path in runs.iterdir()}
    report.write(runs)
    assert {path.name: path.read_bytes() for path in runs.iterdir()} == first


def test_runs_that_did_not_complete_are_named(runs):
    write_run(runs, "lrn", 8, 0.0, end="diverged")
    write_run(runs, "lrn", 9, 0.0, end="diverged")
    amend(runs, "lrn-seed9", end={"loss": "2.5", "gradient_norm": "inf"})
    write_run(runs, "lrn", 10, 0.0, end="diverged")
    amend(runs, "lrn-seed10", end={"reason": "for some other reason"})
    write_run(runs, "batch_norm", 8, 0.0, end="", num_epochs=2)
    path = runs / "none-seed8.jsonl"
    whole = (runs / "none-seed7.jsonl").read_text(encoding="utf-8")
    path.write_text(whole.replace('"seed": 7', '"seed": 8')[:-30], encoding="utf-8")
    text = told(runs)
    failed = section(text, "Runs that did not complete")
    assert "- LRN, seed 8: diverged: the loss was nan at step 17" in failed
    assert "- LRN, seed 9: diverged: the norm of the gradient was inf at" in failed
    assert "- LRN, seed 10: diverged: for some other reason" in failed
    assert "- BatchNorm, seed 8: interrupted after 2 epochs" in failed
    assert "- no norm, seed 8: interrupted after 3 epochs" in failed
    assert "| 8 | interrupted | diverged | interrupted |" in text
    assert "| 9 | not started | diverged | not started |" in text


NAN = float("nan")


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
    epochs = epochs[: damage.pop("epochs", 3)]
    for line in (*epochs, end):
        line |= {name: value for name, value in damage.items() if name in line}
    lines = [json.dumps(line) + "\n" for line in (start, *epochs, end)]
    path.write_text("".join(lines), "utf-8")
    text = told(runs)
    assert f"- LRN, seed 7: left out: {said}" in section(
        text, "Runs that did not complete"
    )
    assert "| 7 | 93.00 | left out | 98.00 |" in text
    assert "| LRN | 91.29 " in text
    assert "nan" not in text.replace(said, "")


@pytest.mark.parametrize("left", ["no file", "no result"])
def test_missing_baseline_is_said_and_no_other_arm_takes_its_place(left, runs):
    for path in runs.glob("none-*.jsonl"):
        if left == "no file":
            path.unlink()
    amend(runs, "none-*", end={"test_accuracy": NAN})
    text = told(runs)
    assert text.startswith("# LRN, BatchNorm against no norm on MNIST")
    assert (
        "**No run of the baseline, no norm, counts, so there is nothing to compare "
        "with.**"
    ) in text
    nothing = " | ".join([NOTHING] * 5)
    assert f"| no norm | {nothing} | 0 of {0 if left == 'no file' else 8} |" in text
    assert "differences.svg" not in text


def test_metrics_that_were_changed_count_and_are_said(runs):
    amend(runs, "lrn-seed3", end={"test_accuracy": 0.5})
    with mock.patch.object(report, "_plots", return_value={}):
        summary = report.write(runs)
    assert summary.note == "Metrics were changed after a run: LRN, seed 3: line 5."
    text = told(runs)
    assert "LRN, seed 3: line 5" in section(
        text, "Metrics that were changed after a run"
    )
    assert "| 3 | 93.00 | 50.00 | 98.00 |" in text


def test_arm_that_was_added_later_is_compared(tmp_path):
    for seed in range(2):
        write_run(tmp_path, "none", seed, 0.5, arms=["none", "lrn"])
        write_run(tmp_path, "lrn", seed, 0.6, arms=["none", "lrn"])
        write_run(tmp_path, "batch_norm", seed, 0.7, arms=["none", "batch_norm", "lrn"])
    text = told(tmp_path)
    assert text.startswith("# BatchNorm, LRN against no norm on ")
    assert "| BatchNorm | 70.00 | 0.00 | +20.00 |" in text


HOSTILE = (
    "![x](http://a.org/x.png)",
    "<script>alert(1)</script><img src=x>",
    "_a_ *b* `c` | d",
    "two\n\n# lines\r\n```",
    "\x1b[31m\u202e",
    "\udcff $x^2$",
    "[x](javascript:x) &lt;",
)


def test_text_from_outside_is_only_text(tmp_path):
    for norm in ("none", "lrn"):
        write_run(tmp_path, norm, 0, 0.5)

    def page_with(text):
        amend(
            tmp_path,
            dataset_title=text,
            network=text,
            command=text,
            environment={text: text},
            deviations=[text],
            reference=[{"arm": text, "accuracy": 0.5, "source": text, "note": text}],
            recipe={"dataset": text, "epochs": 3, text: text, "lrn": {text: [text]}},
        )
        markdown = told(tmp_path)
        page = (tmp_path / "report.html").read_text(encoding="utf-8")
        assert not set(markdown + page) & set("\x1b\u202e\udcff\r")
        return page, re.findall(r"</?\w+", page)

    _, tags = page_with("harmless")
    for text in HOSTILE:
        page, tags_with = page_with(text)
        assert tags_with == tags, text
        assert page.count(html.escape(plain(text), quote=False)) >= 12


@pytest.mark.parametrize("width", [24, 40, 80, 120])
def test_table_is_readable_in_terminals_of_any_width(width, runs):
    table = tables.summary(metrics.read(runs), summarized(runs))
    console = Console(width=width, file=io.StringIO())
    console.print(table.terminal("[/x] of :smile:"))
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert lines[0] == "[/x] of :smile:"
    printed = " ".join(" ".join(lines).split())
    for row in table.rows:
        assert row[0] in printed
        for cell in row[1:]:
            assert cell == NOTHING or cell in printed
    assert ("\u2500" in printed) == (width >= 80)  # a line below the headings


def test_report_without_a_completed_run_is_valid(tmp_path):
    write_run(tmp_path, "none", 0, 0.0, end="", num_epochs=0)
    text = written(tmp_path)
    assert "nothing to compare with" in text
    assert "no norm, seed 0: interrupted after 0 epochs" in text
    assert "![" not in text


def test_report_of_one_arm_is_valid(tmp_path):
    for seed in range(2):
        write_run(tmp_path, "none", seed, 0.5, arms=["none"])
    text = told(tmp_path)
    assert text.startswith("# no norm on ")
    assert "differences.svg" not in text
    assert "The test, and" not in text
    assert "test-accuracy.svg" in text


def test_costs_are_shown_where_they_were_recorded(runs):
    text = section(told(runs), "Cost")
    assert "| BatchNorm | 700.0 ms | 1.00 | 1.0 s | 1,234 |" in text
    amend(runs, "lrn-*", end={"step_seconds": 0.0125, "memory_bytes": 300 * 2**20})
    text = section(told(runs), "Cost")
    assert "| LRN | 700.0 ms | 1.00 | 12.5 ms | 300 MiB | 1.0 s | 1,234 |" in text
    line = f"| BatchNorm | 700.0 ms | 1.00 | {NOTHING} | {NOTHING} | 1.0 s | 1,234 |"
    assert line in text


REFERENCE = [
    {"arm": "lrn", "accuracy": 0.82, "source": "a | b", "note": "Of *100* epochs."},
    {"arm": "lrn_within", "accuracy": 0.7505, "source": "c"},
]


def test_what_a_recipe_says_of_itself_is_reported(runs):
    amend(
        runs,
        dataset_title="CIFAR-10-JPEG (lossy)",
        network="A network of many layers.",
        deviations=["Images are copies.", "It is short."],
        reference=REFERENCE,
        unknown={"to": ["this", "version"]},
    )
    text = told(runs)
    assert text.startswith("# LRN, BatchNorm against no norm on CIFAR-10-JPEG (lossy)")
    table = section(text, "Beside published numbers")
    ours = "91.50 ± 1.00 | +9.50"
    assert rf"| LRN | 82.00 | {ours} | a \| b | Of \*100\* epochs. |" in table
    within = title("lrn_within")
    assert f"| {within} | 75.05 | {NOTHING} | {NOTHING} | c | {NOTHING} |" in table
    compared = section(text, "What was compared")
    assert "A network of many layers. The arms differ" in compared
    assert "- Images are copies.\n- It is short." in compared
    page = (runs / "report.html").read_text(encoding="utf-8")
    assert "<td>a | b</td>" in page


def test_page_lets_long_cells_wrap(runs):
    amend(runs, reference=[{"arm": "lrn", "accuracy": 0.8, "note": "word " * 20}])
    told(runs)
    page = (runs / "report.html").read_text(encoding="utf-8")
    assert page.count('<td class="long">word word') == 1


def test_recipe_is_told_without_the_constants_of_arms(runs):
    text = section(told(runs), "What was compared")
    recipe = re.search("One recipe for all arms: (.*)", text)
    assert recipe
    assert "epochs 3, batch size 64" in recipe[1]
    assert "alpha" not in recipe[1]
    assert "data dir" not in recipe[1]


def test_values_of_a_recipe_are_told_in_words(tmp_path, monkeypatch):
    recipe = {
        "dataset": "mnist",
        "offline": True,
        "flip": True,
        "crop": None,
        "drops": [],
        "contrast": [0.2, 1.8],
        "weight_decay": [["conv*", 0.004], ["fc*", 1 / 3]],
    }
    made = [make_run("none", 0, 0.5, recipe=recipe)]
    monkeypatch.setattr(metrics, "read", lambda directory: made)
    assert (
        "One recipe for all arms: epochs 3, flip yes, contrast 0.2 and 1.8, "
        "weight decay conv\\* 0.004 and fc\\* 0.3333.\n"
    ) in told(tmp_path)


def test_every_arm_is_described_and_drawn(tmp_path, monkeypatch):
    random = np.random.default_rng(0)
    recipe = {"dataset": "mnist", "lrn": {"alpha": 0.125}, "group_norm": {"groups": 8}}
    arms = [*EVERY_ARM, "of_the_future"]
    made = [
        make_run(norm, seed, random.uniform(0.5, 0.6), recipe=recipe, arms=arms)
        for norm in arms
        for seed in range(2)
    ]
    monkeypatch.setattr(metrics, "read", lambda directory: made)
    text = written(tmp_path)
    assert text.startswith("# 10 norms against no norm on MNIST")
    lines = re.findall("^- (.*?):(.*)$", section(text, "What was compared"), re.M)
    assert [name for name, _ in lines] == [title(norm) for norm in arms]
    assert all(described for _, described in lines[:-1])
    described = dict(zip(EVERY_ARM, [text for _, text in lines], strict=False))
    for norm in ("lrn", "divisive", "lrn_batch_norm"):
        assert "Here alpha 0.125." in described[norm]
    assert "Here groups 8." in described["group_norm"]


def sweep(alphas):
    """Runs without a norm and with LRN, the latter once for each alpha."""
    arms = ["none", *(f"lrn-alpha={alpha}" for alpha in alphas)]
    return [
        make_run(
            arm,
            seed,
            0.5 + 0.01 * seed,
            arms=arms,
            recipe={"dataset": "mnist", "epochs": 3, "lrn": {"alpha": alpha}},
        )
        for arm, alpha in zip(arms, [alphas[0], *alphas], strict=True)
        for seed in range(3)
    ]


def test_arms_of_a_sweep_are_told_with_their_own_constants(tmp_path, monkeypatch):
    monkeypatch.setattr(metrics, "read", lambda directory: sweep([0.5, 2.0]))
    text = section(told(tmp_path), "What was compared")
    assert re.search(r"- LRN, alpha=0.5: Local .* Here alpha 0.5\.", text)
    assert re.search(r"- LRN, alpha=2.0: Local .* Here alpha 2\.", text)


def test_place_of_the_report_that_cannot_be_written_to_is_refused(runs, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(
        UserError,
        match=r"`output` must be a directory, but .* cannot be made: File exists",
    ):
        report.write(runs, tmp_path / "file")


def test_shards_make_the_report_of_the_whole(runs, tmp_path):
    whole = told(runs)
    for by, (first, second) in {
        "seed": ("*-seed[0246]", "*-seed[1357]"),
        "arm": ("none-*", "[!n]*-*"),
    }.items():
        shards = [tmp_path / f"{by}-{i}" for i in range(2)]
        for shard, pattern in zip(shards, (first, second), strict=True):
            shard.mkdir()
            for path in runs.glob(f"{pattern}.jsonl"):
                (shard / path.name).write_bytes(path.read_bytes())
            assert list(shard.iterdir())
        assert told(*shards, output=tmp_path / f"{by}-report") == whole
    page = tmp_path / "seed-report" / "report.html"
    assert page.read_bytes() == (runs / "report.html").read_bytes()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"epochs": 3', '"epochs": 4', "`epochs` is 3 in .*first.* and 4 in .*second"),
        (
            '"alpha": 0.0001',
            '"alpha": 0.1',
            r"`lrn.alpha` is 0.0001 in .* \(LRN, seed 0\) and 0.1 in .* seed 1\)",
        ),
        ('"lrn": {', '"lrn": {"new": 1, ', "`lrn.new` is None in .* and 1 in"),
        (
            '"kind": "start"',
            '"kind": "start", "fingerprint": "f"',
            "`fingerprint` is None in .* and f in",
        ),
        ('"data_dir": null', '"data_dir": "elsewhere"', None),
        ('"command": "python', '"command": "taskset 1 python', None),
    ],
)
def test_runs_with_different_recipes_are_not_merged(tmp_path, old, new, message):
    first, second = tmp_path / "first", tmp_path / "second"
    write_run(first, "lrn", 0, 0.5)
    write_run(second, "lrn", 1, 0.5)
    path = second / "lrn-seed1.jsonl"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    if message is None:
        assert "| 2 of 2 |" in told(first, second, output=tmp_path / "report")
        return
    with pytest.raises(UserError, match=message):
        report.write([first, second], tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_arms_with_different_recipes_are_not_merged(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    write_run(first, "none", 0, 0.5)
    write_run(second, "lrn", 0, 0.5)
    path = second / "lrn-seed0.jsonl"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"epochs": 3', '"epochs": 4'), encoding="utf-8")
    with pytest.raises(UserError, match=r"`epochs` is 3 in .*\(no norm, seed 0\)"):
        report.write([first, second], tmp_path / "report")


def test_runs_that_are_there_twice_count_once(tmp_path):
    shards = [tmp_path / name for name in ("first", "second", "third")]
    write_run(shards[0], "none", 0, 0.5, end="", num_epochs=1)
    for shard, accuracy in zip(shards[1:], (0.6, 0.7), strict=True):
        write_run(shard, "none", 0, accuracy)
    text = told(*shards, output=tmp_path / "report")
    nothing = " | ".join([NOTHING] * 4)
    assert f"| no norm | 60.00 | {nothing} | 1 of 1 |" in text
    twice = section(text, "Runs that are there twice")
    first, second, third = map(str, shards)
    counts = f"is left out, that in {second} (60.00%) counts"
    for place, outcome in ((first, "interrupted after 1 epochs"), (third, "70.00%")):
        assert f"- no norm, seed 0: the one in {place} ({outcome}) {counts}" in twice
    assert "Runs that did not complete" not in text


def test_different_machines_are_told_apart(tmp_path):
    shards = [tmp_path / name for name in ("first", "second")]
    for seed, shard in enumerate(shards):
        write_run(shard, "none", seed, 0.5)
    same = told(*shards, output=tmp_path / "same")
    assert "different environments" not in same
    assert same.count("commit abc") == 1
    amend(
        shards[1],
        environment=ENVIRONMENT | {"device": "another"},
        command="python -m y",
    )
    text = told(*shards, output=tmp_path / "different")
    assert "The runs come from different environments" in section(text, "Cost")
    origin = section(text, "How it was made")
    assert "    python -m x\n    python -m y\n" in origin
    assert "- commit abc, device a \\<processor\\>, jax 1.2 (1 runs)" in origin
    assert "- commit abc, device another, jax 1.2 (1 runs)" in origin


def test_what_a_run_went_on_with_is_told(tmp_path):
    write_run(tmp_path, "none", 0, 0.5)
    part = {"after_epoch": 2, "environment": {"commit": "def"}, "devices": 4}
    amend(tmp_path, resumed=[part])
    origin = section(told(tmp_path), "How it was made")
    assert "jax 1.2; after epoch 2: commit def, devices 4" in origin


def test_several_directories_need_a_place_for_the_report(runs, tmp_path):
    with pytest.raises(UserError, match="`output` must name a directory"):
        report.write([runs, runs])
    with pytest.raises(UserError, match="`directories` must name at least one"):
        report.write([], tmp_path)


def test_command_line_reports_on_several_directories(tmp_path, capsys):
    shards = [tmp_path / name for name in ("first", "second")]
    for seed, shard in enumerate(shards):
        write_run(shard, "none", seed, 0.5)
    output = tmp_path / "report"
    assert main(["report", *map(str, shards), "--output", str(output)]) == 0
    assert str(output / "report.html") in capsys.readouterr().out.replace("\n", "")
    assert "| 2 of 2 |" in (output / "report.md").read_text(encoding="utf-8")
    assert main(["report", *map(str, shards)]) == 2
    assert "`output`" in capsys.readouterr().err


def some_activations(scale):
    before = np.random.default_rng(0).gamma(1, size=(2, 4, 4, 8))
    return activations.summarize_activations(before, scale * before)


@pytest.mark.parametrize(
    ("norm", "scale", "said"),
    [
        ("lrn", 0.595, True),
        ("lrn", np.linspace(0.595, 0.598, 8), True),
        ("lrn", np.linspace(0.5, 0.6, 8), False),
        ("batch_norm", 0.595, False),  # nothing local is claimed of it
    ],
)
def test_lrn_that_was_a_constant_is_said_to_be(norm, scale, said, runs):
    activations.save(activations.path_of(runs, norm), some_activations(scale))
    verdict = told(runs).split("**")[1]
    assert ("LRN was a constant factor of 0.59" in verdict) == said
    assert ("its results say nothing of local normalization." in verdict) == said


def test_activations_beside_the_metrics_are_shown(tmp_path):
    shards = [tmp_path / name for name in ("first", "second")]
    for seed, shard in enumerate(shards):
        for norm in ("none", "lrn"):
            write_run(shard, norm, seed, 0.5)
        path = activations.path_of(shard, "lrn")
        activations.save(path, some_activations(0.25 * (seed + 1)))
    activations.save(activations.path_of(shards[1], "none"), some_activations(1))
    output = tmp_path / "report"
    text = section(written(*shards, output=output), "What the norms do to activations")
    assert "| no norm | 1 | 0.0% | 0.0% |" in text
    assert "| LRN | 0.25 | 0.0% | 0.0% |" in text  # the first directory's
    for norm in ("none", "lrn"):
        assert f"](activations-{norm}.svg)" in text
        svg = (output / f"activations-{norm}.svg").read_text(encoding="utf-8")
        assert ElementTree.fromstring(svg).tag.endswith("svg")
