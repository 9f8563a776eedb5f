"""What XLA gets: the equations with a way to sum, for one platform.

On CPU, XLA fuses by its own rules, and its loops follow the axes of the result. There
each kernel is isolated: a program of its own, which XLA neither takes apart nor merges
with another, of arrays with few axes, so that the innermost loop is long.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial, reduce
from itertools import groupby
from math import prod
from typing import Any, Literal

import jax
from jax import Array, lax
from jax.experimental.xla_metadata import set_xla_metadata

from ._arithmetic import Arithmetic, Platform
from ._choice import choose, recomputes, stores_sums
from ._formula import Formula, squared
from ._implementations import Implementation, window_sum
from ._implementations.padded_shifts import view
from ._window import Window, split_whole_axes, windowed_axes

Part = Literal["normalize", "pushforward", "pullback"]
Equation = Callable[..., Any]  # of a Formula and operands

HYPERPARAMETERS = ("bias", "alpha", "beta")

# In the place of a hyperparameter that is not a number but an operand.
OPERAND = "operand"

# Elements that share one power, from which on a slower form of it does not matter.
_MANY = 64


def num_linear(part: Part, arguments: Sequence[str]) -> int:
    """Returns the number of operands that a part is linear in: the first ones."""
    return 1 if part == "pullback" else len(arguments)


def other_names(hyperparameters: Mapping[str, float | str]) -> tuple[str, ...]:
    """Returns the names of the others: x, and the hyperparameters that are arrays."""
    arrays = [name for name in HYPERPARAMETERS if hyperparameters[name] == OPERAND]
    return ("x", *arrays)


def run(
    *operands: Array,
    part: Part,
    arguments: Sequence[str],
    window: Window,
    implementation: Implementation | None,
    platform: Platform = None,
    isolated: bool = False,
    **hyperparameters: Any,
) -> list[Array]:
    """Evaluates the layer, its derivative, or the transpose of that.

    The first operands are what it is linear in, all of one shape: nothing for
    "normalize", which returns y; a tangent of each of the `arguments` for
    "pushforward", which returns that of y; the cotangent of y for "pullback", which
    returns one of each argument, element by element. Then come x and the
    `hyperparameters` that are no numbers, which have the axes of x and broadcast to
    that shape. Kernels may be `isolated` on CPU, in a program for one device.
    """
    shape, count = operands[0].shape, num_linear(part, arguments)
    x = operands[count]
    # With whole axes only, it is a reduction and a map: XLA knows better.
    axes, rest = split_whole_axes(window, x.shape)
    whole = not windowed_axes(rest)
    many = whole and prod(x.shape[axis] for axis in axes) >= _MANY
    arithmetic = Arithmetic(platform, at_once=isolated and many)
    isolated = isolated and not whole
    if isolated:
        groups = _groups(window)
        operands = tuple(_merged(one, groups, shape) for one in operands)
        window = tuple(window[axes[0]] for axes in groups)
    linear, others = operands[:count], operands[count:]
    arrays = dict(zip(other_names(hyperparameters), others, strict=True))
    x = arrays["x"]
    name = choose(x, window, implementation, platform=platform, isolated=isolated)
    isolate = _isolated if isolated else None
    fixed = hyperparameters | {"window": window, "arithmetic": arithmetic}
    # Where one conversion serves the windows and all else, XLA:CPU makes loops of
    # single elements, and a view on GPU is of converted elements, which takes longer.
    # So the windows get an x of their own.
    twice = x.dtype.itemsize < 4 and (isolated or name == "padded_shifts")

    def kernel(
        equation: Equation, *operands: Any, anew: bool = False, **stored: Array | None
    ) -> Any:
        """Evaluates an equation; one kernel, where XLA can be brought to make one."""
        sum_over = partial(window_sum, implementation=name, anew=anew, isolate=isolate)

        def evaluate(arrays: dict[str, Any], *operands: Any) -> Any:
            given = fixed | arrays
            return equation(Formula(**given, window_sum=sum_over), *operands)

        given = arrays | stored
        if twice:
            given["seen"] = given["x"]
        return (isolate(evaluate) if isolate else evaluate)(given, *operands)

    if part == "normalize":
        results = [kernel(Formula.normalize)]
    elif part == "pushforward":
        dots = dict(zip(arguments, linear, strict=True))
        results = [kernel(Formula.pushforward, dots, dots.get("x") if twice else None)]
    elif len(arrays) > 1:
        # Masks within rows cost less than to store sums and read them.
        stored = not (name == "masked_shifts" and window[-1] != (0, 0))
        energy = kernel(Formula.energies) if stored else None
        results = _cotangents(
            kernel, arguments, arrays, *linear, energy=energy, platform=platform
        )
    elif whole:
        results = [kernel(Formula.x_cotangent_of_whole, *linear)]
    elif recomputes(name, window, hyperparameters["beta"]):
        results = [_x_cotangent_recomputed(kernel, x, *linear, window=window)]
    else:
        stored = stores_sums(x, window, platform)
        energy = kernel(Formula.energies) if stored else None
        pads = name == "doubling" and not isolated
        results = [_x_cotangent(kernel, x, *linear, energy=energy, pads=pads)]
    return [lax.reshape(result, shape) for result in results]


def _sent(formula: Formula, y_bar: Array) -> Array:
    return formula.weighted(formula.s_cotangent(formula.scaled(y_bar)))


def _x_cotangent(
    kernel: Equation, x: Array, y_bar: Array, *, energy: Array | None, pads: bool
) -> Array:
    def x_cotangent(formula: Formula, y_bar: Array, sent: Array) -> Array:
        return formula.x_cotangent(formula.scaled(y_bar), formula.received(sent))

    # What each s sends is stored: x needs it of a whole window. s is not, unless its
    # sums are given: XLA has to form it anew, which costs less.
    sent = kernel(_sent, y_bar, energy=energy)
    if energy is not None or not pads:  # else the padded copies are behind barriers
        stored = x, y_bar, sent, energy
        x, y_bar, sent, energy = lax.optimization_barrier(stored)
    return kernel(x_cotangent, y_bar, sent, anew=True, x=x, energy=energy)


def _x_cotangent_recomputed(
    kernel: Equation, x: Array, y_bar: Array, *, window: Window
) -> Array:
    def x_cotangent(formula: Formula, y_bar: Array, received: Array) -> Array:
        return formula.x_cotangent(formula.scaled(y_bar), received)

    # Nothing is stored. What a neighbour sends is computed from views of x and y_bar,
    # as if it were here: outside, where both are 0, nothing is sent.
    ((axis, (before, after)),) = windowed_axes(window).items()
    number = before + 1 + after
    reach = range(1 - number, number)
    squares = [squared(view(x, axis, shift)) for shift in reach]
    energies = [reduce(lax.add, squares[i : i + number]) for i in range(number)]
    sent = [
        kernel(_sent, view(y_bar, axis, shift), x=view(x, axis, shift), energy=energy)
        for shift, energy in zip(range(-after, before + 1), energies, strict=True)
    ]
    return kernel(x_cotangent, y_bar, reduce(lax.add, sent), energy=energies[after])


def _cotangents(
    kernel: Equation,
    arguments: Sequence[str],
    arrays: Mapping[str, Array],
    y_bar: Array,
    *,
    energy: Array | None,
    platform: Platform,
) -> list[Array]:
    # With arrays among them the power costs most on CPU, so t is stored. Each cotangent
    # is a kernel of its own: XLA:CPU makes slow ones of several results.
    kernel = partial(kernel, energy=energy)
    if platform == "cpu" and "beta" in arrays:
        # A logarithm costs most. s^-beta and 1 / s are exponentials of the stored one.
        kernel = partial(kernel, log_s=kernel(Formula.logarithm))
    t = kernel(Formula.scaled, y_bar)
    s_bar = kernel(Formula.s_cotangent, t)
    if platform == "gpu":
        # Memory costs most there. XLA is to store these two, and not t and masks too.
        energy, s_bar = lax.optimization_barrier((energy, s_bar))
        kernel = partial(kernel, energy=energy)
        t = kernel(Formula.scaled, y_bar)
    # Where alpha varies, x gets the sum of a product, which is stored.
    varies = "alpha" in arrays and {*arrays["alpha"].shape} != {1}
    sent = kernel(Formula.weighted, s_bar) if varies else s_bar

    def x_cotangent(formula: Formula, t: Array, sent: Array) -> Array:
        received = formula.received(sent)
        return formula.x_cotangent(
            t, received if varies else formula.weighted(received)
        )

    cotangents = {
        "x": lambda: kernel(x_cotangent, t, sent),
        "bias": lambda: s_bar,
        "alpha": lambda: kernel(Formula.alpha_cotangent, s_bar),
        "beta": lambda: kernel(Formula.beta_cotangent, t),
    }
    return [cotangents[name]() for name in arguments]


def _isolated(function: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a function one call, which XLA:CPU should not inline: that is slower."""

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


def _merged(array: Array, groups: list[list[int]], shape: tuple[int, ...]) -> Array:
    """Returns an array that broadcasts to `shape` with each group as one axis."""
    whole = list(array.shape)
    for axes in groups:
        if any(array.shape[axis] != 1 for axis in axes):
            for axis in axes:
                whole[axis] = shape[axis]
    array = lax.broadcast_in_dim(array, whole, range(array.ndim))
    return lax.reshape(array, [prod(whole[axis] for axis in axes) for axes in groups])
