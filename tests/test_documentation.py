"""Nothing written is unexecuted: code blocks run, commands exist, links lead on."""

import contextlib
import io
import json
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
from matplotlib.testing.compare import compare_images

import benchmarks.__main__
import experiments.__main__
import lrn_jax.conventions.__main__
from experiments.report.page import write_report

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    path
    for folder in (ROOT, ROOT / "docs", ROOT / "experiments", ROOT / "benchmarks")
    for path in folder.glob("*.md")
)
TUTORIAL = ROOT / "docs" / "tutorial.md"
# Blocks that need what is missing here run in tests/parity.
PEERS = {"cv2", "jax2onnx", "onnx", "onnxruntime", "tensorflow"}
RESULTS = sorted((ROOT / "experiments" / "results").glob("*/report.md"))


def blocks(page: Path, languages: str) -> list[tuple[str, str]]:
    text = page.read_text(encoding="utf-8")
    fenced = rf"^```({languages})\n(.*?)^```$"
    return re.findall(fenced, text, re.DOTALL | re.MULTILINE)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_python_blocks_run(page, tmp_path, monkeypatch):
    """Each alone, as a reader pastes it; the tutorial's are one program, as it says.

    A block of text is what the block before it prints, a picture what a block draws.
    What needs other frameworks runs where they are: here, or in tests/parity.
    """
    monkeypatch.chdir(tmp_path)
    namespace, printed = {}, ""
    for language, code in blocks(page, "python|text"):
        if language == "text":
            assert printed == code
            continue
        if page != TUTORIAL:
            namespace = {}
        with contextlib.redirect_stdout(io.StringIO()) as output:
            try:
                exec(compile(code, named(page), "exec"), namespace)
            except ModuleNotFoundError as error:
                if error.name not in PEERS:
                    raise
        printed = output.getvalue()
    for drawn in list(tmp_path.glob("*.png")):
        assert compare_images(str(page.parent / drawn.name), str(drawn), tol=5) is None


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_block_is_of_a_kind_that_is_tested(page):
    fences = re.findall(r"^```(.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(fences[::2]) <= {"python", "text", "console", "bibtex"}
    assert set(fences[1::2]) <= {""}


def check_make(arguments: list[str]) -> None:
    subprocess.run(["make", "--dry-run", *arguments], cwd=ROOT, check=True)


def check_pip(arguments: list[str]) -> None:
    install, target, *others = arguments
    assert install == "install"
    extras = re.fullmatch(r"\.\[([\w-]+)\]", target)
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    known = pyproject["project"]["optional-dependencies"]
    assert extras
    assert extras.group(1) in known
    peers = {re.split("[<=>]", each)[0] for each in known["peers"]}
    assert {re.split("[<=>]", each)[0] for each in others} <= peers


def check_python(arguments: list[str]) -> None:
    flag, module, *rest = arguments
    assert flag == "-m"
    modules = (experiments.__main__, benchmarks.__main__, lrn_jax.conventions.__main__)
    parsers = {each.__name__.removesuffix(".__main__"): each for each in modules}
    parsers[module].parse(rest)


COMMANDS = {"make": check_make, "pip": check_pip, "python": check_python}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_commands_exist(page):
    for _, block in blocks(page, "console"):
        for line in block.splitlines():
            program, *arguments = shlex.split(line, comments=True)
            COMMANDS[program](arguments)


@pytest.mark.parametrize("page", PAGES + RESULTS, ids=named)
def test_links_within_the_repository_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text):
        if not target.startswith("https://"):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", RESULTS, ids=named)
def test_published_report_is_what_the_code_writes(page, tmp_path):
    write_report(page.parent, tmp_path)
    written = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert page.read_text(encoding="utf-8") == written


def test_readme_on_an_index_is_whole():
    """No files are beside it there, and no formulas: pyproject.toml takes them out."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    hook = pyproject["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for each in hook["substitutions"]:
        text, count = re.subn(each["pattern"], each["replacement"], text)
        assert count
    assert not re.search(r"\]\((?!https://)|\$\$|<img", text)


def test_ruff_is_the_same_everywhere():
    files = [ROOT / "pyproject.toml", ROOT / ".pre-commit-config.yaml"]
    pins = [re.findall(r"ruff==([\d.]+)", file.read_text("utf-8")) for file in files]
    assert all(pins)
    assert len({pin for found in pins for pin in found}) == 1


@pytest.mark.parametrize("machine", ["epyc-2-cores", "h100"])
def test_factors_in_the_readme_are_those_of_the_benchmark(machine, capsys):
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    results = ROOT / "benchmarks" / "results" / f"{machine}-layer.jsonl"
    command = ["summary", str(results), "--only", "dtype=float32"]
    assert benchmarks.__main__.main(command) == 0
    heading, _, *rows = (
        [cell.strip() for cell in line.strip("| ").split("|")]
        for line in capsys.readouterr().out.strip().splitlines()
    )
    for peer in ("plain JAX", "PyTorch"):
        ranges = []
        for mode in ("forward", "forward and backward"):
            factors = [
                row[heading.index(peer)]
                for row in rows
                if row[heading.index("mode")] == mode
            ]
            low, high = min(factors, key=float), max(factors, key=float)
            ranges.append(f"{low} to {high}")
        assert f"| {'; '.join(ranges)} |" in readme


def test_results_in_the_readme_are_published_ones():
    """Each paragraph and row of a table names the report that has its differences."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").split("## Does it help?")[1]
    found = 0
    for part in re.split(r"\n\n|\n(?=\|)", text):
        differences = re.findall(r"[\N{MINUS SIGN}+]\d+\.\d+", part)
        reports = [ROOT / name for name in re.findall(r"\]\(([^)]+report\.md)\)", part)]
        published = "".join(report.read_text(encoding="utf-8") for report in reports)
        assert [number for number in differences if number not in published] == []
        found += len(differences)
    assert found


@pytest.mark.parametrize("page", ["docs/implementations.md", "benchmarks/README.md"])
def test_benchmark_tables_are_what_their_commands_print(page, capsys):
    """The page names the commit that was measured as well, if it was unchanged."""
    text = (ROOT / page).read_text(encoding="utf-8")
    commands = re.findall(r"^python -m benchmarks (summary .*)$", text, re.MULTILINE)
    assert commands
    for command in commands:
        assert benchmarks.__main__.main(shlex.split(command)) == 0
        assert capsys.readouterr().out in text
        about, *_ = (ROOT / command.split()[1]).read_text(encoding="utf-8").splitlines()
        environment = json.loads(about)["environment"]
        assert environment["local_changes"] or environment["commit"] in text, command
