r"""`window_sum`, the one linear operation that local response normalization needs.

.. math:: w_i = \sum_{j \in W(i)} x_j

It is a JAX primitive, because that says all there is to know about it once and for
every implementation: it is linear, so its derivative is itself; its transpose is
itself with the window mirrored (j collects from all i that saw j); and a batch axis is
an axis without a window. Implementations only ever lower it, to plain HLO, so jit,
sharding and export see ordinary operations.
"""

from functools import partial

import jax
from jax import Array, lax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from ._implementations import IMPLEMENTATIONS, default
from ._window import Window, mirrored, whole_axes, windowed_axes, with_batch_axis

_window_sum_p = Primitive("window_sum")


def window_sum(x: Array, window: Window, implementation: str | None = None) -> Array:
    """Sums `x` over the window around every element, cut off at the borders."""
    return _window_sum_p.bind(x, window=window, implementation=implementation)


def lowered_window_sum(
    x: Array,
    window: Window,
    implementation: str | None,
    *,
    platform: str | None,
    isolated: bool = False,
    widened: bool = False,
) -> Array:
    """Returns the window sum as operations of `jax.lax`, by name or by default."""
    axes = whole_axes(window, x.shape)
    if axes:
        # Every element along these axes has the same sum: form it once, for all of
        # them, instead of once for each (a quadratic cost).
        total = lax.expand_dims(lax.reduce_sum(x, axes=axes), axes)
        window = tuple((0, 0) if i in axes else pair for i, pair in enumerate(window))
    else:
        total = x
    if windowed_axes(window):
        name = implementation or default(
            window, platform=platform, isolated=isolated, widened=widened
        )
        if name != "reduce_window" and _is_sharded_along(total, window):
            # With explicit sharding JAX refuses to slice an axis in pieces.
            if implementation is not None:
                raise NotImplementedError(
                    f"`implementation` {name!r} cannot sum over an axis with explicit "
                    f"sharding, but got {jax.typeof(x)}. Use 'reduce_window' or None."
                )
            name = "reduce_window"
        total = IMPLEMENTATIONS[name].window_sum(total, window)
    return lax.broadcast_in_dim(total, x.shape, range(x.ndim))


def _is_sharded_along(x: Array, window: Window) -> bool:
    """Whether JAX knows, by explicit sharding, that a windowed axis is in pieces."""
    spec = jax.typeof(x).sharding.spec
    return any(spec[axis] is not None for axis, _ in windowed_axes(window))


def _transpose(cotangent, x, *, window: Window, implementation: str | None):
    del x
    return [window_sum(cotangent, mirrored(window), implementation)]


def _batch(operands, axes, *, window: Window, implementation: str | None):
    (x,), (axis,) = operands, axes
    return window_sum(x, with_batch_axis(window, axis), implementation), axis


# Evaluated outside of jit, it is compiled by itself: implementations are told apart by
# how they are compiled.
_window_sum_p.def_impl(
    jax.jit(window_sum, static_argnames=("window", "implementation"))
)
# Shape, dtype, sharding and manual axes of the result are those of the operand.
_window_sum_p.def_abstract_eval(lambda x, **_: x)
ad.deflinear2(_window_sum_p, _transpose)
batching.primitive_batchers[_window_sum_p] = _batch
for platform in (None, "cpu"):
    lowering = mlir.lower_fun(
        partial(lowered_window_sum, platform=platform), multiple_results=False
    )
    mlir.register_lowering(_window_sum_p, lowering, platform=platform)
