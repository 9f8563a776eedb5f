"""The benchmark of layers: what it writes, whom it refuses. Never how fast."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from jax import lax

from benchmarks import run
from benchmarks.__main__ import main
from benchmarks.layer import plan
from benchmarks.layer.cases import CASES, LAYOUTS, MODES, VARIANTS, Problem
from benchmarks.layer.contenders import CONTENDERS, Contender, Machine
from benchmarks.layer.contenders.base import InProcess, Prepare
from benchmarks.layer.contenders.jax import naive, prepare_layer
from benchmarks.layer.measure import compare
from lrn_jax import IMPLEMENTATIONS, lrn

ROOT = Path(__file__).parent.parent.parent
MACHINE = Machine("cpu", 1, keep_memory=True)
SMOKE = ["layer", "--cases", "smoke", "--layouts", "NHWC", "--rounds", "3"]

# Of what is installed, these are enough: jax, numpy, tyro, rich.
PROGRAM = """
import sys
from importlib.machinery import PathFinder

HIDDEN = "flax matplotlib onnxruntime openvino optax scipy sklearn torch".split()

class Finder(PathFinder):
    @classmethod
    def find_spec(cls, name, *others):
        return None if name in HIDDEN else super().find_spec(name, *others)

sys.meta_path[sys.meta_path.index(PathFinder)] = Finder
from benchmarks.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def problem(**changes) -> Problem:
    given = {"layout": "NHWC", "dtype": "float32", "mode": "forward"}
    return Problem("smoke", **{**given, **changes})


def measured(given: Problem, *names: str, **others: Contender) -> dict[str, dict]:
    contenders = {name: CONTENDERS[name] for name in names} | others
    records = compare(given, contenders, MACHINE, rounds=2, seconds=60)
    return {record["contender"]: record for record in records}


