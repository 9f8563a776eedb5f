"""Conventions: what each means, refuses and returns; the way back; their table."""

import inspect
import math
import re
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from hypothesis import given
from hypothesis import strategies as st
from scipy import io

from lrn_jax import conventions, lrn
from lrn_jax.conventions import _frameworks, _presets
from lrn_jax.conventions._table import ROWS, checked_against

from ..reference import assert_values_close
from ..reference import lrn as oracle

DOCS = Path(__file__).parents[2] / "docs"


def table(text: str) -> list[tuple[str, dict[str, Any], str]]:
    """Name, parameters and the rest of each line: ``name(parameters): rest``."""
    rows = []
    for line in text.strip().replace("\n  ", " ").splitlines():
        call, rest = line.split("): ", 1)
        name, parameters = call.split("(", 1)
        rows.append((name, eval(f"dict({parameters})"), rest))
    return rows


# Written out by hand: a call, and depth_radius, bias, alpha, beta, axis. Each framework
# by its defaults, then with every number off its default.
MEANINGS = table("""
tensorflow(): 5, 1, 1, 0.5, -1
tensorflow(depth_radius=3, bias=2.5, alpha=0.3, beta=0.6): 3, 2.5, 0.3, 0.6, -1
tflite(radius=3, bias=2.5, alpha=0.3, beta=0.6): 3, 2.5, 0.3, 0.6, -1
tensorflow_js(): 5, 1, 1, 0.5, -1
tensorflow_js(depthRadius=3, bias=2.5, alpha=0.3, beta=0.6): 3, 2.5, 0.3, 0.6, -1
torch(size=5): 2, 1, 2e-5, 0.75, 1
torch(size=4, alpha=0.3, beta=0.6, k=2.5): (2, 1), 2.5, 0.075, 0.6, 1
caffe(): 2, 1, 0.2, 0.75, 1
caffe(local_size=3, alpha=0.3, beta=0.6, k=2.5): 1, 2.5, 0.1, 0.6, 1
caffe(norm_region="WITHIN_CHANNEL"): 2, 1, 0.04, 0.75, (2, 3)
caffe(norm_region="WITHIN_CHANNEL", local_size=3, alpha=0.9, beta=0.6):
  1, 1, 0.1, 0.6, (2, 3)
onnx(size=5): 2, 1, 2e-5, 0.75, 1
onnx(size=4, alpha=0.3, beta=0.6, bias=2.5): (1, 2), 2.5, 0.075, 0.6, 1
cudnn(): 2, 2, 2e-5, 0.75, 1
cudnn(lrnN=10, lrnAlpha=0.3, lrnBeta=0.6, lrnK=2.5): (4, 5), 2.5, 0.03, 0.6, 1
onednn(local_size=5, alpha=1, beta=0.75): 2, 1, 0.2, 0.75, 1
onednn(local_size=4, alpha=0.3, beta=0.6, k=2.5): 1, 2.5, 0.075, 0.6, 1
onednn(local_size=3, alpha=0.9, beta=0.6, k=2.5, algorithm="lrn_within_channel"):
  1, 2.5, 0.1, 0.6, (2, 3)
onednn(local_size=3, alpha=2.7, beta=0.6, algorithm="lrn_within_channel", ndims=5):
  1, 1, 0.1, 0.6, (2, 3, 4)
openvino(axes=1): 2, 1, 0.2, 0.5, 1
openvino(axes=[2, 3], size=4, alpha=1.6, beta=0.6, bias=2.5): 1, 2.5, 0.1, 0.6, (2, 3)
mxnet(nsize=5): 2, 2, 2e-5, 0.75, 1
mxnet(nsize=3, alpha=0.3, beta=0.6, knorm=2.5): 1, 2.5, 0.1, 0.6, 1
chainer(): 2, 2, 1e-4, 0.75, 1
chainer(n=4, k=2.5, alpha=0.3, beta=0.6): 2, 2.5, 0.3, 0.6, 1
lasagne(): 2, 2, 1e-4, 0.75, 1
lasagne(n=3, k=2.5, alpha=0.3, beta=0.6): 1, 2.5, 0.3, 0.6, 1
pylearn2(): 2, 2, 1e-4, 0.75, 0
pylearn2(n=3, k=2.5, alpha=0.3, beta=0.6): 1, 2.5, 0.3, 0.6, 0
keras(): 2, 2, 1e-4, 0.75, 1
keras(n=3, k=2.5, alpha=0.3, beta=0.6): 1, 2.5, 0.3, 0.6, 1
matconvnet(param=[4, 2.5, 0.3, 0.6]): (1, 2), 2.5, 0.3, 0.6, 2
matlab(windowChannelSize=5): 2, 2, 2e-5, 0.75, 2
matlab(windowChannelSize=4, Alpha=0.3, Beta=0.6, K=2.5, DataFormat="CB"):
  (1, 2), 2.5, 0.075, 0.6, 0
coreml(size=5): 2, 1, 2e-5, 0.75, -3
coreml(size=3, alpha=0.3, beta=0.6, k=2.5): 1, 2.5, 0.1, 0.6, -3
opencv(): 2, 1, 2e-5, 0.75, 1
opencv(local_size=3, alpha=0.3, beta=0.6, bias=2.5): 1, 2.5, 0.1, 0.6, 1
opencv(local_size=3, alpha=0.9, norm_region="WITHIN_CHANNEL", k=2.0):
  1, 1, 0.1, 0.75, (2, 3)
opencv(alpha=0.9, norm_by_size=False, norm_region="WITHIN_CHANNEL"):
  2, 1, 0.9, 0.75, (2, 3)
ncnn(): 2, 1, 0.2, 0.75, -3
ncnn(local_size=4, alpha=0.4, beta=0.6, bias=2.5): (2, 1), 2.5, 0.1, 0.6, -3
ncnn(local_size=4, alpha=0.4, version="1.0.20250503"): 2, 1, 0.1, 0.75, -3
ncnn(region_type=1, local_size=4, alpha=1.6): (2, 1), 1, 0.1, 0.75, (-2, -1)
tensorrt(window=3, alpha=0.3, beta=0.6, k=2.5): 1, 2.5, 0.1, 0.6, 1
directml(CrossChannel=True, LocalSize=5): 2, 1, 2e-5, 0.75, 1
directml(CrossChannel=False, LocalSize=3, Alpha=0.3, Beta=0.6, Bias=2.5):
  1, 2.5, 0.1, 0.6, (2, 3)
nnef(size=[1, 5, 1, 1]): 2, 1, 0.2, 0.5, 1
nnef(size=[1, 1, 4, 4], alpha=1.6, beta=0.6, bias=2.5): (1, 2), 2.5, 0.1, 0.6, (2, 3)
nnef(size=[2, 3, 1]): ((0, 1), (1, 1)), 1, 1 / 6, 0.5, (0, 1)
nnef(size=[1, 1, 1]): 0, 1, 1, 0.5, 0
arm_compute(type="CROSS_MAP"): 2, 1, 2e-5, 0.5, 1
arm_compute(type="IN_MAP_1D", norm_size=3, alpha=0.3, is_scaled=False):
  1, 1, 0.3, 0.5, 3
arm_compute(type="IN_MAP_2D", norm_size=3, alpha=0.9, beta=0.6, kappa=2.5,
  data_layout="NHWC"): 1, 2.5, 0.1, 0.6, (1, 2)
wolfram(): 2, 1, 0.2, 0.5, -3
wolfram(ChannelWindowSize=4, Alpha=0.9, Beta=0.6, Bias=2.5): 4, 2.5, 0.1, 0.6, -3
metal_cross_channel(): 2, 1, 0.2, 5, -1
metal_cross_channel(kernelSize=4, alpha=0.4, beta=0.6, delta=2.5):
  (2, 1), 2.5, 0.1, 0.6, -1
metal_spatial(kernelWidth=4, kernelHeight=4): (2, 1), 1, 1 / 16, 5, (-3, -2)
metal_spatial(kernelWidth=5, kernelHeight=2, alpha=0.4, beta=0.6, delta=2.5):
  ((1, 0), (2, 2)), 2.5, 0.04, 0.6, (-3, -2)
neupy(): 5, 2, 1e-4, 0.75, -1
neupy(depth_radius=3, alpha=0.3, beta=0.6, k=2.5): 3, 2.5, 0.3, 0.6, -1
cntk(depth_radius=2, bias=2.5, alpha=0.5, beta=0.6): 2, 2.5, 0.1, 0.6, -3
deeplearning4j(): 2, 2, 1e-4, 0.75, 1
deeplearning4j(n=4, k=2.5, alpha=0.3, beta=0.6): 2, 2.5, 0.3, 0.6, 1
darknet(): 2, 1, 1e-4, 0.75, 1
darknet(size=4, alpha=0.3, beta=0.6, kappa=2.5): (1, 2), 2.5, 0.3, 0.6, 1
cuda_convnet_cmrnorm(size=5, scale=1e-4, pow=0.75): 2, 1, 2e-5, 0.75, 0
cuda_convnet_cmrnorm(size=4, scale=0.4, pow=0.6, minDiv=2.5): (2, 1), 2.5, 0.1, 0.6, 0
cuda_convnet_rnorm(size=4, scale=1.6, pow=0.6, minDiv=2.5):
  (2, 1), 2.5, 0.1, 0.6, (1, 2)
alexnet_as_printed(): 2, 2, 1e-4, 0.75, -1
alexnet_as_trained(axis=1): 2, 2, 2e-5, 0.75, 1
caffe_alexnet(): 2, 1, 2e-5, 0.75, -1
cuda_convnet_cifar10(): 4, 1, 1e-3 / 9, 0.75, -1
whole_map(): None, 4, 5, 0.5, (1, 2)
whole_map(a=1.5, b=0.3, axis=(2, 3)): None, 1.5, 0.3, 0.5, (2, 3)
""")


