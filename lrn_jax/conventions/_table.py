"""The table of conventions, measured from the functions: it says what they do."""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import _frameworks, _presets
from ._arguments import Arguments
from ._terminal import Facts

# What the parameters of the formula are called, one name to a function.
_RADIUS = ("depth_radius", "radius", "depthRadius", "ChannelWindowSize")
_SIZE = (
    *("size", "local_size", "LocalSize", "windowChannelSize", "window", "norm_size"),
    *("n", "nsize", "lrnN", "kernelSize", "kernelWidth", "param", *_RADIUS),
)
_BIAS = ("bias", "Bias", "k", "K", "lrnK", "knorm", "minDiv", "kappa", "delta")
_ALPHA = ("alpha", "Alpha", "lrnAlpha", "scale")
_BETA = ("beta", "Beta", "lrnBeta", "pow")


@dataclass(frozen=True)
class Row:
    """One operation of one framework, and the parameters that lead to it.

    Where the window is not one number, `given` makes what is passed of its size.
    """

    framework: str
    function: Callable[..., Arguments]
    remark: str = ""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    given: Callable[[int | str], Mapping[str, Any]] | None = None

    def parameter(self, names: Sequence[str]) -> inspect.Parameter | None:
        """Returns the parameter that has one of these names."""
        parameters = inspect.signature(self.function).parameters
        found = (parameters[name] for name in names if name in parameters)
        return next(found, None)

    def arguments(self, size: int) -> Arguments | None:
        """Calls the function with a window of this size and all numbers 1, if it can.

        ``None`` stands for a size that is refused.
        """
        window = self.parameter(_SIZE)
        assert window is not None, f"{self.framework} has no window"
        if window.name in _RADIUS:
            if size % 2 == 0:
                return None
            size //= 2
        sizes = self.given(size) if self.given else {window.name: size}
        numbers = (self.parameter(names) for names in (_BIAS, _ALPHA, _BETA))
        ones = {p.name: 1.0 for p in numbers if p}
        try:
            return self.function(**sizes, **ones, **self.fixed)
        except ValueError:
            return None

    def cells(self) -> Sequence[str]:
        """Returns the row: what is read from the function, then what must be said."""
        given = [f"{name}={value!r}" for name, value in self.fixed.items()]
        if self.given:  # with the letter n for the size
            given += [f"{k}={v}".replace("'", "") for k, v in self.given("n").items()]
        four = self.arguments(4)
        odd, n = next((found, n) for n in (5, 7) if (found := self.arguments(n)))
        weighs = {1: "sum", n: "sum / n", n * n: "sum / n²"}[round(1 / odd["alpha"])]
        window = self.parameter(_SIZE)
        return (
            self.framework,
            f"`{self.function.__name__}({', '.join(given)})`",
            f"`{window.name}`" if window else "-",
            *map(_default, map(self.parameter, (_SIZE, _BIAS, _ALPHA, _BETA))),
            weighs,
            repr(four["depth_radius"]) if four else "refused",
            repr(odd["axis"]),
            checked_against(self.function),
            self.remark,
        )


def checked_against(function: Callable[..., Arguments]) -> str:
    """Returns the versions that the docstring of a function names."""
    text = inspect.getdoc(function) or ""  # there is none under python -OO
    found = re.search(r"^Checked against:\n((?: .+\n)+)", text, re.MULTILINE)
    return " ".join(found.group(1).split()) if found else "-"


def _default(parameter: inspect.Parameter | None) -> str:
    if parameter is None or parameter.default is parameter.empty:
        return "-"
    return f"{parameter.default:g}"


_WITHIN = {"norm_region": "WITHIN_CHANNEL"}

