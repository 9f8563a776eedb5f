"""Local response normalization and its derivative as JAX primitives.

`normalize` is the function of x, `derivative` a linear function of a tangent of x or,
transposed, of a cotangent of y. As a primitive it can say what its transpose is,
where JAX would transpose it operation by operation: both directions are written down,
each in the form that is fastest, and x is all they keep. What lies beyond, derivatives
of the derivative and those of hyperparameters, JAX finds from the equations.
"""

from collections.abc import Callable
from functools import partial, reduce
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from . import _formula, _kernels
from ._formula import Method
from ._hyperparameters import Constant, Hyperparameters
from ._kernels import Program
from ._power import negative_power
from ._window import Window, with_batch_axis
from ._window_sum import window_sum

# Operands: x, then the hyperparameters that are arrays.
_normalize_p = Primitive("lrn")
# Operands: the tangent or cotangent, x, then the hyperparameters that are arrays.
_derivative_p = Primitive("lrn_derivative")


def normalize(
    x: Array, given: Hyperparameters, window: Window, implementation: str | None
) -> Array:
    r"""Returns :math:`y = x s^{-\beta}`; arrays in `given` are as wide as x computes.

    Each of them is a scalar, or has as many axes as x and broadcasts to it.
    """
    arrays, structure = jax.tree.flatten(given)
    return _normalize_p.bind(
        *_varying_alike(x, *arrays),
        structure=structure,
        window=window,
        implementation=implementation,
    )


def _varying_alike(*arrays: Array) -> list[Array]:
    """Returns the arrays, varying over the same axes of a `jax.shard_map`."""
    varying = [jax.typeof(array).manual_axis_type.varying for array in arrays]
    everywhere = frozenset[Any]().union(*varying)
    return [
        lax.pcast(array, tuple(everywhere - own), to="varying")
        for array, own in zip(arrays, varying, strict=True)
    ]


# Lowering: the kernels, by platform.


def _lower_normalize(x, *arrays, structure, **program):
    given = jax.tree.unflatten(structure, arrays)
    return _kernels.normalize(Program(**program), given, x)


def _lower_derivative(t, x, *arrays, transposed, structure, **program):
    given = jax.tree.unflatten(structure, arrays)
    run = _kernels.pullback if transposed else _kernels.pushforward
    return run(Program(**program), given, t, x)


def _lowering(lower: Callable[..., Array], platform: str | None):
    def rule(context: mlir.LoweringRuleContext, *operands, **parameters):
        # Dimensions that jax.export leaves open are no integers.
        shape = context.avals_in[0].shape  # pyright: ignore[reportAttributeAccessIssue]
        known = all(isinstance(n, int) for n in shape)
        isolated = platform == "cpu" and known and not _is_partitioned(context)
        lower_it = mlir.lower_fun(
            partial(lower, platform=platform, isolated=isolated),
            multiple_results=False,
        )
        return lower_it(context, *operands, **parameters)

    return rule


def _is_partitioned(context: mlir.LoweringRuleContext) -> bool:
    """Whether XLA is going to divide the program among devices."""
    axes = context.module_context.axis_context
    if isinstance(axes, mlir.SPMDAxisContext):  # within a jax.shard_map, or near one
        return axes.manual_axes != frozenset(axes.mesh.axis_names)
    return isinstance(axes, mlir.ShardingContext) and axes.num_devices > 1


# Differentiation.


def _jvp_of_normalize(primals, tangents, *, structure, window, implementation):
    x, *arrays = primals
    x_dot, *array_dots = tangents
    parameters = {
        "structure": structure,
        "window": window,
        "implementation": implementation,
    }
    y = _normalize_p.bind(*primals, **parameters)
    y_dots = []
    if not isinstance(x_dot, ad.Zero):
        y_dots.append(
            _derivative_p.bind(x_dot, *primals, transposed=False, **parameters)
        )
    if not all(isinstance(dot, ad.Zero) for dot in array_dots):
        given_dot = Hyperparameters(
            *(
                Constant(0.0) if dot is None or isinstance(dot, ad.Zero) else dot
                for dot in _spread(structure, array_dots)
            )
        )
        # The checkpoint makes reverse mode keep x and the arrays alone.
        of_arrays = jax.checkpoint(
            partial(
                _formula.pushforward_of_hyperparameters,
                window=window,
                method=_method(implementation),
            )
        )(given_dot, x, jax.tree.unflatten(structure, arrays))
        y_dots.append(of_arrays)
    return y, reduce(jnp.add, y_dots)


