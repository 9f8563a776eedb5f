"""Out of JAX: `lrn` of ordinary operations, exported to ONNX and run there."""

from functools import partial
from typing import Any

import numpy as np
import pytest

from lrn_jax import lrn

from .. import reference

jax2onnx = pytest.importorskip("jax2onnx", reason="jax2onnx is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

X = np.random.default_rng(0).standard_normal((2, 3, 4, 5)).astype(np.float32)
CASES: list[dict[str, Any]] = [
    {},
    {"axis": 1, "depth_radius": (1, 0), "alpha": 0.3, "beta": 0.6},
    {"axis": (1, 2), "depth_radius": ((1, 1), (2, 0)), "bias": 1.3, "alpha": 0.3},
    {"axis": (1, 2), "depth_radius": None, "alpha": 0.5, "beta": 0.5},
    {"bias": 0.0, "alpha": 1.0, "beta": 0.5},
]


@pytest.mark.parametrize("arguments", CASES, ids=str)
@pytest.mark.filterwarnings("ignore::UserWarning:jax")  # it asks for float64
def test_plain_is_exported(arguments):
    model = jax2onnx.to_onnx(
        partial(lrn, **arguments, implementation="plain"), [X.shape]
    )
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (y,) = session.run(None, {session.get_inputs()[0].name: X})
    np.testing.assert_allclose(y, reference.lrn(X, **arguments), rtol=1e-5)
