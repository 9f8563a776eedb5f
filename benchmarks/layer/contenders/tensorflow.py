"""TensorFlow: `tf.nn.local_response_normalization`, compiled as a graph.

It cannot share an environment with the other peers, so it runs in a process of its
own. That process takes its turn in every round and otherwise sleeps.
"""

import contextlib
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from lrn_jax import conventions

from ...turns import Sample
from ..cases import Problem
from .base import Machine

_ROOT = Path(__file__).parents[3]


class _Worker:
    """A process of `benchmarks.layer.tensorflow_worker`, for one problem."""

    program = None

    def __init__(
        self, python: Path, setting: dict[str, Any], arrays: dict[str, np.ndarray]
    ):
        self._folder = tempfile.TemporaryDirectory()
        for name, array in arrays.items():
            np.save(Path(self._folder.name) / f"{name}.npy", array)
        self._errors = Path(self._folder.name) / "errors.txt"
        with self._errors.open("w") as errors:
            self._process = subprocess.Popen(
                [python, "-m", "benchmarks.layer.tensorflow_worker"],
                cwd=_ROOT,
                env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
                text=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        try:
            self._ask({**setting, "folder": self._folder.name})
        except BaseException:
            self.close()
            raise

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # then, no answer comes either
            print(json.dumps(request), file=process.stdin, flush=True)
        answer = process.stdout.readline()
        if not answer:
            said = self._errors.read_text(encoding="utf-8").strip().splitlines()
            raise RuntimeError(f"its process ended: {' '.join(said[-1:])}")
        return json.loads(answer)

    def outputs(self) -> list[np.ndarray]:
        """Computes y, or y and the gradient, as float32 in the problem's layout."""
        number = self._ask({"do": "outputs"})["outputs"]
        folder = Path(self._folder.name)
        return [np.load(folder / f"output{i}.npy") for i in range(number)]

    def time(self, calls: int) -> Sample:
        """Times calls that leave all results in memory, by the worker's own clock."""
        return Sample(**self._ask({"do": "time", "calls": calls}))

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate()  # the end of its input is the end of its work
        self._folder.cleanup()


def prepare(
    problem: Problem, x: np.ndarray, cotangent: np.ndarray, machine: Machine
) -> _Worker:
    """Starts a worker and hands it the data."""
    if machine.tensorflow_python is None:
        raise ValueError("`--tensorflow-python` must name a Python that has TensorFlow")
    arrays = {"x": x}
    if problem.mode == "forward_and_backward":
        arrays["cotangent"] = cotangent
    setting = {
        "threads": machine.threads,
        "keep_memory": machine.keep_memory,
        "arguments": conventions.to_tensorflow(**problem.arguments),
    }
    return _Worker(machine.tensorflow_python, setting, arrays)
