"""Whatever the terminal is, the command line goes on and shows text as it is."""

import errno
import io
import os
import sys

import pytest

from experiments.__main__ import main

from .programs import PROGRAM, started
from .runs import write_run


def test_names_and_numbers_are_printed_in_any_encoding(tmp_path, monkeypatch):
    for seed, accuracy in enumerate((0.5, 0.7)):
        write_run(tmp_path, "none", seed, accuracy)
        write_run(tmp_path, "lrn", seed, 0.5)
    # To rich, brackets are markup, and a closing tag without a beginning an error.
    output = tmp_path / "[exp1]" / "[/x]"
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    with monkeypatch.context() as context:
        context.setattr(sys, "stdout", terminal)
        assert main(["report", str(tmp_path), "--output", str(output)]) == 0
    terminal.seek(0)
    printed = terminal.read()
    assert f"Report: {output / 'report.html'}\n" in printed
    assert "60.00 +- " in printed
    assert "-10.00" in printed


# A user without home and name, without a terminal.
NOBODY = """
import os, pwd
def getpwuid(number):
    raise KeyError(number)
pwd.getpwuid = getpwuid
del os.environ["HOME"]
os.close(0)
os.close(1)
"""


NAME = os.fsdecode(b"not UTF-8 \xff, [/x],\nnot a line")


@pytest.mark.parametrize(
    "command",
    ["report", pytest.param("ablate", marks=pytest.mark.slow)],
)
def test_command_comes_to_its_end_without_terminal_or_home(command, tmp_path):
    write_run(tmp_path / "runs", "none", 0, 0.5, arms=["none"])
    arguments = {
        "report": (str(tmp_path / "runs"),),
        "ablate": ("--epochs", "1", "--seeds", "1", "--norms", "none"),
    }[command]
    output = ("--output", str(tmp_path / NAME))
    with started(command, *arguments, *output, program=NOBODY + PROGRAM) as process:
        _, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    report = tmp_path / NAME / "report.html"
    assert report.read_text("utf-8").endswith("</html>\n")


class Full(io.StringIO):
    """An output on a disk that is full."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_output_that_takes_nothing_more_is_told(tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as context:
        context.setattr(sys, "stdout", Full())
        assert main(["ablate", "--output", str(tmp_path / "runs")]) == 2
    assert "The output: No space left on device" in capsys.readouterr().err
