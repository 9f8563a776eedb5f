"""What XLA gets: the equations with a way to sum, for one platform.

On CPU, XLA fuses by its own rules, and its loops follow the axes of the result. There
each kernel is isolated: a program of its own, which XLA neither takes apart nor merges
with another, of arrays with few axes, so that the innermost loop is long.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import groupby
from math import prod
from typing import Any, Literal

import jax
from jax import Array, lax
from jax.experimental.xla_metadata import set_xla_metadata

from ._formula import Formula
from ._implementations import Implementation, choose, window_sum
from ._power import Platform, negative_power, negative_power_at_once
from ._window import Window, whole_axes, windowed_axes

Part = Literal["normalize", "pushforward", "pullback"]
Equation = Callable[..., Any]  # of a Formula and operands

# Elements that share one power, from which on a slower form of it does not matter.
_MANY = 64


def run(
    part: Part,
    arguments: Sequence[str],
    linear: Sequence[Array],
    x: Array,
    hyperparameters: Mapping[str, float | Array],
    window: Window,
    *,
    implementation: Implementation | None,
    platform: Platform = None,
    isolated: bool = False,
) -> list[Array]:
    """Evaluates the layer, its derivative, or the transpose of that.

    Args:
      part: "normalize" for y, "pushforward" for a tangent of y, "pullback" for the
        cotangents of the `arguments`.
      arguments: Names of what the derivative is taken by: x, bias, alpha, beta.
      linear: Nothing, a tangent of each argument, or the cotangent of y, of one shape.
      x: Array that broadcasts to that shape, as hyperparameters do.
      hyperparameters: bias, alpha and beta.
      window: The window of `x`.
      implementation: Name of a window sum; None chooses.
      platform: What the program is for.
      isolated: Whether kernels are isolated: on CPU, in a program for one device.

    Returns:
      One array, or for "pullback" one for each argument, of that shape.
    """
    shape = linear[0].shape if linear else x.shape
    arrays = {k: v for k, v in hyperparameters.items() if isinstance(v, Array)}
    # With whole axes only, it is a reduction and a map: XLA knows better.
    axes = whole_axes(window, x.shape)
    whole = len(axes) == len(windowed_axes(window))
    power = partial(negative_power, platform=platform)
    if isolated and whole and prod(x.shape[axis] for axis in axes) >= _MANY:
        power = negative_power_at_once
    isolated = isolated and not whole
    if isolated:
        groups = _groups(window)
        merge = partial(_merged, groups=groups, shape=shape)
        window = tuple(window[axes[0]] for axes in groups)
        linear, x = [merge(one) for one in linear], merge(x)
        arrays = {name: merge(array) for name, array in arrays.items()}
    name = choose(x, window, implementation, platform=platform, isolated=isolated)

    def kernel(
        equation: Equation,
        x: Array,
        *operands: Any,
        anew: bool = False,
        energy: Array | None = None,
    ) -> Any:
        """Evaluates an equation; one kernel, where XLA can be brought to make one."""
        given = arrays if energy is None else {**arrays, "energy": energy}
        isolate = _isolated if isolated else None
        sum_over = partial(window_sum, implementation=name, anew=anew, isolate=isolate)

        def evaluate(given: dict[str, Array], x: Array, *operands: Any) -> Any:
            values = {**hyperparameters, **given}
            how = {"window": window, "window_sum": sum_over, "power": power}
            return equation(Formula(x, **values, **how), *operands)

        return (isolate(evaluate) if isolate else evaluate)(given, x, *operands)

    if part == "normalize":
        results = [kernel(Formula.normalize, x)]
    elif part == "pushforward":
        dots = dict(zip(arguments, linear, strict=True))
        results = [kernel(Formula.pushforward, x, dots)]
    elif arguments != ("x",) or arrays:
        # Masks within rows cost less than to store sums and read them.
        stored = not (name == "masked_shifts" and window[-1] != (0, 0))
        energy = kernel(Formula.energies, x) if stored else None
        results = _cotangents(
            kernel,
            arguments,
            x,
            *linear,
            energy=energy,
            alpha=hyperparameters["alpha"],
            platform=platform,
        )
    elif whole:
        results = [kernel(Formula.collect_of_whole, x, *linear)]
    else:
        pads = name == "doubling" and not isolated
        results = [_x_cotangent(kernel, x, *linear, pads=pads)]
    return [lax.reshape(result, shape) for result in results]


def _x_cotangent(kernel: Equation, x: Array, y_bar: Array, *, pads: bool) -> Array:
    def s_cotangent(formula: Formula, y_bar: Array) -> Array:
        return formula.s_cotangent(formula.passed(y_bar))

    def x_cotangent(formula: Formula, y_bar: Array, s_bar: Array) -> Array:
        return formula.x_cotangent(formula.passed(y_bar), s_bar)

    # The cotangent of s is stored: x needs it of a whole window. s is not: XLA has to
    # form it anew, which costs less.
    operands = x, y_bar, kernel(s_cotangent, x, y_bar)
    if not pads:  # else the padded copies are behind barriers, and stored instead
        operands = lax.optimization_barrier(operands)
    return kernel(x_cotangent, *operands, anew=True)


def _cotangents(
    kernel: Equation,
    arguments: Sequence[str],
    x: Array,
    y_bar: Array,
    *,
    energy: Array | None,
    alpha: float | Array,
    platform: Platform,
) -> list[Array]:
    # With arrays among them the power costs most on CPU, so t is stored. Each cotangent
    # is a kernel of its own: XLA:CPU makes slow ones of several results.
    kernel = partial(kernel, energy=energy)
    t = kernel(Formula.passed, x, y_bar)
    s_bar = kernel(Formula.s_cotangent, x, t)
    if platform == "gpu":
        # Memory costs most there. XLA is to store these two, and not t and masks too.
        energy, s_bar = lax.optimization_barrier((energy, s_bar))
        kernel = partial(kernel, energy=energy)
        t = kernel(Formula.passed, x, y_bar)

    def of_x() -> Array:
        varies = isinstance(alpha, Array) and alpha.ndim > 0
        weighted = [kernel(Formula.weighted, x, s_bar)] if varies else []
        return kernel(Formula.x_cotangent, x, t, s_bar, *weighted)

    cotangents = {
        "x": of_x,
        "bias": lambda: s_bar,
        "alpha": lambda: kernel(Formula.alpha_cotangent, x, s_bar),
        "beta": lambda: kernel(Formula.beta_cotangent, x, t),
    }
    return [cotangents[name]() for name in arguments]


def _isolated(function: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a function one call in the program, which XLA:CPU does not inline.

    Should it be inlined all the same, the program is right, and slower.
    """

    def call(*operands: Any) -> Any:
        return set_xla_metadata(jax.jit(function)(*operands), inlineable="false")

    return call


def _groups(window: Window) -> list[list[int]]:
    """Returns the axes, those next to one another without a window as one.

    The first axis stays by itself: it is cut in pieces for the threads.
    """
    kinds = [
        (axis == 0, axis if extents != (0, 0) else None)
        for axis, extents in enumerate(window)
    ]
    return [list(axes) for _, axes in groupby(range(len(window)), kinds.__getitem__)]


def _merged(array: Array, *, groups: list[list[int]], shape: tuple[int, ...]) -> Array:
    """Returns an array that broadcasts to `shape` with each group as one axis."""
    if array.ndim == 0:
        return array
    whole = list(array.shape)
    for axes in groups:
        if any(array.shape[axis] != 1 for axis in axes):
            for axis in axes:
                whole[axis] = shape[axis]
    array = lax.broadcast_in_dim(array, whole, range(array.ndim))
    return lax.reshape(array, [prod(whole[axis] for axis in axes) for axes in groups])
