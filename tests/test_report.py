"""Metrics on disk, statistics, and the report made from them."""

import re

import numpy as np
import pytest

from experiments import records, report
from experiments.config import Config, Recipe
from experiments.errors import DataError, UserError
from experiments.statistics import Interval, interval, summarize
from experiments.train import Epoch, NonFiniteLossError, Result

ARMS = ("none", "lrn", "batch_norm")
ENVIRONMENT = {"commit": "abc", "device": "a <processor>", "jax": "1.2"}


def write_run(directory, norm, seed, accuracy, *, end="completed", num_epochs=3):
    """Writes the metrics of a run that never was."""
    config = Config(Recipe(epochs=3), norm, seed)
    epochs = tuple(
        Epoch(
            epoch=i,
            train_loss=1 / i,
            validation_loss=1 / i,
            validation_accuracy=accuracy - 0.1 / i,
            train_seconds=0.5 + 0.1 * i,
        )
        for i in range(1, num_epochs + 1)
    )
    with records.writer(directory, config) as writer:
        writer.start(config, arms=ARMS, command="python -m x", environment=ENVIRONMENT)
        for epoch in epochs:
            writer.epoch(epoch)
        if end == "completed":
            writer.completed(Result(config, 1234, 1.0, epochs, 0.1, accuracy))
        elif end == "diverged":
            writer.diverged(NonFiniteLossError(17, float("nan")))


ACCURACIES = {
    "none": (0.90, 0.91, 0.92, 0.93),
    "lrn": (0.90, 0.92, 0.91, 0.93),
    "batch_norm": (0.95, 0.961, 0.969, 0.98),
}


def ends(result: Interval | None) -> tuple[float, float]:
    """Returns where an interval that must be there begins and ends."""
    assert result is not None
    assert result.half_width is not None
    return result.mean - result.half_width, result.mean + result.half_width


@pytest.fixture
def runs(tmp_path):
    """Three arms with four seeds: one like the baseline, one clearly better."""
    for norm, accuracies in ACCURACIES.items():
        for seed, accuracy in enumerate(accuracies):
            write_run(tmp_path, norm, seed, accuracy)
    return tmp_path


def test_records_come_back_as_written_baseline_first(runs):
    read = records.read(runs)
    assert [(run.norm, run.seed) for run in read] == [
        (norm, seed) for norm in ARMS for seed in range(4)
    ]
    assert all(run.completed for run in read)
    assert read[0].start["recipe"]["epochs"] == 3
    assert read[5].end["test_accuracy"] == ACCURACIES["lrn"][1]
    assert read[0].epochs[2].train_seconds == 0.8


def test_interval_is_students():
    # Mean 2, standard error 1/sqrt(3), and 4.303 from a table of Student's t for two
    # degrees of freedom and 95%; 6.205 for 97.5%, two comparisons.
    for comparisons, quantile in ((1, 4.303), (2, 6.205)):
        result = interval([1.0, 2.0, 3.0], comparisons)
        assert result.mean == 2
        assert result.half_width == pytest.approx(quantile / np.sqrt(3), rel=1e-3)
    assert interval([1.0]).half_width is None


def test_differences_are_taken_seed_by_seed(runs):
    baseline, lrn, batch_norm = summarize(records.read(runs))
    assert baseline.difference is None
    assert np.mean(ends(lrn.difference)) == pytest.approx(0)
    # Of the four differences 0.05, 0.051, 0.049, 0.05, not of the accuracies.
    low, high = ends(batch_norm.difference)
    assert 0.048 < low < 0.05 < high < 0.052
    low, high = ends(batch_norm.accuracy)
    assert high - low > 0.03
    assert batch_norm.epoch_seconds == pytest.approx(0.7)


def test_seeds_missing_in_one_arm_are_left_out_of_its_differences(tmp_path):
    for seed, accuracy in enumerate((0.5, 0.6, 0.7)):
        write_run(tmp_path, "none", seed, accuracy)
    write_run(tmp_path, "lrn", 0, 0.4, end="diverged")
    for seed in (1, 2):
        write_run(tmp_path, "lrn", seed, 0.8)
    _, lrn = summarize(records.read(tmp_path))
    assert lrn.num_runs == 2
    assert np.mean(ends(lrn.difference)) == pytest.approx((0.2 + 0.1) / 2)


def test_verdict_says_no_more_than_the_intervals(runs):
    text = report.verdict(summarize(records.read(runs)))
    assert "against no norm (91.50%)" in text
    assert "BatchNorm is higher by 5.00 points" in text
    assert "no difference is shown for LRN" in text


def test_verdict_of_a_single_seed_shows_nothing(tmp_path):
    write_run(tmp_path, "none", 0, 0.5)
    write_run(tmp_path, "lrn", 0, 0.9)
    text = report.verdict(summarize(records.read(tmp_path)))
    assert "LRN has a single seed, which can show no difference" in text


def test_page_needs_no_other_file(runs):
    table = report.write(runs)
    page = (runs / "report.html").read_text(encoding="utf-8")
    sources = re.findall(r'(?:src|href)="(.{0,25})', page)
    assert sources == ["data:image/svg+xml;base64"] * 2
    assert "http" not in re.sub(r"base64,[\w+/=]+", "", page)
    assert "a &lt;processor&gt;" in page
    for row in table.rows:
        for cell in row:
            assert f"<td>{cell}</td>" in page
    assert not list(runs.glob("*.part"))


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
    write_run(runs, "lrn", 4, 0.0, end="diverged")
    write_run(runs, "batch_norm", 4, 0.0, end="", num_epochs=2)
    path = runs / "none-seed4.jsonl"
    whole = (runs / "none-seed3.jsonl").read_text(encoding="utf-8")
    path.write_text(whole.replace('"seed": 3', '"seed": 4')[:-30], encoding="utf-8")
    report.write(runs)
    text = (runs / "report.md").read_text(encoding="utf-8")
    assert "- LRN, seed 4: diverged: the loss was nan at step 17" in text
    assert "- BatchNorm, seed 4: interrupted after 2 epochs" in text
    assert "- no norm, seed 4: interrupted after 3 epochs" in text
    assert "| 4 | interrupted | diverged | interrupted |" in text


def test_report_without_a_completed_run_is_valid(tmp_path):
    write_run(tmp_path, "none", 0, 0.0, end="", num_epochs=0)
    report.write(tmp_path)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "nothing to compare with" in text
    assert "no norm, seed 0: interrupted after 0 epochs" in text
    assert "![" not in text


def test_directory_without_runs_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"expected files NORM-seedN.jsonl"):
        report.write(tmp_path)
    (tmp_path / "other.jsonl").write_text('{"kind": "something"}\n')
    with pytest.raises(
        DataError, match=r"other.jsonl is not the metrics file of a run"
    ):
        report.write(tmp_path)


def test_output_must_be_empty_and_writable(tmp_path):
    (tmp_path / "kept").write_text("precious")
    with pytest.raises(UserError, match="must be a new or empty directory"):
        records.make_directory(tmp_path)
    with pytest.raises(UserError, match="must be a directory that can be written to"):
        records.make_directory(tmp_path / "kept")
    assert (tmp_path / "kept").read_text() == "precious"