ROWS = (
    Row(
        "TensorFlow",
        _frameworks.tensorflow,
        "On GPUs 1 <= radius <= 7, bias >= 1e-5, beta >= 0.01. Rank 4.",
    ),
    Row(
        "TensorFlow Lite",
        _frameworks.tflite,
        "The reference kernel leaves out the last channel of every window.",
    ),
    Row("TensorFlow.js", _frameworks.tensorflow_js, "Rank 3 or 4."),
    Row(
        "NeuPy",
        _frameworks.neupy,
        "Odd, documented as the window's size, used as its radius. Rank 4.",
    ),
    Row(
        "PyTorch",
        _frameworks.torch,
        "Rank 3 and more. `CrossMapLRN2d` is another, and wrong.",
    ),
    Row("Caffe", _frameworks.caffe, "Odd sizes only. Rank 4."),
    Row(
        "Caffe, within a channel",
        _frameworks.caffe,
        "Odd sizes only. Its own layer ignores k, its cuDNN layer does not.",
        fixed=_WITHIN,
    ),
    Row(
        "ONNX",
        _frameworks.onnx,
        "onnxruntime: odd sizes, alpha > 0, beta > 0, rank 4, float32.",
    ),
    Row(
        "NNEF",
        _frameworks.nnef,
        "An extent for each axis.",
        given=lambda n: {"size": [1, n, 1, 1]},
    ),
    Row(
        "NNEF, within a channel",
        _frameworks.nnef,
        "The same, divided by the product.",
        given=lambda n: {"size": [1, 1, n, n]},
    ),
    Row("cuDNN", _frameworks.cudnn, "1 <= n <= 16, k >= 1e-5, beta >= 0.01."),
    Row(
        "oneDNN",
        _frameworks.onednn,
        "Even sizes lose an element and still divide by n. Rank 2 to 5.",
    ),
    Row(
        "oneDNN, within a channel",
        _frameworks.onednn,
        "The same; n to the number of spatial axes.",
        fixed={"algorithm": "lrn_within_channel"},
    ),
    Row(
        "OpenVINO",
        _frameworks.openvino,
        "As oneDNN. On CPUs, 2026.4 cuts bias to an integer.",
        fixed={"axes": 1},
    ),
    Row(
        "OpenVINO, within a channel",
        _frameworks.openvino,
        "As oneDNN. On CPUs, other axes are refused or misread.",
        fixed={"axes": (2, 3)},
    ),
    Row(
        "MXNet",
        _frameworks.mxnet,
        "Odd sizes only, not above the number of channels. Rank 4.",
    ),
    Row("Chainer", _frameworks.chainer, "Even sizes on GPUs: (n / 2 - 1, n / 2)."),
    Row("Lasagne", _frameworks.lasagne, "Odd sizes only. Rank 4."),
    Row(
        "pylearn2",
        _frameworks.pylearn2,
        "Odd sizes only. The class with BC01 in its name: axis 1.",
    ),
    Row(
        "Keras 0.x `LRN2D`",
        _frameworks.keras,
        "Odd sizes only. Later versions have none.",
    ),
    Row(
        "MatConvNet",
        _frameworks.matconvnet,
        "The others are kappa, alpha, beta.",
        given=lambda n: {"param": [n, 1, 1, 1]},
    ),
    Row("MATLAB", _frameworks.matlab, "1 <= n <= 16, K >= 1e-5, Beta >= 0.01."),
    Row(
        "Wolfram Language",
        _frameworks.wolfram,
        "ChannelWindowSize is a radius. At least 2 r + 1 channels. Rank 3.",
    ),
    Row(
        "Core ML",
        _frameworks.coreml,
        "k > 0; a k of 0 is read as 1. Even sizes are not specified.",
    ),
    Row("Metal, across channels", _frameworks.metal_cross_channel, "alpha >= 0."),
    Row(
        "Metal, within a channel",
        _frameworks.metal_spatial,
        "Width and height apart, but equal for now, says the header.",
        given=lambda n: {"kernelWidth": n, "kernelHeight": n},
    ),
    *(
        Row(
            f"Arm Compute Library, {name}",
            _frameworks.arm_compute,
            "Odd sizes only. `is_scaled=False` weighs the sum. " + where,
            fixed={"type": name},
        )
        for name, where in (
            ("CROSS_MAP", "Across channels."),
            ("IN_MAP_1D", "Along the width."),
            ("IN_MAP_2D", "Within a channel."),
        )
    ),
    Row(
        "OpenCV",
        _frameworks.opencv,
        "Odd sizes only. `norm_by_size=False` weighs the sum. Ignores k. Rank 4.",
    ),
    Row("OpenCV, within a channel", _frameworks.opencv, "The same.", fixed=_WITHIN),
    Row("ncnn", _frameworks.ncnn),
    Row(
        "ncnn before 1.0.20261020",
        _frameworks.ncnn,
        "Even sizes gain a channel and still divide by n.",
        fixed={"version": "1.0.20260526"},
    ),
    Row("ncnn, within a channel", _frameworks.ncnn, fixed={"region_type": 1}),
    Row(
        "TensorRT",
        _frameworks.tensorrt,
        "Odd, 1 <= window <= 15; 1e-5 <= k <= 1e10; 0.01 <= beta <= 1e5.",
    ),
    Row(
        "DirectML",
        _frameworks.directml,
        "Defaults as recommended. Even sizes are not specified. Rank 4.",
        fixed={"CrossChannel": True},
    ),
    Row(
        "DirectML, within a channel",
        _frameworks.directml,
        "Divides by n, not n², as documented; not measured.",
        fixed={"CrossChannel": False},
    ),
    Row("CNTK", _frameworks.cntk, "depth_radius is one, and alpha is divided."),
    Row(
        "Deeplearning4j",
        _frameworks.deeplearning4j,
        "With its cuDNN helper, as cuDNN. Its own gradient is wrong.",
    ),
    Row(
        "Darknet",
        _frameworks.darknet,
        "Its own kernel leaves channel size // 2 out of every sum.",
    ),
    Row(
        "cuda-convnet `cmrnorm`",
        _frameworks.cuda_convnet_cmrnorm,
        "2 <= size <= channels. The layer file holds scale before the division.",
    ),
    Row(
        "cuda-convnet `rnorm`",
        _frameworks.cuda_convnet_rnorm,
        "The same, within a channel.",
    ),
)

