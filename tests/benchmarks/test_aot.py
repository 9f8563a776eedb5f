"""The command that compiles for machines that are not here, without its compilers."""

import json

import pytest

from benchmarks.__main__ import main
from benchmarks.aot import plan
from benchmarks.aot.programs import PROGRAMS
from benchmarks.aot.targets import TARGETS, Target


@pytest.fixture
def compiled(monkeypatch):
    """Lets every compiler be installed, and counts programs instead of compiling."""
    programs = []

    def compile_for(target, program, implementation):
        programs.append((target, program, implementation))
        return {
            "record": "measurement",
            "target": target,
            "compiler": "compiler 1.0",
            "implementation": implementation or "default",
            **program.identity,
            "kernels": 3,
            "passes": 8.04,
            "temporary": 1.0,
            "collectives": ["collective-permute"] * 2 * (program.divided == "channels"),
        }

    monkeypatch.setattr(Target, "missing", lambda self: [])
    monkeypatch.setattr(plan, "compile_for", compile_for)
    return programs


def test_every_program_is_compiled_for_every_target(compiled):
    assert main(["aot"]) == 0
    assert compiled == [(name, one, None) for name in TARGETS for one in PROGRAMS]


def test_some_are_shown_kept_and_shown_again(compiled, tmp_path, capsys):
    file = str(tmp_path / "found.jsonl")
    only = ["--only", "mode=forward", "divided=batch,channels"]
    chosen = ["--targets", "v5e", "--implementation", "doubling", "--output", file]
    assert main(["aot", *chosen, *only]) == 0
    printed = capsys.readouterr().out
    assert "TPU v5e, compiled by compiler 1.0" in printed
    array = "alexnet_norm1, NHWC, float32, r = 2, channels on 4 devices, doubling"
    row = [array, "forward", "2 collective-permute", "3", "8.0", "1.0"]
    assert " ".join(row) in " ".join(printed.split())
    assert [name for name, *_ in compiled] == ["v5e", "v5e"]
    assert main(["table", file]) == 0
    assert printed.startswith(capsys.readouterr().out.rstrip())
    assert main(["summary", file]) == 0
    assert f"| {array} | 3 / 8.0 / 1.0 / 2 |" in capsys.readouterr().out


def test_results_say_what_made_them(compiled, tmp_path):
    file = tmp_path / "found.jsonl"
    assert main(["aot", "--targets", "h100", "v5e", "--output", str(file)]) == 0
    about, *found = map(json.loads, file.read_text().splitlines())
    assert len(found) == len(compiled)
    assert about["benchmark"] == "aot"
    versions = about["environment"]["versions"]
    assert {"jax", "jaxlib", "jax-cuda12-pjrt", "libtpu"} == {*versions}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--targets", "v4"], "`targets` must be some of h100, a100, v5e, but got v4"),
        (["--implementation", "fast"], "`implementation` must be some of default, "),
        (["--only", "radius=3"], "but got radius=3, where there is 2, 8."),
    ],
)
@pytest.mark.usefixtures("compiled")
def test_impossible_values_are_refused(arguments, message, capsys):
    assert main(["aot", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_compilers_that_are_missing_are_named(monkeypatch, compiled, capsys):
    monkeypatch.setattr(
        Target, "missing", lambda self: ["libtpu"] if self.platform == "tpu" else []
    )
    assert main(["aot"]) == 0
    assert {name for name, *_ in compiled} == {"h100", "a100"}
    left_out = "TPU v5e: no libtpu installed (`pip install '.[aot-tpu]'`)"
    assert f"left out: {left_out}\n" in capsys.readouterr().out
    assert main(["aot", "--targets", "v5e"]) == 2
    expected = f"`targets` must have a compiler here, but got {left_out}.\n"
    assert capsys.readouterr().err.endswith(expected)


def test_a_compiler_that_is_half_installed_is_missing(monkeypatch, tmp_path):
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert Target("", "tpu", "half", ("jaxlib", "jax"), "").missing() == ["half"]
