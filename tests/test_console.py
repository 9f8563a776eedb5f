"""Whatever the terminal is, the command line goes on and shows text as it is."""

import io
import sys
from pathlib import Path

from experiments.__main__ import main

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