@pytest.mark.parametrize(("name", "parameters", "meaning"), MEANINGS)
def test_meaning(name, parameters, meaning):
    arguments = getattr(conventions, name)(**parameters)
    depth_radius, bias, alpha, beta, axis = eval(meaning)
    assert list(arguments) == ["depth_radius", "bias", "alpha", "beta", "axis"]
    assert arguments["depth_radius"] == depth_radius
    assert arguments["axis"] == axis
    # A division by the size may round.
    assert arguments["alpha"] == pytest.approx(alpha, rel=1e-15)
    assert (arguments["bias"], arguments["beta"]) == (bias, beta)


def test_every_function_has_a_meaning_here():
    assert {name for name, _, _ in MEANINGS} == {
        *public_functions(_frameworks),
        *public_functions(_presets),
    }


# Where a window begins and ends, as each source writes it for its size n.
ENDS = {
    "torch": (lambda n: -(n // 2), lambda n: (n - 1) // 2),
    "onnx": (lambda n: -math.floor((n - 1) / 2), lambda n: math.ceil((n - 1) / 2)),
    "cudnn": (lambda n: -((n - 1) // 2), lambda n: n - ((n - 1) // 2) - 1),
    "onednn": (lambda n: -((n - 1) // 2), lambda n: (n - 1) // 2),
    "openvino": (lambda n: -((n - 1) // 2), lambda n: (n - 1) // 2),
    "chainer": (lambda n: -(n // 2), lambda n: n // 2),
    "matconvnet": (
        lambda n: -math.floor((n - 1) / 2),
        lambda n: math.ceil((n - 1) / 2),
    ),
    "matlab": (lambda n: -math.floor((n - 1) / 2), lambda n: math.floor(n / 2)),
    "nnef": (lambda n: -((n - 1) // 2), lambda n: n - 1 - (n - 1) // 2),
    "metal_cross_channel": (lambda n: -(n // 2), lambda n: (n - 1) // 2),
    "metal_spatial": (lambda n: -(n // 2), lambda n: (n - 1) // 2),
    "ncnn": (lambda n: -(n // 2), lambda n: n - n // 2 - 1),
    "deeplearning4j": (lambda n: -int(n / 2), lambda n: int(n / 2)),
    "darknet": (lambda n: -((n - 1) // 2), lambda n: n // 2),
    "cuda_convnet_cmrnorm": (lambda n: int(-n / 2), lambda n: int(-n / 2) + n - 1),
    "cuda_convnet_rnorm": (lambda n: int(-n / 2), lambda n: math.ceil(n / 2) - 1),
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.framework)
def test_window(row):
    name = row.function.__name__
    # Others take odd sizes only, or a radius.
    first, last = ENDS.get(name, (lambda n: -(n // 2), lambda n: n // 2))
    refused = {"cuda_convnet_cmrnorm": {1}, "neupy": {1, 5, 9}}.get(name, set())
    if "version" in row.fixed:
        last = lambda n: n // 2  # noqa: E731
    for size in range(1, 10):
        arguments = row.arguments(size)
        if arguments is None:
            assert size in refused or (size % 2 == 0 and name not in ENDS)
        else:
            extents = arguments["depth_radius"]
            pair = extents if isinstance(extents, tuple) else (extents, extents)
            assert pair == (-first(size), last(size))


REFUSALS = table(r"""
tensorflow(depth_radius=-1): `depth_radius` must be an integer, at least
tensorflow_js(depthRadius=-1): `depthRadius` must be an integer
torch(size=0): `size` must be an integer, at least 1, but got 0
caffe(local_size=4):
  `local_size` must be an odd integer, at least 1, but got 4. .*lrn_layer.cpp
caffe(local_size=-1): `local_size` must be an odd integer, at least 1, but got -1
caffe(norm_region="ACROSS"): 'ACROSS_CHANNELS' or 'WITHIN_CHANNEL', but
caffe(norm_region="WITHIN_CHANNEL", k=2.0):
  `k` must be 1 in WITHIN_CHANNEL, but got 2.0. .*ignores it
onnx(size=0): `size` must be an integer, at least 1, but got 0
cudnn(lrnN=17): at least 1 and at most 16, but got 17. .*cudnn.h
cudnn(lrnN=0): at least 1 and at most 16, but got 0
cudnn(lrnK=1e-6): `lrnK` must be at least 1e-05, but got 1e-06
cudnn(lrnBeta=0.0): `lrnBeta` must be at least 0.01, but got 0.0
onednn(local_size=0, alpha=1, beta=1): at least 1, but got 0
onednn(local_size=3, alpha=1, beta=1, algorithm="across"):
  'lrn_across_channels' or 'lrn_within_channel', but got 'across'
onednn(local_size=3, alpha=1, beta=1, ndims=6):
  `ndims` must be an integer, at least 2 and at most 5, but got 6
openvino(axes=[]): `axes` must be one axis or more, but got \[\]
openvino(axes=1, size=0): `size` must be an integer, at least 1
nnef(size=[]): `size` must be a list of integers, but got \[\]
nnef(size=5): `size` must be a list of integers, but got 5. It has an
nnef(size=[1, 0]): `size\[1\]` must be an integer, at least 1, but got 0
mxnet(nsize=4): `nsize` must be an odd integer, at least 1, but got 4. .*lrn-inl.h
chainer(n=0): `n` must be an integer, at least 1, but got 0
lasagne(n=4):
  `n` must be an odd integer, at least 1, but got 4. Lasagne .*NotImplementedError
pylearn2(n=4):
  `n` must be an odd integer, at least 1, but got 4. pylearn2 .*NotImplementedError
keras(n=4):
  `n` must be an odd integer, at least 1, but got 4. LRN2D raises NotImplementedError
matconvnet(param=[5, 1, 1]): `param` must be four numbers, but got \[5
matconvnet(param=[2.5, 1, 1, 1]): `param\[0\]` must be a whole number
matconvnet(param=None): `param` must be four numbers, but got None
matconvnet(param="5 1 1 1"): `param` must be four numbers, but got '5 1
matconvnet(param=[[5, 1], [1]]): `param` must be four numbers, but got
matconvnet(param=np.ones(5)): but got an array of shape \(5,\) and dtype
matconvnet(param=[5, 1, 1, 1], type="spnorm"): 'lrn' or 'normalize'
matlab(windowChannelSize=5, DataFormat=None): with one C, but got None
matlab(windowChannelSize=17): at least 1 and at most 16, but got 17
matlab(windowChannelSize=5, K=0): `K` must be at least 1e-05
matlab(windowChannelSize=5, Beta=0): `Beta` must be at least 0.01
matlab(windowChannelSize=5, DataFormat="SSB"): with one C, but got
coreml(size=4):
  `size` must be an odd integer, at least 1, but got 4. Core ML does not say
coreml(size=5, k=0.0): `k` must be positive, but got 0.0
opencv(local_size=4):
  `local_size` must be an odd integer, at least 1, but got 4. .*StsBadArg
opencv(norm_region="WITHIN"): 'ACROSS_CHANNELS' or 'WITHIN_CHANNEL', but
ncnn(region_type=2): 'ACROSS_CHANNELS' or 'WITHIN_CHANNEL', but got 2. n
ncnn(version="1.0"): `version` must be as '1.0.20261020', but got '1.0'
ncnn(local_size=0): `local_size` must be an integer, at least 1
tensorrt(window=4, alpha=1.0, beta=0.75, k=1.0):
  `window` must be an odd integer, at least
tensorrt(window=17, alpha=1.0, beta=0.75, k=1.0): and at most 15, but got 17. .*TensorRT
tensorrt(window=5, alpha=1e+21, beta=0.75, k=1.0): at most 1e\+20, but got
tensorrt(window=5, alpha=1.0, beta=0.0, k=1.0): `beta` must be at least 0.01
tensorrt(window=5, alpha=1.0, beta=0.75, k=math.nan): `k` must be .*but got nan
directml(CrossChannel=True, LocalSize=4): DirectML does not say to
arm_compute(type="CROSS_MAP", norm_size=4):
  `norm_size` must be an odd integer, at least 1, but
arm_compute(type=3): 'IN_MAP_1D' or 'IN_MAP_2D' or 'CROSS_MAP', but got 3
arm_compute(type=2, data_layout="NCDHW"): 'NCHW' or 'NHWC', but got
wolfram(ChannelWindowSize=-1): at least 0, but got -1. It is a radius
metal_cross_channel(kernelSize=0): `kernelSize` must be an integer, at
metal_cross_channel(alpha=-1.0): `alpha` must be at least 0, but got -1.0
metal_spatial(kernelWidth=0, kernelHeight=1): `kernelWidth` must be an
metal_spatial(kernelWidth=1, kernelHeight=0): `kernelHeight` must be
neupy(depth_radius=4):
  `depth_radius` must be an odd integer, at least 1, but got 4. NeuPy raises
cntk(depth_radius=-1, bias=1, alpha=1, beta=1): at least 0, but
cudnn(lrnMode=1): must be 'CUDNN_LRN_CROSS_CHANNEL_DIM1', but got 1
caffe(engine="GPU"): 'DEFAULT' or 'CAFFE' or 'CUDNN', but got 'GPU'
caffe(norm_region="A" * 10**6): 'WITHIN_CHANNEL', but got 'AAAAAAAA
torch(size=5, alpha=math.inf): `alpha` must be finite, but got inf
deeplearning4j(n=0): `n` must be an integer, at least 1, but got 0
darknet(size=0): `size` must be an integer, at least 1, but got 0
cuda_convnet_cmrnorm(size=1, scale=1.0, pow=0.75): at least 2, but got 1
cuda_convnet_cmrnorm(size=4, blocked=True, scale=1.0, pow=0.75):
  `blocked` must be false, but got True
cuda_convnet_rnorm(size=0, scale=1.0, pow=0.75): at least 1, but got 0
""")


@pytest.mark.parametrize(("name", "parameters", "message"), REFUSALS)
def test_refusal(name, parameters, message):
    with pytest.raises(ValueError, match=message) as raised:
        getattr(conventions, name)(**parameters)
    assert_short(raised.value)


def assert_short(error):
    assert len(str(error)) < 350
    assert "\n" not in str(error)


FRAMEWORKS = {
    name: parameters for name, parameters, _ in MEANINGS if hasattr(_frameworks, name)
}

OTHER_TYPES = [np.float64, np.array, lambda number: np.array([[number]])]


@pytest.mark.parametrize(("name", "parameters"), FRAMEWORKS.items())
def test_numbers_may_have_any_type(name, parameters):
    function = getattr(conventions, name)
    expected = repr(function(**parameters))
    for convert in OTHER_TYPES:
        converted = {
            key: int(value)
            if isinstance(value, bool)
            else convert(value)
            if isinstance(value, int | float)
            else value
            for key, value in parameters.items()
        }
        assert repr(function(**converted)) == expected


NO_NUMBERS = {
    int: ["5", 2.5, True, None, [5], np.ones(2), math.nan],
    float: ["0.0001", True, None, [1e-4], 1j, np.ones(2), 10**400],
    bool: ["false", None, 2, 0.5],
}


@pytest.mark.parametrize(("name", "parameters"), FRAMEWORKS.items())
def test_what_is_no_number_is_refused(name, parameters):
    """In one sentence that names the parameter, whichever it is."""
    function = getattr(conventions, name)
    for parameter in inspect.signature(function).parameters.values():
        for value in NO_NUMBERS.get(parameter.annotation, []):
            with pytest.raises(
                (TypeError, ValueError),
                match=f"^`{parameter.name}` must be .*, but got",
            ) as raised:
                function(**parameters | {parameter.name: value})
            assert_short(raised.value)


def test_text_is_told_the_way_out():
    with pytest.raises(TypeError) as raised:
        conventions.caffe(alpha="0.0001")  # pyright: ignore[reportArgumentType]
    assert str(raised.value) == (
        "`alpha` must be a real number, but got '0.0001' (of type str). "
        "Convert text with `float`."
    )


def test_parameters_of_others_are_refused():
    with pytest.raises(TypeError) as raised:
        conventions.torch(size=5, bias=2.0)  # pyright: ignore[reportCallIssue]
    assert str(raised.value) == (
        "`torch` has no parameter `bias`; it has `size`, `alpha`, `beta`, `k`."
    )


@pytest.mark.parametrize("value", ["12", 1.5, None, [1, "2"], [0.5], {}])
@pytest.mark.parametrize("name", ["openvino", "nnef"])
def test_lists_hold_integers(name, value):
    parameter = {"openvino": "axes", "nnef": "size"}[name]
    pattern = rf"^`{parameter}(\[\d\])?` must be an integer, but got"
    with pytest.raises(TypeError, match=pattern):
        getattr(conventions, name)(**{parameter: value})


@pytest.mark.parametrize(
    "axes", [(2, 3), [2, 3], np.array([2, 3]), np.array([[2], [3]])]
)
def test_axes_may_be_an_array(axes):
    assert repr(conventions.openvino(axes=axes)["axis"]) == "(2, 3)"
    assert repr(conventions.openvino(axes=np.array(1))["axis"]) == "1"


@pytest.mark.parametrize("name", [name for name in FRAMEWORKS if name != "matconvnet"])
def test_numbers_may_be_traced(name):
    """They can be learned, and new ones compile nothing."""
    function = getattr(conventions, name)
    signature = inspect.signature(function).parameters
    floats = [key for key, p in signature.items() if p.annotation is float]
    others = FRAMEWORKS[name].keys() - {*floats, "norm_region"}
    kept = {key: FRAMEWORKS[name][key] for key in others}  # across channels, in Caffe

    def hyperparameters(numbers):
        arguments = function(**kept, **numbers)
        return {key: arguments[key] for key in ("bias", "alpha", "beta")}

    # They are multiples of what is given: their own derivatives, at ones.
    ones = dict.fromkeys(floats, 1.0)
    _, tangents = jax.jvp(hyperparameters, (ones,), (ones,))
    assert tangents == pytest.approx(hyperparameters(ones), rel=1e-6)


def test_numbers_may_be_variables_of_flax():
    alpha = nnx.Param(jnp.array(0.5))
    arguments = conventions.torch(size=5, alpha=alpha)  # pyright: ignore[reportArgumentType]
    assert float(arguments["alpha"]) == pytest.approx(0.1)


@pytest.mark.parametrize("name", ["local_size", "norm_by_size"])
def test_what_fixes_the_program_cannot_be_traced(name):
    function: Any = conventions.opencv
    with pytest.raises(
        TypeError, match=rf"`{name}` must .*, but got .*Tracer"
    ) as raised:
        jax.jit(lambda value: function(**{name: value})["alpha"])(1)
    assert_short(raised.value)


WITHIN, ACROSS = {"axis": (2, 3)}, {"axis": 1}
ENUMERATORS = [
    *(
        (name, {"norm_region": region}, meaning)
        for name in ("caffe", "opencv")
        for region, meaning in [
            (1, WITHIN),
            (np.int64(1), WITHIN),
            ("within_channel", WITHIN),
            ("LRNParameter.WITHIN_CHANNEL", WITHIN),
            (0, ACROSS),
        ]
    ),
    ("ncnn", {"region_type": "WITHIN_CHANNEL"}, {"axis": (-2, -1)}),
    ("onednn", {"algorithm": "dnnl_lrn_across_channels"}, ACROSS),
    ("onednn", {"algorithm": "dnnl::algorithm::LRN_ACROSS_CHANNELS"}, ACROSS),
    ("onednn", {"algorithm": 0xAFF}, ACROSS),
    ("arm_compute", {"type": "NormType::CROSS_MAP", "data_layout": "NCHW"}, ACROSS),
    ("arm_compute", {"type": "in_map_2d", "data_layout": "nhwc"}, {"axis": (1, 2)}),
    ("arm_compute", {"type": 0, "data_layout": 2}, {"axis": 2}),
    ("matlab", {"DataFormat": "ssbc"}, {"axis": 3}),
]


@pytest.mark.parametrize(("name", "parameters", "meaning"), ENUMERATORS)
def test_enumerators_have_names_and_numbers(name, parameters, meaning):
    arguments = getattr(conventions, name)(**FRAMEWORKS[name] | parameters)
    assert arguments == arguments | meaning


WITHOUT_EFFECT = [
    *(("caffe", {"engine": engine}) for engine in ("CAFFE", "cudnn", 2)),
    ("opencv", {"engine": "CAFFE", "k": 2.0}),
    ("cudnn", {"lrnMode": "CUDNN_LRN_CROSS_CHANNEL_DIM1"}),
    ("cudnn", {"lrnMode": 0}),
    ("matconvnet", {"type": "normalize", "precious": False, "weights": []}),
    ("matlab", {"Name": "norm1"}),
    *(
        (name, {"name": "norm1"})
        for name in (
            *("tensorflow", "openvino", "mxnet", "lasagne", "keras", "coreml"),
            *("matconvnet", "neupy", "cntk"),
        )
    ),
]


@pytest.mark.parametrize(("name", "parameters"), WITHOUT_EFFECT)
def test_fields_without_effect(name, parameters):
    function = getattr(conventions, name)
    given = FRAMEWORKS[name]
    assert function(**given, **parameters) == function(**given)


def test_matconvnet_takes_a_layer_of_a_mat_file(tmp_path):
    path = tmp_path / "net.mat"
    layer = {"type": "lrn", "name": "norm1", "param": np.array([5, 2, 1e-4, 0.75])}
    io.savemat(path, {"layer": layer, "cell": np.array([layer], dtype=object)})
    desired = conventions.matconvnet(param=[5, 2, 1e-4, 0.75])

    plain = io.loadmat(path)
    assert plain["layer"]["param"].dtype == object  # an array in an array
    assert conventions.matconvnet(param=plain["layer"]["param"]) == desired
    simplified = io.loadmat(path, simplify_cells=True)
    assert conventions.matconvnet(**simplified["layer"]) == desired
    for shape in [(1, 4), (4, 1), (4,), (2, 2)]:
        array = np.reshape([5, 2, 1e-4, 0.75], shape)
        assert conventions.matconvnet(param=array) == desired


BOXES = [  # sizes along the axes, and the side on which an even one is longer
    ((1, 1, 2, 3), "after"),
    ((2, 3, 1, 4), "after"),
    ((1, 4, 2, 1), "before"),
]


@pytest.mark.parametrize(("sizes", "longer"), BOXES)
def test_box_has_an_extent_along_each_axis(sizes, longer):
    """The formula of NNEF and Metal: the mean over a box, zeros outside counted."""
    x = np.random.default_rng(0).standard_normal((2, 5, 4, 3)).astype(np.float32)
    before = [n // 2 if longer == "before" else (n - 1) // 2 for n in sizes]
    desired = np.empty(x.shape)
    for i in np.ndindex(x.shape):
        box = tuple(
            slice(max(0, k - b), k - b + n)
            for k, b, n in zip(i, before, sizes, strict=True)
        )
        mean = np.sum(np.square(x[box], dtype=np.float64)) / np.prod(sizes)
        desired[i] = x[i] / (1.5 + 0.9 * mean) ** 0.6
    if longer == "after":
        given = conventions.nnef(size=sizes, alpha=0.9, beta=0.6, bias=1.5)
    else:
        given = conventions.metal_spatial(
            kernelHeight=sizes[1], kernelWidth=sizes[2], alpha=0.9, beta=0.6, delta=1.5
        )
    assert_values_close(lrn(jnp.asarray(x), **given), desired)


def test_result_is_what_lrn_takes():
    """The even windows of PyTorch and ONNX are mirror images of each other."""
    x = np.random.default_rng(0).standard_normal((2, 9, 3))
    numbers = {"size": 4, "alpha": 0.8, "beta": 0.6}
    before = lrn(jnp.asarray(x, jnp.float32), **conventions.torch(**numbers, k=1.5))
    after = lrn(jnp.asarray(x, jnp.float32), **conventions.onnx(**numbers, bias=1.5))
    desired = oracle(
        x.astype(np.float32), depth_radius=(2, 1), bias=1.5, alpha=0.2, beta=0.6, axis=1
    )
    assert_values_close(before, desired)
    assert not np.allclose(after, desired, rtol=1e-3)
    mirrored = lrn(
        jnp.asarray(x[:, ::-1], jnp.float32), **conventions.onnx(**numbers, bias=1.5)
    )[:, ::-1]
    assert_values_close(mirrored, desired)


NUMBERS = {name: st.floats(1e-9, 1e9) for name in ("alpha", "beta")}
ADDED, SIZE = st.floats(1e-9, 1e9), st.integers(1, 40)
ODD = st.integers(0, 20).map(lambda radius: 2 * radius + 1)
THERE = {
    "torch": {"size": SIZE, **NUMBERS, "k": ADDED},
    "onnx": {"size": SIZE, **NUMBERS, "bias": ADDED},
    "tensorflow": {"depth_radius": SIZE, "bias": ADDED, **NUMBERS},
    "caffe": {
        "local_size": ODD,
        **NUMBERS,
        "k": ADDED,
        "norm_region": st.just("ACROSS_CHANNELS"),
    },
    "caffe within": {
        "local_size": ODD,
        **NUMBERS,
        "k": st.just(1.0),
        "norm_region": st.just("WITHIN_CHANNEL"),
    },
}


@pytest.mark.parametrize("name", THERE)
@given(data=st.data())
def test_there_and_back(name, data):
    parameters = data.draw(st.fixed_dictionaries(THERE[name]))
    framework = name.partition(" ")[0]
    there, back = (
        getattr(conventions, framework),
        getattr(conventions, f"to_{framework}"),
    )
    arguments = there(**parameters)
    assert_same(back(**arguments), parameters)
    assert_same(there(**back(**arguments)), arguments)


def assert_same(actual, desired):
    """The same, but for a unit in the last place of alpha: it was divided by n."""
    assert actual.keys() == desired.keys()
    difference = abs(actual["alpha"] - desired["alpha"])
    assert difference <= math.ulp(desired["alpha"])
    assert actual | {"alpha": None} == desired | {"alpha": None}


ARGUMENTS: dict[str, Any] = {
    "depth_radius": 2,
    "bias": 1.0,
    "alpha": 0.5,
    "beta": 0.75,
    "axis": 1,
}


def changed(**change: Any) -> dict[str, Any]:
    return ARGUMENTS | change


WAYS_BACK = ["to_torch", "to_onnx", "to_tensorflow", "to_caffe"]
INEXPRESSIBLE = [
    *(
        (name, {"axis": axis}, "`axis` must be")
        for name in WAYS_BACK
        for axis in [0, 2, (0, 1), (1, 2), -2]
    ),
    ("to_torch", {"axis": -1}, "`axis` must be 1, but got -1: PyTorch"),
    ("to_onnx", {"axis": (2, 3)}, r"`axis` must be 1, but got \(2, 3\): ONNX"),
    ("to_tensorflow", {"axis": 1}, "`axis` must be -1 or 3, but got 1: TensorFlow"),
    ("to_caffe", {"axis": -1}, r"`axis` must be -3 or \(-2, -1\) or 1 or \(2, 3\)"),
    *((name, {"depth_radius": (0, 2)}, "must reach as far") for name in WAYS_BACK),
    *((name, {"depth_radius": (3, 1)}, "must reach as far") for name in WAYS_BACK),
    *((name, {"depth_radius": None}, "no window over the whole") for name in WAYS_BACK),
    (
        "to_caffe",
        {"depth_radius": ((1, 1), (2, 2)), "axis": (2, 3), "bias": 1.0},
        r"as far along every axis, but got \(\(1, 1\), \(2, 2\)\): Caffe",
    ),
    ("to_torch", {"depth_radius": (1, 2)}, "or one element further before, but got"),
    ("to_onnx", {"depth_radius": (2, 1)}, "or one element further after, but got"),
    ("to_tensorflow", {"depth_radius": (1, 2)}, "both sides, but got .*TensorFlow"),
    ("to_caffe", {"depth_radius": (2, 1)}, "both sides, but got .*Caffe"),
    ("to_caffe", {"axis": (2, 3), "bias": 2.0}, "`bias` must be 1 for a window within"),
    *(
        (name, {number: jnp.ones((5, 1, 1))}, f"`{number}` must be one number")
        for name in WAYS_BACK
        for number in ["bias", "alpha", "beta"]
    ),
    *((name, {"alpha": -1.0}, "`alpha` must not be negative") for name in WAYS_BACK),
]


@pytest.mark.parametrize(("name", "change", "message"), INEXPRESSIBLE)
def test_inexpressible(name, change, message):
    axis = -1 if name == "to_tensorflow" else 1
    with pytest.raises(ValueError, match=message):
        getattr(conventions, name)(**changed(**{"axis": axis} | change))


def test_way_back_takes_what_was_learned():
    """A scalar array, as a module learns it, becomes a number."""
    arguments = changed(bias=jnp.float32(1.5), beta=jnp.full((1,), 0.5))
    assert conventions.to_torch(**arguments) == {
        "size": 5,
        "alpha": 2.5,
        "beta": 0.5,
        "k": 1.5,
    }


def test_way_back_takes_a_box_that_reaches_as_far_along_every_axis():
    box = changed(depth_radius=((2, 2), (2, 2)), axis=(2, 3))
    assert conventions.to_caffe(**box) == conventions.to_caffe(**changed(axis=(2, 3)))
    one = changed(depth_radius=((2, 1),))
    assert conventions.to_torch(**one)["size"] == 4


def test_way_back_takes_nothing_traced():
    with pytest.raises(TypeError, match=r"`alpha` must be a number, but .* traces"):
        jax.jit(lambda a: conventions.to_torch(**changed(alpha=a))["alpha"])(1.0)


def test_the_order_of_several_axes_means_nothing():
    desired = conventions.to_caffe(**changed(axis=(2, 3)))
    assert conventions.to_caffe(**changed(axis=(3, 2))) == desired
    assert conventions.to_caffe(**changed(axis=(-1, -2))) == desired


def test_docstring_of_lrn_shows_the_calls_of_others():
    """A newcomer passes PyTorch's alpha as it is; the example they copy does not."""
    assert lrn.__doc__ is not None
    examples = re.findall(r"y = lrn\(x, (.*)\)(?:  # (\w*).*)?$", lrn.__doc__, re.M)
    calls = {who: eval(f"dict({arguments})") for arguments, who in examples}
    caffe = conventions.caffe(local_size=5, alpha=1e-4)
    torch = conventions.torch(size=5, alpha=1e-4)
    tensorflow = conventions.tensorflow(depth_radius=2, bias=2, alpha=1e-4, beta=0.75)
    assert calls["TensorFlow"] | {"axis": -1} == tensorflow
    assert calls["Caffe"] | {"axis": 1} == caffe
    assert calls[""] == torch
    x = 40 * np.random.default_rng(0).standard_normal((1, 96, 3, 3))
    desired = oracle(x, **torch)
    torch["alpha"] = 1e-4
    assert np.mean(np.abs(oracle(x, **torch) / desired - 1)) > 0.2


def test_every_framework_has_its_row():
    functions = {row.function.__name__ for row in ROWS}
    assert functions == set(public_functions(_frameworks))
    described = conventions.describe()
    for name in public_functions(_frameworks) + public_functions(_presets):
        assert f"`{name}(" in described
    for name in (
        *("TensorFlow", "TensorFlow Lite", "TensorFlow.js", "PyTorch", "Caffe"),
        *("Caffe, within", "ONNX", "cuDNN", "oneDNN", "oneDNN, within", "OpenVINO"),
        *("MXNet", "Chainer", "Lasagne", "pylearn2", "Keras", "MatConvNet", "MATLAB"),
        *("Core ML", "OpenCV", "ncnn", "TensorRT", "DirectML", "Deeplearning4j"),
        *("cuda-convnet `cmrnorm`", "cuda-convnet `rnorm`", "NNEF", "Wolfram", "NeuPy"),
        *("Arm Compute Library, CROSS_MAP", "Arm Compute Library, IN_MAP_1D", "CNTK"),
        *("Arm Compute Library, IN_MAP_2D", "Metal, across", "Metal, within"),
        *("ncnn before 1.0.20261020", "Darknet"),
    ):
        assert f"\n| {name}" in described


def test_every_row_says_what_it_was_checked_against():
    described = conventions.describe()
    for row in ROWS:
        version = checked_against(row.function)
        assert re.search(r"\b(run|read)\b", version), row.framework
        assert re.search(r"\d", version), row.framework
        assert f" {version} " in described


def test_the_table_tells_all_parameters_apart():
    """A parameter with a name the table does not know would be left out of it."""
    others = {"norm_region", "norm_by_size", "region_type", "algorithm", "ndims"}
    others |= {"axes", "DataFormat", "CrossChannel", "blocked", "kernelHeight"}
    others |= {"type", "is_scaled", "data_layout", "version", "lrnMode", "engine"}
    others |= {"name", "Name", "precious", "weights"}
    for row in ROWS:
        known = set(inspect.signature(row.function).parameters) - others
        if row.function is conventions.opencv:
            known -= {"k"}  # without effect
        assert len(known) == (1 if row.function is conventions.matconvnet else 4)


def test_the_table_in_the_documentation_is_this_one():
    text = (DOCS / "semantics.md").read_text(encoding="utf-8")
    command = "python -m lrn_jax.conventions"
    (table,) = re.findall(rf"<!-- {command} -->\n\n(.*)\n\n<!-- end -->", text, re.S)
    # The first table, a blank line, the second: as the command prints them.
    assert table == conventions.describe(), f"Replace it by what `{command}` prints."


MEASURABLE = [
    ((12, 12), 1.0, 1e-4, 5.0),
    ((31, 0), 1.0, 1.0, 0.01),
    (0, 1e-10, 1.0, 3.0),  # bias^-beta is 1e30
    (1, 1e3, 1e-27, 5.0),  # 1e-15, and bias / alpha is 1e30
    ((1, 2), 1.0, 0.1, -1.0),
]


@pytest.fixture(scope="module")
def measure():
    """The program of the documentation that measures what a function computes."""
    text = (DOCS / "porting.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"^(def measure\(.*?)\n\n\n", text, re.S | re.M)
    namespace = {"np": np}
    exec(program, namespace)
    return namespace["measure"]


@pytest.mark.parametrize(("depth_radius", "bias", "alpha", "beta"), MEASURABLE)
def test_measuring(measure, depth_radius, bias, alpha, beta):
    numbers = {"bias": bias, "alpha": alpha, "beta": beta}
    arrays: dict[str, Any] = {name: jnp.asarray(numbers[name]) for name in numbers}
    found = measure(lambda x: lrn(x, depth_radius=depth_radius, **arrays))
    pair = depth_radius if isinstance(depth_radius, tuple) else (depth_radius,) * 2
    assert found.pop("depth_radius") == pair
    assert found == pytest.approx(numbers, rel=1e-3)


def test_measuring_says_what_it_cannot_tell(measure):
    with pytest.raises(ValueError, match="measure with more channels"):
        measure(lambda x: lrn(x, depth_radius=None))
    with pytest.raises(ValueError, match="alpha or beta is 0"):
        measure(lambda x: x)


def test_functions_take_keywords_only():
    for name in public_functions(_frameworks) + public_functions(_presets):
        parameters = inspect.signature(getattr(conventions, name)).parameters
        assert {p.kind for p in parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}


def public_functions(module):
    """The names of the functions of a module, without an underscore."""
    return [
        name
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__.startswith(module.__name__) and not name.startswith("_")
    ]