def _spread(structure, values) -> list[Any]:
    """Returns a value for each hyperparameter, None for those that are constants."""
    remaining = iter(values)
    places = jax.tree.unflatten(structure, range(structure.num_leaves))
    return [
        None if isinstance(place, Constant) else next(remaining) for place in places
    ]


def _jvp_of_derivative(
    primals, tangents, *, transposed, structure, window, implementation
):
    t, *others = primals
    t_dot, *other_dots = tangents
    bind = partial(
        _derivative_p.bind,
        transposed=transposed,
        structure=structure,
        window=window,
        implementation=implementation,
    )

    def formula(t, x, *arrays):
        given = jax.tree.unflatten(structure, arrays)
        method = _method(implementation)
        direction = _formula.pullback if transposed else _formula.pushforward
        return direction(t, x, given, window, method)

    @jax.checkpoint
    def of_others(t, others, other_dots):
        return jax.jvp(partial(formula, t), others, other_dots)[1]

    dots = []
    if not isinstance(t_dot, ad.Zero):
        dots.append(bind(t_dot, *others))
    if not all(isinstance(one, ad.Zero) for one in other_dots):
        other_dots = [ad.instantiate_zeros(one) for one in other_dots]
        dots.append(of_others(t, others, other_dots))
    return bind(*primals), reduce(jnp.add, dots)


def _method(implementation: str | None) -> Method:
    """Returns how to calculate where JAX is to differentiate, for any platform."""
    return Method(partial(window_sum, implementation=implementation), negative_power)


def _transpose_of_derivative(cotangent, t, *others, transposed, **parameters):
    del t
    if not isinstance(cotangent, ad.Zero):
        cotangent = _derivative_p.bind(
            cotangent, *others, transposed=not transposed, **parameters
        )
    return [cotangent, *[None] * len(others)]


# Batching: an axis more, in front, without a window.


def _batching(primitive: Primitive):
    def rule(operands, axes, *, window: Window, **parameters):
        (size,) = {
            operand.shape[axis]
            for operand, axis in zip(operands, axes, strict=True)
            if axis is not None
        }

        def in_front(operand: Array, axis: int | None) -> Array:
            if axis is None:
                return operand[jnp.newaxis] if operand.ndim > 0 else operand
            operand = jnp.moveaxis(operand, axis, 0)
            missing = range(operand.ndim, len(window) + 1)  # if each is a scalar
            return lax.expand_dims(operand, missing)

        first, *others = map(in_front, operands, axes)
        # The result is as the first operand is. The others may stay as they are: the
        # pullbacks of many cotangents share what they compute from x.
        first = jnp.broadcast_to(first, (size, *first.shape[1:]))
        batched = primitive.bind(
            first, *others, window=with_batch_axis(window, 0), **parameters
        )
        return batched, 0

    return rule


def _evaluate(primitive: Primitive):
    """Evaluates outside of jit, by compiling: there is no other way to run a kernel."""
    static = ("structure", "window", "implementation", "transposed")

    @partial(jax.jit, static_argnames=static)
    def evaluate(*operands, **parameters):
        return primitive.bind(*operands, **parameters)

    return evaluate


ad.primitive_jvps[_normalize_p] = _jvp_of_normalize
ad.primitive_jvps[_derivative_p] = _jvp_of_derivative
ad.primitive_transposes[_derivative_p] = _transpose_of_derivative
for primitive, lower in (
    (_normalize_p, _lower_normalize),
    (_derivative_p, _lower_derivative),
):
    primitive.def_impl(_evaluate(primitive))
    # Shape, dtype, sharding and manual axes of the result are those of the first.
    primitive.def_abstract_eval(lambda first, *_, **__: first)
    batching.primitive_batchers[primitive] = _batching(primitive)
    for platform in (None, "cpu", "tpu"):
        mlir.register_lowering(primitive, _lowering(lower, platform), platform=platform)