@pytest.fixture
def unsettled(monkeypatch):
    """Leaves the allocator and the environment of this process alone."""
    monkeypatch.setattr(run, "settle", lambda options: "as it was")


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """What a quick run printed and wrote."""
    results = tmp_path_factory.mktemp("benchmark") / "new" / "results.jsonl"
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-c",
            PROGRAM,
            *SMOKE,
            "--output",
            results,
            "--threads",
            "1",
            "--allocator",
            "system",
        ],
        cwd=ROOT,
        env={**os.environ, "XLA_FLAGS": "", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout, results


def test_run_says_what_made_it(quick):
    printed, results = quick
    about = json.loads(results.read_text().partition("\n")[0])
    assert (about["record"], about["benchmark"]) == ("run", "layer")
    assert about["command"].startswith("python -m benchmarks layer --cases smoke")
    assert "--output results.jsonl" in about["command"]
    assert str(ROOT) not in results.read_text()
    assert (
        about["allocator"] == "the system's, which may take memory back at every call"
    )
    assert (about["rounds"], about["threads"]) == (3, 1)
    environment = about["environment"]
    assert environment["versions"]["jax"] == jax.__version__
    for said in (environment["device"], environment["commit"], about["allocator"]):
        assert said in printed
    assert "PyTorch: no torch installed" in about["left_out"]
    assert "PyTorch: no torch installed" in printed


def test_run_writes_every_measurement(quick):
    _, results = quick
    _, *lines = map(json.loads, results.read_text().splitlines())
    naives = ["naive", "naive_exp"]
    names = ["copy", "default", *IMPLEMENTATIONS, *naives]
    assert [(line["mode"], line["contender"]) for line in lines] == [
        (mode, name) for mode in MODES for name in names
    ]
    for line in lines:
        assert (line["record"], line["status"]) == ("measurement", "measured")
        assert line["shape"] == [2, 6, 5, 16]
        assert line["rounds"] == len(line["samples_s"]) == 3
        assert 0 < line["minimum_s"] <= line["median_s"]
        assert line["kernels"] >= 1
        assert line["temporary_bytes"] >= 0
        assert line["compile_s"] > 0
        copy = lines[0 if line["mode"] == "forward" else len(names)]
        assert line["copies"] == pytest.approx(line["minimum_s"] / copy["minimum_s"])
        backward = line["mode"] == "forward_and_backward"
        passes = 5 if backward and line["contender"] != "copy" else 2
        assert line["floor_bytes"] == passes * 4 * 2 * 6 * 5 * 16
        assert line["bytes_per_second"] == pytest.approx(
            line["floor_bytes"] / line["minimum_s"]
        )
        assert line["share_of_copy_bandwidth"] == pytest.approx(
            passes / 2 / line["copies"]
        )
        assert set(line["times_as_fast_as"]) == {*naives} - {line["contender"]}


def test_results_of_a_run_can_be_shown(quick, tmp_path, capsys):
    printed, results = quick
    assert main(["table", str(results)]) == 0
    assert printed == f"{capsys.readouterr().out}\nWrote {results}\n"
    assert (
        "smoke test: 2x6x5x16 NHWC float32, radius 2, beta 0.75, forward\n" in printed
    )
    assert re.search(r"^plain JAX +\d+\.\d{3} ", printed, re.MULTILINE)

    assert main(["summary", str(results), "--only", "mode=forward"]) == 0
    columns, rule, row = capsys.readouterr().out.splitlines()
    assert (
        columns
        == "| array | mode | copies | share | plain JAX | plain JAX, exp and log |"
    )
    assert rule == "| --- | --- | ---: | ---: | ---: | ---: |"
    assert row.startswith("| smoke, NHWC, float32, radius 2 | forward | ")

    sizes = []
    for only in ("status=measured", "mode=forward"):
        plot = tmp_path / "new" / f"{only}.svg"
        assert main(["plot", str(results), str(plot), "--only", only]) == 0
        assert "<svg" in plot.read_text()
        sizes.append(plot.stat().st_size)
    assert sizes[0] > sizes[1]


@pytest.mark.usefixtures("unsettled")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cases", "alexnet"], "`cases` must be some of alexnet_norm1, .* alexnet."),
        (["--cases", "smoke", "smoke"], "`cases` must be different from one another"),
        (["--contenders", "caffe"], "`contenders` must be some of copy, .* caffe."),
        (["--contenders", "tensorflow"], "tensorflow cannot: no --tensorflow-python"),
        (["--contenders", "it"], "it cannot: no such_thing installed"),
        (["--tensorflow-python", "no/python"], "must be a file, but got no/python"),
        (["--radii", "-1"], "`radii` must be at least 0, but got -1"),
        (["--radii"], "`radii` must be at least 1, but got none"),
        (["--beta", "inf"], "`beta` must be a finite number, but got inf"),
        (["--batch-factor", "0"], "`batch-factor` must be at least 1, but got 0"),
    ],
)
def test_impossible_values_are_refused(arguments, message, monkeypatch, capsys):
    contender = Contender("it", "peer", prepare_layer(naive), packages=("such_thing",))
    monkeypatch.setitem(CONTENDERS, "it", contender)
    assert main(["layer", *arguments]) == 2
    assert re.match(f"error: .*{message}", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("layout", "dtype", "mode"),
    [
        ("NHWC", "float32", "forward"),
        ("NCHW", "float32", "forward_and_backward"),
        ("NHWC", "bfloat16", "forward_and_backward"),
    ],
)
def test_the_naive_form_is_right(layout, dtype, mode):
    given = problem(layout=layout, dtype=dtype, mode=mode, radius=3, beta=0.6)
    assert measured(given, "naive")["naive"]["status"] == "measured"


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_variants_are_the_same_to_everybody(variant, layout):
    given = problem(
        layout=layout, mode="forward_and_backward", radius=1, variant=variant
    )
    records = measured(given, "naive", "naive_exp")
    assert {one["status"] for one in records.values()} == {"measured"}
    hyperparameters = 3 * variant.startswith("learned")
    assert len(records["naive"]["errors"]) == 2 + hyperparameters
    refusal = CONTENDERS["torch"].refusal(given, MACHINE)
    assert (refusal is None) == (variant == "channels")


def wrong_radius(x, arguments):
    return lrn(x, **{**arguments, "depth_radius": arguments["depth_radius"] + 1})


def wrong_gradient(x, arguments):
    y = naive(x, arguments)
    return y + 1e-3 * (x - lax.stop_gradient(x))


def not_a_number(x, arguments):
    return naive(x, arguments).at[0, 0, 0, 0].set(np.nan)


