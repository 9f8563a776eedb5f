"""Reports that replace one another: which are looks, and what is said of them."""

import json

import pytest

from experiments.report import page
from experiments.terminal.errors import UserError

from .runs import amend, write_run


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Nothing is drawn."""
    monkeypatch.setattr(page, "_plots", lambda material, summary: {})


def write_seeds(directory, seeds, accuracy=0.75):
    for seed in seeds:
        write_run(directory, "none", seed, 0.5 + 0.001 * seed)
        write_run(directory, "lrn", seed, accuracy)


def look(directory, output=None) -> str | None:
    """Returns what a report says of looks."""
    last = page.write_report(directory, output).verdict[-1]
    return last if last.startswith("This is look") else None


def test_report_of_more_seeds_is_another_look(tmp_path):
    write_seeds(tmp_path, [0])
    assert look(tmp_path) is None
    assert look(tmp_path) is None
    assert "Other looks" not in (tmp_path / "report.md").read_text("utf-8")
    write_seeds(tmp_path, [1, 2])
    for _ in range(2):  # the same runs are the same look
        said = look(tmp_path)
        assert said is not None
        assert said.startswith(
            "This is look 2 at these test images: what the other one"
        )
    write_seeds(tmp_path, [0], accuracy=0.25)  # another end
    said = look(tmp_path)
    assert said is not None
    assert said.startswith("This is look 3 at these test images: what the other 2 said")
    text = (tmp_path / "report.md").read_text("utf-8")
    assert said in text
    first, second = text.split("## Other looks\n\nLook ")[1].split("\n\nLook ")
    assert first.startswith(
        "1, of 1 seed after 3 epochs:\n\n- LRN is 25.00 points above "
    )
    assert second.startswith("2, of 3 seeds after 3 epochs:\n\n- LRN is ")
    # Written elsewhere, it is no other.
    assert look(tmp_path, tmp_path / "elsewhere") == said
    assert look(tmp_path, tmp_path / "elsewhere") == said


def test_a_look_at_unfinished_runs_says_so(tmp_path):
    write_seeds(tmp_path, [0])
    amend(tmp_path, seeds=2)
    page.write_report(tmp_path)
    write_seeds(tmp_path, [1])
    page.write_report(tmp_path)
    other = (tmp_path / "report.md").read_text("utf-8").split("## Other looks")[1]
    assert "\n- 2 of 6 runs are done; some are missing of no norm (1 of 2)" in other


@pytest.mark.parametrize("change", [{"dataset_title": "X"}, {"fingerprint": "f"}])
def test_other_images_are_not_looked_at_again(change, tmp_path):
    write_seeds(tmp_path, [0])
    page.write_report(tmp_path)
    amend(tmp_path, "*-seed0", **change)
    assert look(tmp_path) is None


@pytest.mark.parametrize(
    "content", ["", "{}", "[1]", '[{"data": "x"}]', "[" * 10**5, "\x00", "[null]"]
)
def test_damaged_looks_are_refused_in_one_line(content, tmp_path):
    write_seeds(tmp_path, [0])
    (tmp_path / "looks.json").write_text(content)
    with pytest.raises(UserError, match="does not hold the looks of earlier reports"):
        page.write_report(tmp_path)
    assert not (tmp_path / "report.md").exists()


def test_text_of_an_earlier_look_is_only_text(tmp_path):
    write_seeds(tmp_path, [0])
    page.write_report(tmp_path)
    path = tmp_path / "looks.json"
    (found,) = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps([found | {"verdict": ["<b>*x*\n# y"], "runs": "z"}]))
    page.write_report(tmp_path)
    said = r"- \<b\>\*x\* \# y"
    assert said in (tmp_path / "report.md").read_text("utf-8")
