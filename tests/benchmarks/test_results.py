"""What is kept and shown again, of any benchmark, and what is refused."""

import json
import os
import re
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from benchmarks.__main__ import main

ROOT = Path(__file__).parent.parent.parent
LAYERS = ROOT / "benchmarks" / "results" / "epyc-2-cores-layer.jsonl"
STEPS = ROOT / "benchmarks" / "results" / "epyc-2-cores-step.jsonl"


def written(path: Path, *records: Any) -> str:
    """Writes a file of results, and returns its name."""
    path.write_text("".join(json.dumps(each) + "\n" for each in records))
    return str(path)


def first_of(path: Path, number: int = 2) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()[:number]]


def test_contender_and_case_that_are_no_more_are_still_shown(tmp_path, capsys):
    about, one = first_of(LAYERS)
    gone = {"case": "old_layer", "contender": "pallas_rolls", "title": "old kernel"}
    file = written(tmp_path / "old.jsonl", about, {**one, **gone, "family": "lrn"})
    assert main(["table", file]) == 0
    printed = capsys.readouterr().out
    assert "\nold_layer: 16x55x55x96 NHWC float32" in printed
    assert "\nold kernel " in printed
    assert main(["plot", file, str(tmp_path / "plot.svg")]) == 0
    assert main(["table", file, "--only", "contender=pallas_rolls"]) == 0


def test_text_of_a_file_is_text(tmp_path, capsys):
    about, one = first_of(LAYERS)
    title = "[bold]\x1b[31m$x_1$ <b>|\n"
    one = {**one, "title": title, "family": "peer", "contender": title}
    default = {**one, "family": "lrn", "contender": "default"}
    file = written(tmp_path / "results.jsonl", about, one, default)
    assert main(["table", file]) == 0
    assert "[bold]\N{REPLACEMENT CHARACTER}[31m$x_1$ <b>| " in capsys.readouterr().out
    assert main(["summary", file]) == 0
    assert r"| \[bold\]" in capsys.readouterr().out
    assert main(["plot", file, str(tmp_path / "plot.svg")]) == 0


def test_only_some_are_shown(capsys):
    only = ["--only", "mode=forward", "case=alexnet_norm1,cifar_norm1", "layout=NHWC"]
    assert main(["summary", str(LAYERS), *only]) == 0
    _, _, *rows = capsys.readouterr().out.splitlines()
    assert [row.partition(",")[0] for row in rows] == [
        "| alexnet_norm1",
        "| cifar_norm1",
    ]


@pytest.mark.parametrize(
    ("only", "there_is"),
    [
        (["modes=forward"], "batch_factor, beta, "),
        (["forward"], "batch_factor, beta, "),
        (["mode=backward"], "forward, forward_and_backward."),
        (["layout=NCHW", "status=measured", "contender=tensorflow"], "copy, default, "),
    ],
)
def test_only_what_was_measured_can_be_shown(only, there_is, capsys):
    assert main(["table", str(LAYERS), "--only", *only]) == 2
    message = f"of what was measured, but got {only[-1]}, where there is {there_is}"
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "only", "message"),
    [
        (LAYERS, "status=refused", "no measurement to plot"),
        (STEPS, "recipe=article", "`results` must be of layers, but got "),
    ],
)
def test_plot_of_nothing_is_refused(file, only, message, tmp_path, capsys):
    plot = tmp_path / "plot.svg"
    assert main(["plot", str(file), str(plot), "--only", only]) == 2
    assert message in capsys.readouterr().err
    assert not plot.exists()


OTHER_FILES = ["", "{}", "[]", "nothing", "[" * 10**5, '{"record": "run"}']


@pytest.mark.parametrize("text", OTHER_FILES)
def test_other_files_are_refused(text, tmp_path, capsys):
    file = tmp_path / "file.jsonl"
    file.write_text(text)
    assert main(["table", str(file)]) == 2
    message = f"error: {file} is not a file of results: "
    assert re.fullmatch(f"{message}.+\n", capsys.readouterr().err)


DAMAGES = (None, "x", [], {}, -1, 0, float("nan"), 10**400)


@pytest.mark.parametrize("command", ["table", "summary"])
@pytest.mark.parametrize("path", [LAYERS, STEPS], ids=lambda path: path.stem)
def test_damaged_results_are_refused_or_shown(command, path, tmp_path, capsys):
    lines = first_of(path, 3)
    for number, line in enumerate(lines):
        for name, value in product(line, DAMAGES):
            damaged = {key: each for key, each in line.items() if key != name}
            if value is not None:
                damaged[name] = value
            records = [*lines[:number], damaged, *lines[number + 1 :]]
            file = written(tmp_path / "file.jsonl", *records)
            assert main([command, file]) in (0, 2)
            assert capsys.readouterr().err.count("\n") <= 1


@pytest.mark.parametrize("value", DAMAGES)
def test_damaged_results_are_not_drawn(value, tmp_path, capsys):
    about, one = first_of(LAYERS)
    damaged = {**one, "family": "lrn", "share_of_copy_bandwidth": value, "shape": value}
    file = written(tmp_path / "file.jsonl", about, damaged)
    assert main(["plot", file, str(tmp_path / "plot.svg")]) == 2
    assert f"error: {file} is not a file of results: " in capsys.readouterr().err


def test_files_that_cannot_be_read_or_written_are_named(tmp_path, capsys):
    for arguments in (["table", str(tmp_path)], ["plot", str(LAYERS), str(tmp_path)]):
        assert main(arguments) == 2
        assert capsys.readouterr().err == f"error: {tmp_path}: Is a directory.\n"


@pytest.mark.parametrize("command", ["layer", "step"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rounds", "0"], "`rounds` must be at least 1, but got 0"),
        (["--seconds", "0"], "`seconds` must be finite and greater than 0, but got 0"),
        (["--seconds", "inf"], "`seconds` must be finite and greater than 0, but got"),
        (["--seconds", "nan"], "`seconds` must be finite and greater than 0, but got"),
        (["--threads", "0"], "`threads` must be from 1 to "),
        (["--threads", "4096"], "`threads` must be from 1 to "),
        (["--rounds", "many"], "many"),
        (["--allocator", "none"], "keep"),
    ],
)
def test_impossible_values_are_refused(command, arguments, message, capsys):
    try:
        status: Any = main([command, *arguments])
    except SystemExit as stop:  # tyro's
        status = stop.code
    assert status == 2
    assert message in capsys.readouterr().err


def test_output_may_be_full_closed_early_or_without_a_character():
    def shown(command) -> tuple[int, str, str]:
        done = subprocess.run(
            ["sh", "-c", f"{sys.executable} -m benchmarks {command}"],
            cwd=ROOT,
            env={**os.environ, "PYTHONIOENCODING": "ascii"},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    status, _, errors = shown(f"table {STEPS} > /dev/full")
    assert (status, errors) == (2, "error: The output: No space left on device.\n")
    status, printed, errors = shown(f"summary {STEPS} | head -n 5")
    assert printed.endswith(" | - |\n")
    assert (status, errors) == (0, "")
