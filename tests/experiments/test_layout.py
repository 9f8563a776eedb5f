"""The house: few rooms, imports from one to the next, and one place for an addition."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import experiments

HOUSE = Path(experiments.__file__).parent
# Each imports from those before it only.
ROOMS = [
    *("terminal", "models", "config", "data", "metrics", "training", "report"),
    "commands",
]
APART = {("report", "training"), ("metrics", "data"), ("metrics", "models")}


def rooms_imported(path: Path) -> set[str]:
    """The rooms that a file imports from, by relative imports."""
    package = path.relative_to(HOUSE).parts[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level > len(package):
            names = [node.module] if node.module else [a.name for a in node.names]
            found |= {name.partition(".")[0] for name in names}
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_imports_go_one_way(room):
    allowed = {*ROOMS[: ROOMS.index(room)]}
    for path in (HOUSE / room).rglob("*.py"):
        found = rooms_imported(path) - {room}
        assert found <= allowed, path
        assert not {(room, other) for other in found} & APART, path


def test_the_rule_finds_violations(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "HOUSE", tmp_path)
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "file.py"
    path.write_text("from ..training.train import train\nfrom .idx import read\n")
    assert rooms_imported(path) == {"training"}


def test_few_entries_at_the_top():
    entries = {path.name for path in HOUSE.iterdir()} - {"__pycache__"}
    assert entries == {*ROOMS, "README.md", "__init__.py", "__main__.py", "results"}


@pytest.mark.parametrize("module", ["metrics", "report.page", "__main__"])
def test_metrics_and_reports_load_no_jax(module):
    program = f"import experiments.{module}, sys; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program],
        cwd=HOUSE.parent,
        capture_output=True,
        check=True,
        text=True,
    ).stdout.split()
    assert f"experiments.{module}" in loaded
    assert not {"jax", "flax", "optax"} & set(loaded)


# What CONTRIBUTING says is all there is to do, done to a copy.
ARM = """\
    "twice": Arm(
        title="LRN, twice",
        description="two layers of LRN",
        look=Look("#222222", "#dddddd", "x"),
        layers=lambda recipe, train: _lrn(recipe, train) * 2,
    ),
"""


@pytest.fixture
def run_copy(tmp_path):
    """Runs `ablate` in a copy of the house with one more arm and one more recipe."""
    ours = tmp_path / "experiments"
    shutil.copytree(HOUSE, ours, ignore=shutil.ignore_patterns("__pycache__"))
    table = ours / "config" / "arms.py"
    before, first, after = table.read_text("utf-8").partition('    "none": Arm(')
    table.write_text(before + ARM + first + after, "utf-8")
    recipe = (ours / "config" / "recipes" / "article.py").read_text("utf-8")
    recipe = re.sub("norms=.*", 'norms=("none", "lrn", "twice"),', recipe)
    (ours / "config" / "recipes" / "ours.py").write_text(recipe, "utf-8")

    def run(*arguments: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "experiments", "ablate", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(HOUSE.parent), "XLA_FLAGS": ""},
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    return run


def test_an_arm_is_one_entry_and_a_recipe_one_file(run_copy):
    printed = run_copy("--help")
    assert "\n  twice: two layers of LRN\n" in printed
    assert "\n  ours: " in printed
    assert "(default: none lrn twice)" in run_copy("ours", "--help")


@pytest.mark.slow
def test_they_are_trained_and_reported(run_copy, tmp_path):
    run_copy("ours", "--seeds", "1", "--epochs", "1", "--output", "runs")
    assert (tmp_path / "runs" / "twice-seed0.jsonl").exists()
    assert "| LRN, twice |" in (tmp_path / "runs" / "report.md").read_text("utf-8")
