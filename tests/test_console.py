"""Whatever the terminal is, the command line goes on and shows text as it is."""

import errno
import io
import os
import sys
from pathlib import Path

from experiments.__main__ import main

from .programs import PROGRAM, started

RESULTS = Path(__file__).parent.parent / "experiments" / "results"


def test_names_and_numbers_are_printed_in_any_encoding(tmp_path, monkeypatch):
    # To rich, brackets are markup, and a closing tag without a beginning an error.
    output = tmp_path / "[exp1]" / "[/x]"
    published = str(RESULTS / "cifar10-jpeg-caffe-full")
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    with monkeypatch.context() as context:
        context.setattr(sys, "stdout", terminal)
        assert main(["report", published, "--output", str(output)]) == 0
    terminal.seek(0)
    printed = terminal.read()
    assert f"Report: {output / 'report.html'}\n" in printed
    assert "73.57 +- 0.18" in printed
    assert "-0.49 to -0.22" in printed


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


def test_ablation_comes_to_its_end_without_terminal_or_home(tmp_path):
    output = tmp_path / os.fsdecode(b"not UTF-8 \xff, [/x],\nnot a line")
    arguments = ("--epochs", "1", "--seeds", "1", "--norms", "none")
    arguments = ("ablate", *arguments, "--output", str(output))
    with started(*arguments, program=NOBODY + PROGRAM) as process:
        _, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    assert (output / "report.html").read_text("utf-8").endswith("</html>\n")


class Full(io.StringIO):
    """An output on a disk that is full."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_output_that_takes_nothing_more_is_told(tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as context:
        context.setattr(sys, "stdout", Full())
        assert main(["ablate", "--output", str(tmp_path / "runs")]) == 2
    assert "The output: No space left on device" in capsys.readouterr().err
