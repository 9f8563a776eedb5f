"""What is trained once for several tests, and what makes short ablations quick."""

import resource
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest


@pytest.fixture
def quick(monkeypatch):
    """Arms of the digits are compiled once for all tests, and nothing is drawn."""
    _make_quick(monkeypatch)
    from experiments.report import page

    monkeypatch.setattr(page, "_plots", lambda material, arms: {})


def _make_quick(monkeypatch):
    from experiments.commands import ablate, reproduce

    from .digits import DATASET

    read = ablate.read

    def read_once(source, console):
        return DATASET if source.dataset == "digits" else read(source, console)

    for module in (ablate, reproduce):
        monkeypatch.setattr(module, "read", read_once)


class Finished(NamedTuple):
    """An ablation of two arms with one seed."""

    output: Path
    arguments: list[str]
    printed: str


@pytest.fixture(scope="session")
def finished_ablation(tmp_path_factory):
    """An ablation with all that it can write; it is only to be read."""
    from experiments.__main__ import main

    output = tmp_path_factory.mktemp("ablation") / "new" / "runs"
    arguments = ["ablate", "--epochs", "2", "--seeds", "1", "--norms", "none", "lrn"]
    arguments += ["--drops", "0.5", "--tensorboard", "--output", str(output)]
    printed = StringIO()
    with pytest.MonkeyPatch.context() as context, redirect_stdout(printed):
        _make_quick(context)
        assert main(arguments) == 0
    return Finished(output, arguments, printed.getvalue())


@pytest.fixture
def limit_files():
    """Sets how large files may become, as if the disk was full, until the test ends."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
