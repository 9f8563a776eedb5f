"""onnxruntime: a network of one LRN, on its CPU provider."""

import importlib
from typing import Any

import numpy as np

from lrn_jax import conventions

from ..cases import Problem
from .base import InProcess, Machine


def prepare(
    problem: Problem, x: np.ndarray, cotangent: np.ndarray, machine: Machine
) -> InProcess:
    """Prepares a session. Its results are new arrays at every call."""
    del cotangent  # it does not differentiate
    onnx: Any = importlib.import_module("onnx")
    onnxruntime: Any = importlib.import_module("onnxruntime")
    helper, float32 = onnx.helper, onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [
            helper.make_node(
                "LRN", ["x"], ["y"], **conventions.to_onnx(**problem.arguments)
            )
        ],
        "lrn",
        [helper.make_tensor_value_info("x", float32, problem.shape)],
        [helper.make_tensor_value_info("y", float32, problem.shape)],
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_operatorsetid("", 13)],
        ir_version=8,  # an old one: onnx may be ahead of onnxruntime
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = machine.threads
    options.inter_op_num_threads = 1
    # Threads that spin after a call would slow down whoever comes next.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return InProcess(
        call=lambda: session.run(None, {"x": x}),
        wait=lambda results: None,
        to_numpy=lambda results: list(results),
    )
