"""PyTorch: `torch.nn.functional.local_response_norm`, as it is and compiled."""

import importlib
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from lrn_jax import conventions

from ..cases import Problem
from .base import InProcess, Machine, Prepare


def prepare(*, compiled: bool) -> Prepare:
    """Returns the preparation of the eager or of the compiled (inductor) layer."""

    def prepared(
        problem: Problem, x: np.ndarray, cotangent: np.ndarray, machine: Machine
    ) -> InProcess:
        return _prepare(problem, x, cotangent, machine, compiled=compiled)

    return prepared


def _prepare(
    problem: Problem,
    x: np.ndarray,
    cotangent: np.ndarray,
    machine: Machine,
    *,
    compiled: bool,
) -> InProcess:
    # Compilers in processes of their own are forked, which JAX does not survive.
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")
    torch: Any = importlib.import_module("torch")
    on_gpu = machine.platform == "gpu"
    if on_gpu and not torch.cuda.is_available():
        raise RuntimeError("this PyTorch has no CUDA, and JAX runs on the GPU")
    torch.set_num_threads(machine.threads)
    # PyTorch's channels are on axis 1; NHWC is that shape in the channels_last format.
    nhwc = problem.layout == "NHWC"

    def tensor(array: np.ndarray) -> Any:
        given = (
            torch.from_numpy(array).permute(0, 3, 1, 2)
            if nhwc
            else (torch.from_numpy(array))
        )
        dtype = getattr(torch, problem.dtype)
        return given.to(device="cuda" if on_gpu else "cpu", dtype=dtype)

    def to_numpy(results: tuple[Any, ...]) -> list[np.ndarray]:
        plain = (one.detach().float().cpu() for one in results)
        return [(y.permute(0, 2, 3, 1) if nhwc else y).numpy() for y in plain]

    torch_arguments = conventions.to_torch(**{**problem.arguments, "axis": 1})

    def layer(x: Any) -> Any:
        return torch.nn.functional.local_response_norm(x, **torch_arguments)

    if compiled:
        # What earlier problems compiled counts against a limit of recompilations.
        torch.compiler.reset()
        layer = torch.compile(layer, dynamic=False, fullgraph=True)
    call = _call(torch, layer, problem, tensor(x), tensor(cotangent))
    # What it launches on a GPU is not waited for otherwise.
    synchronize = torch.cuda.synchronize if on_gpu else lambda: None
    return InProcess(call, lambda results: synchronize(), to_numpy)


def _call(
    torch: Any, layer: Callable[[Any], Any], problem: Problem, x: Any, cotangent: Any
) -> Callable[[], tuple[Any, ...]]:
    """Returns the layer, or the layer with its gradient."""

    def forward() -> tuple[Any, ...]:
        with torch.no_grad():
            return (layer(x),)

    def forward_and_backward() -> tuple[Any, ...]:
        y = layer(x)
        return y, *torch.autograd.grad(y, x, cotangent)

    if problem.mode == "forward":
        return forward
    x.requires_grad_()
    return forward_and_backward