def transposed(x, arguments):
    return naive(x, arguments).mT


class Untimed(InProcess):
    def time(self, calls):
        raise AssertionError("it was timed")


def untimed(layer) -> Prepare:
    prepare = prepare_layer(layer)
    return lambda *arguments: Untimed(**vars(prepare(*arguments)))


@pytest.mark.parametrize(
    ("layer", "mode", "dtype", "reason"),
    [
        (wrong_radius, "forward", "bfloat16", "^y is off by "),
        (wrong_radius, "forward_and_backward", "float32", "^y is off by "),
        (wrong_gradient, "forward_and_backward", "float32", "^the gradient is off by "),
        (not_a_number, "forward", "float32", "^y is off by inf"),
        (transposed, "forward", "float32", "^y is off by inf"),
    ],
)
def test_wrong_values_are_reported_and_not_timed(layer, mode, dtype, reason):
    contender = Contender("wrong", "lrn", untimed(layer))
    found = measured(problem(mode=mode, dtype=dtype), "copy", "default", it=contender)
    assert found["it"]["status"] == "wrong"
    assert re.search(reason, found["it"]["reason"])
    assert "minimum_s" not in found["it"]
    assert found["default"]["status"] == "measured"
    assert found["default"]["times_as_fast_as"] == {}


def test_one_that_raises_or_does_not_offer_this_does_not_stop_the_others():
    def refuse(x, arguments):
        raise NotImplementedError("not on\n\x1bthis device")

    contender = Contender("it", "lrn", prepare_layer(refuse))
    found = measured(problem(), "copy", "onnxruntime", "default", it=contender)
    assert found["it"]["status"] == "failed"
    reason = "NotImplementedError: not on \N{REPLACEMENT CHARACTER}this device"
    assert found["it"]["reason"] == reason
    assert found["onnxruntime"]["status"] == "refused"
    assert found["onnxruntime"]["reason"] == "onnxruntime has no NHWC here, only NCHW"
    assert found["default"]["status"] == "measured"


def test_a_device_that_is_lost_is_not_silent():
    contender = Contender("it", "lrn", untimed(naive))
    found = measured(problem(), "copy", "onnxruntime", "default", it=contender)
    for name in ("copy", "default", "it"):
        assert found[name]["status"] == "failed"
        assert found[name]["reason"] == "AssertionError: it was timed"
    assert found["onnxruntime"]["status"] == "refused"


@pytest.mark.usefixtures("unsettled")
def test_wrong_values_end_in_an_error(monkeypatch, capsys):
    contender = Contender("it", "lrn", prepare_layer(wrong_radius))
    monkeypatch.setitem(CONTENDERS, "it", contender)
    arguments = [*SMOKE, "--modes", "forward", "--contenders", "default", "it"]
    assert main(arguments) == 1
    assert "WRONG: it: y is off by" in capsys.readouterr().out


@pytest.mark.usefixtures("unsettled")
def test_interrupted_run_keeps_what_was_measured(monkeypatch, tmp_path, capsys):
    calls = []

    def interrupted(*arguments, **options):
        if calls:
            raise KeyboardInterrupt
        calls.append(arguments)
        return compare(*arguments, **options)

    monkeypatch.setattr(plan, "compare", interrupted)
    file = tmp_path / "results.jsonl"
    arguments = [*SMOKE, "--contenders", "default", "--output", str(file)]
    assert main(arguments) == 130
    assert capsys.readouterr().err == "Interrupted.\n"
    _, *kept = map(json.loads, file.read_text().splitlines())
    assert [one["contender"] for one in kept] == ["copy", "default"]

    before = file.read_text()
    assert main(arguments) == 2
    assert f"but {file} cannot be made: File exists" in capsys.readouterr().err
    assert file.read_text() == before


def test_layouts_hold_the_same_numbers():
    for channels_last, channels_first in zip(
        problem().data(), problem(layout="NCHW").data(), strict=True
    ):
        np.testing.assert_array_equal(np.moveaxis(channels_last, -1, 1), channels_first)
        assert channels_first.flags.c_contiguous


def test_the_readme_names_every_case_and_contender():
    text = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    for name in {*CASES, *CONTENDERS} - {*IMPLEMENTATIONS}:
        assert f"`{name}`" in text, name
