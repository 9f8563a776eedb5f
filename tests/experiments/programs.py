"""The command line in processes of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

# As from a terminal, also where the tests run in the background of a shell, which makes
# its children deaf to Ctrl-C.
PROGRAM = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("experiments", run_name="__main__", alter_sys=True)
"""


@contextmanager
def started(*arguments: str, program: str = PROGRAM) -> Iterator[subprocess.Popen]:
    """A run of the command line; it is ended with the test, however that ends."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program, *arguments],
        cwd=ROOT,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "XLA_FLAGS": "", "COLUMNS": "80"},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def lines_of(path: Path) -> list[dict[str, Any]]:
    """The objects in a metrics file, without times."""

    def without_times(line: str) -> dict[str, Any]:
        content = json.loads(line)
        return {name: content[name] for name in content if "seconds" not in name}

    return [without_times(line) for line in path.read_text("utf-8").splitlines()]
