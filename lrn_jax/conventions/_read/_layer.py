"""What is read from a file: one layer, and the errors and warnings about it."""

import contextlib
import importlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..._arguments import check_depth_radius
from .._arguments import Arguments

Shape = tuple[int | None, ...]


class ModelFileError(ValueError):
    """A file that is no model of a known format, or a damaged one."""


@dataclass(frozen=True)
class Layer:
    """One layer of local response normalization in a model file.

    Attributes:
      name: The layer's name in the file, or that of its output.
      framework: The framework whose file it is.
      written: The framework's arguments that the file holds, by the framework's names.
      arguments: Keyword arguments of `lrn_jax.lrn` that mean the same. None where the
        file does not hold all of them, or the framework refuses them: a warning says
        why.
      input_shape: The shape of the layer's input, where the file has it; None stands
        for an axis of unknown length.
      warnings: What to check before the arguments are used.
    """

    name: str
    framework: str
    written: Mapping[str, Any]
    arguments: Arguments | None
    input_shape: Shape | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Format:
    """A file format: how it is recognised, and how its layers are read.

    `recognises` and `layers` get the file's text, or its bytes where `binary`.
    """

    name: str
    suffixes: tuple[str, ...]
    recognises: Callable[[Any], bool]
    layers: Callable[[Any], Iterable[Layer]]
    binary: bool = False


def make_layer(
    framework: str,
    convention: Callable[..., Arguments],
    name: str,
    written: Mapping[str, Any],
    *,
    channels: int,
    input_shape: Shape | None = None,
    warnings: Iterable[str] = (),
) -> Layer:
    """Returns the layer that `convention` makes of the arguments in the file.

    Args:
      framework: The name of the framework.
      convention: The framework's function in `lrn_jax.conventions`.
      name: The name of the layer.
      written: The arguments of `convention`.
      channels: The axis that the framework has the channels on.
      input_shape: The shape of the layer's input, where the file has it.
      warnings: What the format has to say about this layer.
    """
    left_out, unknown = [], []
    for parameter in inspect.signature(convention).parameters.values():
        value, default = written.get(parameter.name), parameter.default
        if parameter.name in written:
            if parameter.annotation in (int, float) and isinstance(value, str):
                unknown.append(f"`{parameter.name}` is no number in the file: {value}.")
        elif default is parameter.empty:
            unknown.append(f"`{parameter.name}` is not in the file.")
        elif type(default) in (int, float):
            left_out.append(f"{parameter.name}={default:g}")
    arguments = None
    if not unknown:
        try:
            arguments = convention(**written)
        except (TypeError, ValueError, OverflowError) as error:
            unknown = [str(error)]
    found = [*warnings, *unknown]
    if left_out:
        found.append(f"Not in the file, {framework}'s default: {', '.join(left_out)}.")
    if arguments is not None:
        found += _doubts(arguments, channels, input_shape)
    texts = tuple(shown(text, 500) for text in found)
    return Layer(name, framework, written, arguments, input_shape, texts)


def _doubts(arguments: Arguments, channels: int, shape: Shape | None) -> list[str]:
    """Returns warnings about the window."""
    doubts = []
    axis = arguments["axis"]
    pairs = check_depth_radius(arguments["depth_radius"]) or ()
    if uneven := [pair for pair in pairs if pair[0] != pair[1]]:
        side = "after" if uneven[0][0] < uneven[0][1] else "before"
        doubts.append(
            f"The size is even: the window reaches one element further {side} the "
            "centre. Other frameworks mirror it or refuse it."
        )
    if isinstance(axis, tuple):
        doubts.append(
            f"The window lies over the axes {axis}, not over the channels alone."
        )
    elif axis != channels:
        doubts.append(
            f"The window lies along axis {axis}, where the channels are on {channels}."
        )
    elif shape is not None and len(shape) == 4 and None not in shape[1:]:
        own, other = shape[axis], shape[-axis]
        if own == shape[2] != other:  # most maps are as high as they are wide
            doubts.append(
                f"The window lies along axis {axis}, but the input {shape} looks as if "
                f"its channels were on axis {-axis}."
            )
    return doubts


def require(package: str, what: str) -> Any:
    """Returns an optional package, or refuses with the command that installs it."""
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise ImportError(
            f"{what} need the package {package}: `pip install '.[read]'`."
        ) from error


def number(text: str) -> int | float | str:
    """Returns the number that a text file holds, or the text where it is none."""
    with contextlib.suppress(ValueError):
        return int(text)
    with contextlib.suppress(ValueError):
        return shortest(float(text))
    return text


def shortest(number: float) -> float:
    """Returns the shortest decimal that is this number in float32.

    Files hold 9.999999747378752e-05 where 1e-4 was meant. In float32, in which every
    framework here keeps its arguments, they are one.
    """
    with np.errstate(over="ignore"):
        return float(str(np.float32(number)))


def shown(text: str, longest: int = 200) -> str:
    """Returns text on one line, without characters that a terminal would obey."""
    text = " ".join(text[: 10 * longest].split())
    text = "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode()
        for each in text
    )
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
