"""Everybody who takes part, by name. A peer is one file here and one row below."""

from lrn_jax import IMPLEMENTATIONS

from . import onnxruntime, openvino, tensorflow, torch
from .base import Contender as Contender
from .base import Machine as Machine
from .base import Prepared as Prepared
from .base import Program as Program
from .jax import naive, naive_with_exp, prepare_copy, prepare_layer, prepare_lrn

COPY = "copy"
DEFAULT = "default"

CONTENDERS: dict[str, Contender] = {
    COPY: Contender("copy of the same bytes", "copy", prepare_copy),
    DEFAULT: Contender("lrn_jax (default)", "lrn", prepare_lrn(None)),
    **{
        name: Contender(f"lrn_jax ({name})", "lrn", prepare_lrn(name))
        for name in IMPLEMENTATIONS
    },
    "naive": Contender("plain JAX", "naive", prepare_layer(naive)),
    "naive_exp": Contender(
        "plain JAX, exp and log", "naive", prepare_layer(naive_with_exp)
    ),
    "torch": Contender(
        "PyTorch",
        "peer",
        torch.prepare(compiled=False),
        variants=("channels",),
        packages=("torch",),
        platforms=("cpu", "gpu"),
    ),
    "torch_compile": Contender(
        "PyTorch (compiled)",
        "peer",
        torch.prepare(compiled=True),
        variants=("channels",),
        packages=("torch",),
        platforms=("cpu", "gpu"),
    ),
    "onnxruntime": Contender(
        "onnxruntime",
        "peer",
        onnxruntime.prepare,
        variants=("channels",),
        packages=("onnx", "onnxruntime"),
        layouts=("NCHW",),
        dtypes=("float32",),
        modes=("forward",),
        platforms=("cpu",),
    ),
    "openvino": Contender(
        "OpenVINO",
        "peer",
        openvino.prepare,
        variants=("channels",),
        packages=("openvino",),
        dtypes=("float32",),
        modes=("forward",),
        platforms=("cpu",),
    ),
    "tensorflow": Contender(
        "TensorFlow (own process)",
        "peer",
        tensorflow.prepare,
        variants=("channels",),
        packages=("tensorflow",),
        layouts=("NHWC",),
        dtypes=("float32",),
        platforms=("cpu",),
        own_process=True,
    ),
}
