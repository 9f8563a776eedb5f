"""TensorFlow in a process of its own: one request a line, one answer a line.

The benchmark starts it as ``python -m benchmarks.layer.tensorflow_worker`` with a
Python that has TensorFlow and NumPy. It imports neither JAX nor anything that does.
"""

import importlib
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from experiments.training.allocator import keep_freed_memory

from ..turns import time_calls


def _computation(
    tensorflow: Any, arguments: dict[str, Any], x: Any, cotangent: Any | None
) -> Callable[[], list[Any]]:
    """Returns the layer, or the layer and its gradient, as one compiled graph."""

    def layer(x: Any) -> Any:
        return tensorflow.nn.local_response_normalization(x, **arguments)

    @tensorflow.function
    def forward(x: Any) -> list[Any]:
        return [layer(x)]

    @tensorflow.function
    def forward_and_backward(x: Any, cotangent: Any) -> list[Any]:
        with tensorflow.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
        return [y, tape.gradient(y, x, output_gradients=cotangent)]

    if cotangent is None:
        return lambda: forward(x)
    return lambda: forward_and_backward(x, cotangent)


def main() -> None:
    """Answers requests until there are no more."""
    # Whatever is printed by libraries goes to stderr; answers alone go to stdout.
    answers, sys.stdout = sys.stdout, sys.stderr
    setting = json.loads(sys.stdin.readline())
    if setting["keep_memory"]:
        keep_freed_memory()
    tensorflow: Any = importlib.import_module("tensorflow")
    tensorflow.config.threading.set_intra_op_parallelism_threads(setting["threads"])
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    folder = Path(setting["folder"])
    files = [folder / "x.npy", folder / "cotangent.npy"]
    given = [
        tensorflow.constant(np.load(file)) if file.exists() else None for file in files
    ]
    call = _computation(tensorflow, setting["arguments"], *given)
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        answer = {}
        if request["do"] == "outputs":
            for i, result in enumerate(call()):
                np.save(folder / f"output{i}.npy", result.numpy())
                answer["outputs"] = i + 1
        else:
            answer = asdict(time_calls(call, lambda results: None, request["calls"]))
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
