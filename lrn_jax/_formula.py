r"""The equations: local response normalization, and its derivative both ways.

With :math:`w` for the window sum and :math:`w^\top` for the sum over the mirrored
window,

.. math::
    y = x s^{-\beta}, \qquad s = \text{bias} + \alpha w(x^2).

Nothing here knows how windows are summed or what platform it is for: both come with
the `Method`. Arrays are computed with in float32 at least and rounded once, at the end.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from ._hyperparameters import Constant, Hyperparameters
from ._window import Window, mirrored


class Method(NamedTuple):
    """How to calculate what the equations leave open."""

    window_sum: Callable[[Array, Window], Array]
    negative_power: Callable[[Array, float | Array], Array]


def compute_dtype(x: Array) -> jnp.dtype:
    """Returns the dtype that `x` is computed with."""
    return x.dtype if x.dtype == jnp.float64 else jnp.dtype(jnp.float32)


def _wide(x: Array) -> Array:
    return x.astype(compute_dtype(x))


class _Scale(NamedTuple):
    energy: Array
    s: Array
    factor: Array
    """s^-beta."""


def _scale(x: Array, given: Hyperparameters, window: Window, method: Method) -> _Scale:
    """Returns w(x^2), s and s^-beta; where s is 0 the latter two are 1 and 0."""
    bias, alpha, beta = given.values()
    energy = method.window_sum(lax.square(x), window)
    s = bias + alpha * energy
    if isinstance(bias, float) and x.dtype.type(bias) > 0:
        return _Scale(energy, s, method.negative_power(s, beta))
    vanishes = s == 0
    s = jnp.where(vanishes, 1, s)  # before the power, whose derivative is infinite at 0
    return _Scale(energy, s, jnp.where(vanishes, 0, method.negative_power(s, beta)))


def normalize(
    x: Array, given: Hyperparameters, window: Window, method: Method
) -> Array:
    r"""Returns :math:`y = x s^{-\beta}`."""
    wide_x = _wide(x)
    y = wide_x * _scale(wide_x, given, window, method).factor
    return y.astype(x.dtype)


def pushforward(
    x_dot: Array, x: Array, given: Hyperparameters, window: Window, method: Method
) -> Array:
    r"""Returns the derivative of y along a direction of x.

    .. math::
        \dot y = \dot x s^{-\beta} - \beta y \dot s / s, \qquad
        \dot s = 2 \alpha w(x \dot x)
    """
    _, alpha, beta = given.values()
    wide_x, wide_x_dot = _wide(x), _wide(x_dot)
    _, s, factor = _scale(wide_x, given, window, method)
    s_dot = 2 * alpha * method.window_sum(wide_x * wide_x_dot, window)
    y_dot = wide_x_dot * factor - beta * (wide_x * factor) * (s_dot / s)
    return y_dot.astype(x.dtype)


def pullback(
    y_bar: Array, x: Array, given: Hyperparameters, window: Window, method: Method
) -> Array:
    r"""Returns the cotangent of x, from what goes back and what comes of it."""
    gone_back = feedback(y_bar, x, given, window, method)
    return receive(y_bar, x, gone_back, given, window, method)


def feedback(
    y_bar: Array, x: Array, given: Hyperparameters, window: Window, method: Method
) -> Array:
    r"""Returns what the cotangent of each y says to all elements in its window.

    .. math:: f = 2 \alpha \beta \, \bar y \, y / s

    It stays in the dtype of the computation.
    """
    _, alpha, beta = given.values()
    wide_x = _wide(x)
    _, s, factor = _scale(wide_x, given, window, method)
    # y / s in this order: for small s, the power s^(-beta - 1) overflows.
    return (2 * alpha * beta * _wide(y_bar)) * (wide_x * factor / s)


def receive(
    y_bar: Array,
    x: Array,
    feedback: Array,
    given: Hyperparameters,
    window: Window,
    method: Method,
) -> Array:
    r"""Returns the cotangent of x, given the feedback of every y.

    .. math:: \bar x = \bar y s^{-\beta} - x \, w^\top(f)
    """
    wide_x = _wide(x)
    factor = _scale(wide_x, given, window, method).factor
    received = method.window_sum(feedback, mirrored(window))
    return (_wide(y_bar) * factor - wide_x * received).astype(x.dtype)


def pushforward_of_hyperparameters(
    given_dot: Hyperparameters,
    x: Array,
    given: Hyperparameters,
    window: Window,
    method: Method,
) -> Array:
    r"""Returns the derivative of y along a direction of those that are arrays.

    .. math::
        \dot y = -\beta y \dot s / s - \dot\beta y \log s, \qquad
        \dot s = \dot{\text{bias}} + \dot\alpha w(x^2)
    """
    bias_dot, alpha_dot, beta_dot = given_dot
    _, _, beta = given.values()
    wide_x = _wide(x)
    energy, s, factor = _scale(wide_x, given, window, method)
    y = wide_x * factor
    y_dot = jnp.zeros_like(y)
    if not isinstance(bias_dot, Constant):
        y_dot -= beta * y * (bias_dot / s)
    if not isinstance(alpha_dot, Constant):
        y_dot -= beta * y * (alpha_dot * energy / s)
    if not isinstance(beta_dot, Constant):
        y_dot -= beta_dot * y * jnp.log(s)
    return y_dot.astype(x.dtype)
