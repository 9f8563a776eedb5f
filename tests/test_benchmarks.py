"""The benchmark: what it writes, whom it refuses, what it counts. Never how fast."""

import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from jax import lax

from benchmarks import __main__ as command_line
from benchmarks import hlo, report
from benchmarks.__main__ import main
from benchmarks.cases import CASES, DTYPES, LAYOUTS, MODES, Problem
from benchmarks.contenders import CONTENDERS, Contender, Machine
from benchmarks.contenders.base import InProcess, Prepare
from benchmarks.contenders.jax import naive, prepare_layer
from benchmarks.measure import compare, largest_error
from benchmarks.options import SHOWS, parse_run, parse_show
from lrn_jax import IMPLEMENTATIONS, lrn

ROOT = Path(__file__).parent.parent
MACHINE = Machine("cpu", 1, keep_memory=True)


def run(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=ROOT,
        env={**os.environ, "XLA_FLAGS": "", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


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
    monkeypatch.setattr(command_line, "_settle", lambda options: "as it was")


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """What a quick run printed and wrote."""
    folder = tmp_path_factory.mktemp("benchmark")
    files = [str(folder / name) for name in ("new/results.jsonl", "plot.svg")]
    selected = ["--contenders", "default", "naive", *IMPLEMENTATIONS]
    done = run(
        *("-m", "benchmarks", "--quick", "--output", files[0], "--plot", files[1]),
        *selected,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout, *map(Path, files)


def test_quick_run_writes_what_made_it(quick):
    printed, results, _ = quick
    first, *_ = map(json.loads, results.read_text().splitlines())
    assert first["record"] == "run"
    assert first["command"].startswith("python -m benchmarks --quick --output results")
    assert str(ROOT) not in results.read_text()
    assert first["allocator"].startswith(("glibc's, told to keep", "the system's"))
    assert first["rounds"] == 3
    assert first["threads"] >= 1
    environment = first["environment"]
    assert {"commit", "local_changes", "device", "platform", "cores"} <= set(
        environment
    )
    assert environment["versions"]["jax"] == jax.__version__
    for said in (environment["device"], environment["commit"], first["allocator"]):
        assert said in printed


def test_quick_run_writes_every_measurement(quick):
    _, results, _ = quick
    _, *lines = map(json.loads, results.read_text().splitlines())
    names = ["copy", "default", *IMPLEMENTATIONS, "naive"]
    assert [line["contender"] for line in lines] == names * 2
    assert [line["mode"] for line in lines] == (
        ["forward"] * len(names) + ["forward_and_backward"] * len(names)
    )
    for line in lines:
        assert line["record"] == "measurement"
        assert line["shape"] == [2, 6, 5, 16]
        if line["contender"] in ("copy", "default", "naive"):
            assert line["status"] == "measured", line
        if line["status"] != "measured":  # not for CPUs, then
            continue
        assert line["rounds"] == len(line["samples_s"]) == 3
        assert 0 < line["minimum_s"] <= line["median_s"]
        assert line["page_faults"] >= 0
        assert line["kernels"] >= 1
        assert line["temporary_bytes"] >= 0
        assert line["compile_s"] > 0
        copy = next(
            x for x in lines if x["contender"] == "copy" and x["mode"] == (line["mode"])
        )
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
        assert set(line["times_as_fast_as"]) == {"naive"} - {line["contender"]}


def test_table_again_is_the_table_of_the_run(quick, capsys):
    printed, results, _ = quick
    assert main(["table", str(results)]) == 0
    again = capsys.readouterr().out
    assert printed.startswith(again)
    assert "smoke test: 2x6x5x16 NHWC float32, radius 2, beta 0.75, forward\n" in again
    assert re.search(r"^plain JAX +\d+\.\d{3} ", again, re.MULTILINE)


def test_summary_is_a_row_of_the_default_for_each_problem(quick, capsys):
    _, results, _ = quick
    assert main(["summary", str(results), "--modes", "forward"]) == 0
    columns, rule, *rows = capsys.readouterr().out.splitlines()
    assert columns == "| array | mode | copies | share | plain JAX |"
    assert rule == "| --- | --- | --: | --: | --: |"
    assert rows
    assert all(re.match(r"\| smoke, \w+, \w+, r = 2 \| forward \|", r) for r in rows)


def test_plot_again_is_the_plot_of_the_run(quick, tmp_path):
    _, results, plot = quick
    again = tmp_path / "new" / "again.svg"
    assert main(["plot", str(results), str(again)]) == 0
    assert again.read_text() == plot.read_text()
    assert "<svg" in again.read_text()
    few = tmp_path / "few.svg"
    assert main(["plot", str(results), str(few), "--modes", "forward"]) == 0
    assert few.stat().st_size < again.stat().st_size


def test_filters_choose_among_results(quick, capsys):
    _, results, _ = quick
    filters = ["--modes", "forward", "--contenders", "naive"]
    assert main(["table", str(results), *filters]) == 0
    printed = capsys.readouterr().out
    assert "plain JAX" in printed
    assert "default" not in printed
    assert printed.count("smoke test: ") == 1


def test_plot_of_nothing_is_refused(quick, tmp_path, capsys):
    _, results, _ = quick
    file = tmp_path / "plot.svg"
    assert main(["plot", str(results), str(file), "--radii", "8"]) == 2
    assert "no measurement to plot" in capsys.readouterr().err
    assert not file.exists()


@pytest.mark.parametrize("text", ["", "{}", "[]", "nothing\n"])
def test_other_files_are_refused(text, tmp_path, capsys):
    file = tmp_path / "file.jsonl"
    file.write_text(text)
    assert main(["table", str(file)]) == 2
    assert "file.jsonl is not a file of results" in capsys.readouterr().err


def test_jax_and_numpy_are_enough():
    code = """
import sys
for name in ("flax", "matplotlib", "onnxruntime", "openvino", "optax", "rich", "torch",
             "tyro", "tensorflow"):
    sys.modules[name] = None
from benchmarks.__main__ import main
sys.exit(main(["--quick", "--modes", "forward", "--allocator", "system", "--threads",
               "1"]))
"""
    done = run("-c", code)
    assert (done.returncode, done.stderr) == (0, "")
    assert "PyTorch: no torch installed" in done.stdout
    assert "allocator: the system's, which may take memory back" in done.stdout
    assert "(cpu), 1 of " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cases", "alexnet"], r"invalid choice: 'alexnet' .*alexnet_norm1"),
        (["--layouts", "nhwc"], r"invalid choice: 'nhwc' .*NHWC.*NCHW"),
        (["--dtypes", "int8"], r"invalid choice: 'int8' .*float32.*bfloat16"),
        (["--modes", "backward"], r"invalid choice: 'backward' .*forward_and_back"),
        (["--contenders", "caffe"], r"invalid choice: 'caffe' .*default.*openvino"),
        (["--allocator", "none"], r"invalid choice: 'none' .*keep.*system"),
        (["--rounds", "0"], "--rounds: must be at least 1, but got 0"),
        (["--radii", "-1"], "--radii: must not be negative, but got -1"),
        (["--threads", "4096"], r"--threads: there are \d+, but got 4096"),
        (["--contenders", "tensorflow"], "tensorflow needs --tensorflow-python"),
        (["--tensorflow-python", "no/python"], "there is no file no/python"),
        (["table", "no/results.jsonl"], "there is no file no/results.jsonl"),
    ],
)
def test_unknown_words_are_refused_with_what_is_known(arguments, message, capsys):
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    assert raised.value.code == 2
    assert re.search(message, capsys.readouterr().err)


def test_a_peer_asked_for_must_be_installed(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(SystemExit):
        parse_run(["--contenders", "torch"])
    assert "torch needs torch, which is not installed" in capsys.readouterr().err


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_naive_form_is_right(layout, dtype, mode):
    given = problem(layout=layout, dtype=dtype, mode=mode, radius=3, beta=0.6)
    assert measured(given, "naive")["naive"]["status"] == "measured"


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
    ("layer", "mode", "reason"),
    [
        (wrong_radius, "forward", "^y is off by "),
        (wrong_radius, "forward_and_backward", "^y is off by "),
        (wrong_gradient, "forward_and_backward", "^the gradient is off by "),
        (not_a_number, "forward", "^y is off by inf"),
        (transposed, "forward", "^y is off by inf"),
    ],
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_wrong_values_are_reported_and_not_timed(layer, mode, reason, dtype):
    if layer is wrong_gradient and dtype == "bfloat16":
        pytest.skip("too small a mistake to tell from rounding")
    contender = Contender("wrong", "lrn", untimed(layer))
    found = measured(problem(mode=mode, dtype=dtype), "copy", "default", it=contender)
    assert found["it"]["status"] == "wrong"
    assert re.search(reason, found["it"]["reason"])
    assert "minimum_s" not in found["it"]
    assert found["default"]["status"] == "measured"
    assert found["default"]["times_as_fast_as"] == {}


def test_a_contender_that_raises_does_not_stop_the_others():
    def refuse(x, arguments):
        raise NotImplementedError("not on this device")

    contender = Contender("it", "lrn", prepare_layer(refuse))
    found = measured(problem(), "copy", "default", it=contender)
    assert found["it"]["status"] == "failed"
    assert found["it"]["reason"] == "NotImplementedError: not on this device"
    assert found["default"]["status"] == "measured"


def test_what_a_contender_does_not_offer_is_said():
    found = measured(problem(), "copy", "onnxruntime")
    assert found["onnxruntime"]["status"] == "refused"
    assert found["onnxruntime"]["reason"] == ("onnxruntime has no NHWC here, only NCHW")


@pytest.mark.usefixtures("unsettled")
def test_wrong_values_end_in_an_error(monkeypatch, capsys):
    contender = Contender("it", "lrn", prepare_layer(wrong_radius))
    monkeypatch.setitem(CONTENDERS, "it", contender)
    arguments = ["--quick", "--modes", "forward", "--contenders", "default", "it"]
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

    monkeypatch.setattr(command_line, "compare", interrupted)
    file = tmp_path / "results.jsonl"
    assert main(["--quick", "--contenders", "default", "--output", str(file)]) == 130
    assert "Interrupted" in capsys.readouterr().out
    assert [one["contender"] for one in report.read(file).measurements] == [
        "copy",
        "default",
    ]


PEERS = [name for name, one in CONTENDERS.items() if one.family == "peer"]


@pytest.mark.filterwarnings("ignore")  # theirs
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", PEERS)
def test_installed_peers_are_right(name, layout, mode):
    peer = CONTENDERS[name]
    given = problem(layout=layout, mode=mode)
    if reason := peer.refusal(given, MACHINE):
        pytest.skip(reason)
    if missing := peer.missing():
        pytest.skip(f"{', '.join(missing)} not installed")
    machine = Machine(
        "cpu", 1, keep_memory=True, tensorflow_python=Path(sys.executable)
    )
    records = compare(given, {name: peer}, machine, rounds=1, seconds=60)
    if peer.own_process and not importlib.util.find_spec("tensorflow"):
        assert records[0]["status"] == "failed"
        assert "No module named 'tensorflow'" in records[0]["reason"]
    else:
        assert records[0]["status"] == "measured", records[0]


def test_largest_error():
    expected = np.array([1.0, -4.0], np.float32)
    assert largest_error(expected, expected) == 0
    assert largest_error(np.array([2.0, -4.0]), expected) == 0.25
    assert largest_error(np.array([np.nan, -4.0]), expected) == np.inf
    assert largest_error(np.array([1.0]), expected) == np.inf


@pytest.mark.parametrize("dtype", DTYPES)
def test_layouts_hold_the_same_numbers(dtype):
    for channels_last, channels_first in zip(
        problem(dtype=dtype).data(),
        problem(dtype=dtype, layout="NCHW").data(),
        strict=True,
    ):
        np.testing.assert_array_equal(np.moveaxis(channels_last, -1, 1), channels_first)
        assert channels_first.flags.c_contiguous


HLO = """\
HloModule jit_f, entry_computation_layout={(f32[4,8]{1,0})->f32[4,8]{1,0}}

%region_0.1 (a.1: f32[], b.1: f32[]) -> f32[] {
  %a.1 = f32[] parameter(0)
  %b.1 = f32[] parameter(1)
  ROOT %add.1 = f32[] add(%a.1, %b.1), metadata={op_name="add"}
}

%parallel_fusion.2 (p.2: f32[4,8]) -> f32[4,8] {
  %p.2 = f32[4,8]{1,0} parameter(0)
  %wrapped.2 = f32[4,8]{1,0} fusion(%p.2), kind=kLoop, calls=%fused_computation
  %copy-start.2 = f32[4,8]{1,0} copy-start(%wrapped.2)
  ROOT %copy-done.2 = f32[4,8]{1,0} copy-done(%copy-start.2)
}

ENTRY %main.9 (x.1: f32[4,8], i.1: bf16[4,8]) -> (f32[4,8], bf16[4,8]) {
  %x.1 = f32[4,8]{1,0:T(8,128)} parameter(0), metadata={op_name="x (the input)"}
  %i.1 = bf16[4,8]{1,0} parameter(1)
  %constant.0 = f32[] constant(0)
  %two = (f32[4,8]{1,0:T(8,128)}, bf16[4,8]{1,0}) fusion(%x.1, %i.1), calls=%f
  %first.3 = f32[4,8]{1,0} get-tuple-element(%two), index=0
  %second.3 = bf16[4,8]{1,0} get-tuple-element(%two), index=1
  %sum = f32[4,8]{1,0} reduce-window(%first.3, %constant.0), to_apply=%region_0.1
  %flat = f32[32]{0} bitcast(%sum)
  %back = f32[4,8]{1,0} bitcast(%flat)
  %call = f32[4,8]{1,0} call(%back), to_apply=%parallel_fusion.2
  %kernel = f32[4,8]{1,0} custom-call(f32[4,8]{1,0} %call), custom_call_target="one"
  ROOT %tuple.1 = (f32[4,8]{1,0}, bf16[4,8]{1,0}) tuple(%kernel, %second.3)
}
"""


def test_kernels_and_bytes_of_a_module():
    array = 4 * 8 * 4
    # The fusion reads and writes one array of each dtype, the window sum reads its
    # initial value as well, the call counts as the fusion and the copy in it.
    expected = 2 * (array + array // 2) + (2 * array + 4) + 4 * array + 2 * array
    assert hlo.work(HLO) == hlo.Work(kernels=5, bytes=expected)


def test_kernels_of_a_compiled_copy():
    copy = jax.jit(lambda x: x * 2).lower(np.ones((64, 64), np.float32)).compile()
    assert hlo.work(copy.as_text() or "") == hlo.Work(kernels=1, bytes=2 * 64 * 64 * 4)


@pytest.mark.parametrize("text", ["", "ENTRY", HLO.partition("ENTRY")[0]])
def test_other_text_is_refused(text):
    with pytest.raises(ValueError, match="an HLO module with an ENTRY computation"):
        hlo.work(text)


def commands() -> list[list[str]]:
    text = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```console\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [shlex.split(line) for block in blocks for line in block.splitlines()]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_commands_of_the_readme_exist(words, monkeypatch):
    if words[0] == "make":
        subprocess.run(["make", "--dry-run", *words[1:]], cwd=ROOT, check=True)
        return
    if words[0] == "pip":
        assert words[1:] in (["install", ".[peers]"], ["install", ".[benchmarks]"])
        return
    assert words[:3] == ["python", "-m", "benchmarks"]
    monkeypatch.setattr(Path, "is_file", lambda path: True)
    if len(words) > 3 and words[3] in SHOWS:
        parse_show(words[3], words[4:])
    else:
        parse_run(words[3:])


def test_the_readme_names_every_case_and_contender():
    text = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    for name in {*CASES, *CONTENDERS} - {*IMPLEMENTATIONS}:
        assert f"`{name}`" in text, name
