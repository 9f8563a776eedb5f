"""OpenVINO: a model of one LRN, on its CPU plugin."""

import importlib
import sys
from typing import Any, cast

import numpy as np

from lrn_jax import conventions

from ..cases import Problem
from .base import InProcess, Machine


def prepare(
    problem: Problem, x: np.ndarray, cotangent: np.ndarray, machine: Machine
) -> InProcess:
    """Prepares a request that reads x in place and writes y where it was before."""
    del cotangent  # it does not differentiate
    # As if it were not installed, which OpenVINO allows for: it would fork a process,
    # which JAX's threads may not survive, to send off that OpenVINO was imported.
    sys.modules.setdefault("openvino_telemetry", cast(Any, None))
    openvino: Any = importlib.import_module("openvino")
    opset: Any = importlib.import_module("openvino.opset13")
    attributes = conventions.to_onnx(**{**problem.arguments, "axis": 1})
    parameter = opset.parameter(problem.shape, np.float32)

    def layer(node: Any) -> Any:
        return opset.lrn(node, opset.constant(np.array([1], np.int64)), **attributes)

    def transposed(node: Any, *order: int) -> Any:
        return opset.transpose(node, opset.constant(np.array(order, np.int64)))

    if problem.layout == "NCHW":
        result = layer(parameter)
    else:
        # The plugin has channels on axis 1 only. It may find that the transpositions,
        # which its own preprocessing would put here too, need no copies.
        result = transposed(layer(transposed(parameter, 0, 3, 1, 2)), 0, 2, 3, 1)
    model = openvino.Model([result], [parameter])
    request = (
        openvino.Core()
        .compile_model(
            model,
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": "f32",  # it may choose bfloat16 otherwise
                "INFERENCE_NUM_THREADS": machine.threads,
                "PERFORMANCE_HINT": "LATENCY",
                "ENABLE_CPU_PINNING": False,  # the threads are everybody's
            },
        )
        .create_infer_request()
    )
    return InProcess(
        call=lambda: request.infer([x], share_inputs=True, share_outputs=True),
        wait=lambda results: None,
        to_numpy=lambda results: [np.array(results[0])],
    )
