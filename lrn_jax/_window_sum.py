r"""`window_sum`, the one linear operation that local response normalization needs.

.. math:: w_i = \sum_{j \in W(i)} x_j

It is a JAX primitive, because that says all there is to know about it once and for
every implementation: it is linear, so its derivative is itself; its transpose is
itself with the window mirrored (j collects from all i that saw j); and a batch axis is
an axis without a window. Implementations only ever lower it, to plain HLO, so jit,
sharding and export see ordinary operations.
"""

from jax import Array
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from ._implementations import DEFAULT_IMPLEMENTATION, IMPLEMENTATIONS
from ._window import Window, mirrored, with_batch_axis

_window_sum_p = Primitive("window_sum")


def window_sum(x: Array, window: Window, implementation: str | None = None) -> Array:
    """Sums `x` over the window around every element, cut off at the borders."""
    return _window_sum_p.bind(x, window=window, implementation=implementation)


def _run(x, *, window: Window, implementation: str | None):
    return IMPLEMENTATIONS[implementation or DEFAULT_IMPLEMENTATION](x, window)


def _transpose(cotangent, x, *, window: Window, implementation: str | None):
    del x
    return [window_sum(cotangent, mirrored(window), implementation)]


def _batch(operands, axes, *, window: Window, implementation: str | None):
    (x,), (axis,) = operands, axes
    return window_sum(x, with_batch_axis(window, axis), implementation), axis


_window_sum_p.def_impl(_run)
# Shape, dtype, sharding and manual axes of the result are those of the operand.
_window_sum_p.def_abstract_eval(lambda x, **_: x)
ad.deflinear2(_window_sum_p, _transpose)
batching.primitive_batchers[_window_sum_p] = _batch
mlir.register_lowering(_window_sum_p, mlir.lower_fun(_run, multiple_results=False))
