"""Local response normalization and its derivative: one JAX primitive, in three parts.

`normalize` is the layer; `pushforward` is its derivative, linear in tangents of x and
of the hyperparameters that are arrays; `pullback` is the transpose of that, linear in a
cotangent of y. What lies beyond, derivatives of the derivative, JAX finds from the same
equations.

Why a primitive: both directions are written down, each in its fastest form, and x is
all they keep for the backward pass. Nothing else in JAX gives that together with
forward mode and vmap: a custom_jvp whose rule is checkpointed moves twice the memory,
`linear_call`, which names a transpose, cannot be batched, and a custom_vjp within the
rule of a custom_jvp cannot be transposed.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial, reduce
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir, xla

from ._formula import compute_dtype
from ._implementations import Implementation
from ._programs import (
    HYPERPARAMETERS,
    OPERAND,
    Part,
    Platform,
    num_linear,
    other_names,
    run,
)
from ._window import Window

# Its operands and parameters are those of `run`.
_lrn_p = Primitive("lrn")
_lrn_p.multiple_results = True


def normalize(
    x: Array,
    hyperparameters: Mapping[str, float | Array],
    window: Window,
    implementation: Implementation | None,
) -> Array:
    r"""Returns :math:`y = x s^{-\beta}`.

    Hyperparameters that are arrays have the dtype that x is computed in, and as many
    axes as x, to which they broadcast.
    """
    values = [hyperparameters[name] for name in HYPERPARAMETERS]
    arrays = [value for value in values if isinstance(value, Array)]
    marked = [OPERAND if isinstance(value, Array) else value for value in values]
    bind = run if implementation == "plain" else _lrn_p.bind
    (y,) = bind(
        *_varying_alike(x, *arrays),
        part="normalize",
        arguments=(),
        window=window,
        **dict(zip(HYPERPARAMETERS, marked, strict=True)),
        implementation=implementation,
    )
    return y


def _varying_alike(*arrays: Array) -> list[Array]:
    """Returns the arrays, varying over the same axes of a `jax.shard_map`."""
    varying = [jax.typeof(array).manual_axis_type.varying for array in arrays]
    everywhere = frozenset[Any]().union(*varying)
    return [
        lax.pcast(array, tuple(everywhere - own), to="varying")
        for array, own in zip(arrays, varying, strict=True)
    ]


def _lower(platform: Platform, context: mlir.LoweringRuleContext, *operands, **given):
    # Dimensions that jax.export leaves open are no integers.
    shape = context.avals_in[0].shape  # pyright: ignore[reportAttributeAccessIssue]
    known = all(isinstance(n, int) for n in shape)
    isolated = platform == "cpu" and known and not _is_partitioned(context)
    evaluate = partial(run, platform=platform, isolated=isolated)
    return mlir.lower_fun(evaluate, multiple_results=True)(context, *operands, **given)


def _is_partitioned(context: mlir.LoweringRuleContext) -> bool:
    """Whether XLA is going to divide the program among devices."""
    axes = context.module_context.axis_context
    if isinstance(axes, mlir.SPMDAxisContext):  # within a jax.shard_map, or near one
        return axes.manual_axes != frozenset(axes.mesh.axis_names)
    return isinstance(axes, mlir.ShardingContext) and axes.num_devices > 1


def _shapes(*operands, part: Part, arguments: Sequence[str], **_):
    # Each result has the shape, sharding and manual axes of the first operand.
    first, x = operands[0], operands[num_linear(part, arguments)]
    return [
        first.update(dtype=x.dtype if name == "x" else compute_dtype(x))
        for name in (arguments if part == "pullback" else ("x",))
    ]


def _named(names: Sequence[str], values: Sequence[Any]) -> dict[str, Array]:
    """Returns the tangents or cotangents that are not zero, by their names."""
    pairs = zip(names, values, strict=True)
    return {name: value for name, value in pairs if not isinstance(value, ad.Zero)}


def _jvp(primals, tangents, *, part: Part, arguments: Sequence[str], **parameters):
    bind = partial(_lrn_p.bind, **parameters)
    results = bind(*primals, part=part, arguments=arguments)
    if part == "normalize":
        # Each tangent gets the shape and the sharding of x.
        x = jax.typeof(primals[0])
        spread = partial(jnp.broadcast_to, shape=x.shape, out_sharding=x.sharding)
        dots = _named(other_names(parameters), tangents)
        to = {"part": "pushforward", "arguments": tuple(dots)}
        return results, bind(*map(spread, dots.values()), *primals, **to)
    count = num_linear(part, arguments)
    linear, others = primals[:count], primals[count:]
    by_linear, by_others = tangents[:count], tangents[count:]
    terms = []
    if not all(isinstance(dot, ad.Zero) for dot in by_linear):
        dots = map(ad.instantiate_zeros, by_linear)
        terms.append(bind(*dots, *others, part=part, arguments=arguments))
    if not all(isinstance(dot, ad.Zero) for dot in by_others):
        parameters |= {"part": part, "arguments": arguments}

        @jax.checkpoint  # so that reverse mode keeps the operands alone
        def of_others(linear, others, dots):
            return jax.jvp(partial(run, *linear, **parameters), others, dots)[1]

        dots = tuple(map(ad.instantiate_zeros, by_others))
        terms.append(of_others(linear, tuple(others), dots))
    return results, [reduce(jnp.add, dots) for dots in zip(*terms, strict=True)]


def _transpose(cotangents, *operands, part: Part, arguments, **parameters):
    count = num_linear(part, arguments)
    linear, others = operands[:count], operands[count:]
    given = _named(arguments if part == "pullback" else ("y",), cotangents)
    if not given:
        return [None] * len(operands)
    bind = partial(_lrn_p.bind, *given.values(), *others, **parameters)
    if part == "pullback":
        found = bind(part="pushforward", arguments=tuple(given))
    else:
        pairs = zip(arguments, linear, strict=True)
        wanted = tuple(name for name, dot in pairs if ad.is_undefined_primal(dot))
        results = bind(part="pullback", arguments=wanted)
        found = map(dict(zip(wanted, results, strict=True)).get, arguments)
    return [*found, *[None] * len(others)]


def _batch(operands, axes, **parameters):
    """Batches: an axis more, in front, without a window."""
    pairs = [*zip(operands, axes, strict=True)]
    (size,) = {operand.shape[axis] for operand, axis in pairs if axis is not None}
    # Results have the shape of the operands that they are linear in, and y that of x.
    # The others may stay as they are: the pullbacks of many cotangents share what they
    # compute from x.
    num_shaped = max(1, num_linear(parameters["part"], parameters["arguments"]))
    operands = [
        batching.bdim_at_front(operand, axis, size)
        if i < num_shaped or axis is not None
        else operand[jnp.newaxis]
        for i, (operand, axis) in enumerate(pairs)
    ]
    parameters["window"] = ((0, 0), *parameters["window"])
    results = _lrn_p.bind(*operands, **parameters)
    return results, [0] * len(results)


_lrn_p.def_impl(partial(xla.apply_primitive, _lrn_p))
_lrn_p.def_abstract_eval(_shapes)
ad.primitive_jvps[_lrn_p] = _jvp
ad.primitive_transposes[_lrn_p] = _transpose
batching.primitive_batchers[_lrn_p] = _batch
mlir.register_lowering(_lrn_p, partial(_lower, "other"))
mlir.register_lowering(_lrn_p, partial(_lower, "cpu"), platform="cpu")
for _name in ("cuda", "rocm"):
    mlir.register_lowering(_lrn_p, partial(_lower, "gpu"), platform=_name)

# `checkify` skips primitives it does not know, and has no public way to learn of one.
with suppress(ImportError):
    from jax._src.checkify import error_checks, nan_error_check

    error_checks[_lrn_p] = partial(nan_error_check, _lrn_p)