_HEAD = (
    *("Framework", "Function", "Window", "n or r", "k", "alpha", "beta"),
    *("alpha weighs", "4 reaches", "Axis", "Checked against", "Remarks"),
)
_PRESET_HEAD = ("Preset", "Function", "depth_radius", "bias", "alpha", "beta")

PRESETS = (
    ("AlexNet as printed", _presets.alexnet_as_printed),
    ("AlexNet as trained", _presets.alexnet_as_trained),
    ("AlexNet, CaffeNet, GoogLeNet in Caffe", _presets.caffe_alexnet),
    ("cuda-convnet on CIFAR-10", _presets.cuda_convnet_cifar10),
    ("The whole map of a channel", _presets.whole_map),
)


def describe() -> str:
    """Returns the table of all conventions, and that of the presets, as Markdown.

    Returns:
      Text to print: ``python -m lrn_jax.conventions`` does.

    Example:
      >>> from lrn_jax import conventions
      >>> print(conventions.describe().splitlines()[-2].replace("  ", ""))
      | cuda-convnet on CIFAR-10| `cuda_convnet_cifar10()` | 4| 1| 0.000111111 | 0.75 |
    """
    return "\n".join(
        [
            *_markdown([_HEAD, *(row.cells() for row in ROWS)]),
            "",
            *_markdown([_PRESET_HEAD, *(_preset_cells(*preset) for preset in PRESETS)]),
        ]
    )


def overview() -> Sequence[Sequence[str]]:
    """Returns the rows of a table of what tells conventions apart, its head first."""
    names = ("Function", "Framework", "alpha weighs", "Axis", "Checked against")
    rows = [dict(zip(_HEAD, row.cells(), strict=True)) for row in ROWS]
    functions = [{"Function": row.function.__name__} for row in ROWS]
    cells = [row | function for row, function in zip(rows, functions, strict=True)]
    return [names, *([each[name] for name in names] for each in cells)]


def find(name: str) -> Sequence[Facts]:
    """Returns all facts of the conventions with a name.

    It is the name of a function, or else a part of such names or of those of
    frameworks, in any case. There may be none.
    """
    rows = [(row.framework, row.function, _HEAD, row.cells()) for row in ROWS]
    presets = [
        (title, preset, _PRESET_HEAD, _preset_cells(title, preset))
        for title, preset in PRESETS
    ]
    known = [*rows, *presets]
    wanted = name.lower()
    exact = [each for each in known if each[1].__name__ == wanted]
    partly = [
        each
        for each in known
        if wanted and wanted in f"{each[0].lower()} {each[1].__name__}"
    ]
    return [
        [
            *(
                (head, cell.replace("`", ""))
                for head, cell in zip(heads, cells, strict=True)
                if cell
            ),
            ("More", f"help(lrn_jax.conventions.{function.__name__})"),
        ]
        for _, function, heads, cells in exact or partly
    ]


def _preset_cells(name: str, preset: Callable[[], Arguments]) -> Sequence[str]:
    arguments = preset()
    numbers = (arguments["bias"], arguments["alpha"], arguments["beta"])
    return (
        name,
        f"`{preset.__name__}()`",
        repr(arguments["depth_radius"]),
        *(f"{number:g}" for number in numbers),
    )


def _markdown(rows: Sequence[Sequence[str]]) -> Sequence[str]:
    """Returns the lines of a table, aligned as plain text too; its head is first."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]

    def line(row: Sequence[str]) -> str:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        return f"| {' | '.join(cells)} |"

    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return [line(rows[0]), rule, *map(line, rows[1:])]
