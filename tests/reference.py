"""The oracle: local response normalization and its derivative, as plain loops.

NumPy and float64; for every element, its window, its sum, its power. It takes the
arguments of `lrn_jax.lrn` and imports nothing from it.
"""

from typing import Any, NamedTuple

import numpy as np


class Cotangents(NamedTuple):
    """Gradients, each of the shape of what it is the gradient of."""

    x: np.ndarray
    bias: np.ndarray
    alpha: np.ndarray
    beta: np.ndarray


def lrn(
    x: Any,
    *,
    depth_radius: Any = 2,
    bias: Any = 2.0,
    alpha: Any = 1e-4,
    beta: Any = 0.75,
    axis: int | tuple[int, ...] = -1,
) -> np.ndarray:
    """Returns x / s^beta, with s = bias + alpha * (sum of x^2 over the window)."""
    x = np.asarray(x, np.float64)
    bias, alpha, beta = (np.broadcast_to(h, x.shape) for h in (bias, alpha, beta))
    y = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        window = _window(i, x.shape, depth_radius, axis)
        s = bias[i] + alpha[i] * np.sum(x[window] ** 2)
        if s > 0:
            y[i] = x[i] * s ** -beta[i]
    return y


def lrn_vjp(
    x: Any,
    dy: Any,
    *,
    depth_radius: Any = 2,
    bias: Any = 2.0,
    alpha: Any = 1e-4,
    beta: Any = 0.75,
    axis: int | tuple[int, ...] = -1,
) -> Cotangents:
    """Returns the gradients of sum(dy * lrn(x)); what s = 0 touches adds nothing."""
    x = np.asarray(x, np.float64)
    hyperparameters = bias, alpha, beta
    bias, alpha, beta = (np.broadcast_to(h, x.shape) for h in hyperparameters)
    dx, dbias, dalpha, dbeta = (np.zeros_like(x) for _ in range(4))
    for i in np.ndindex(x.shape):
        window = _window(i, x.shape, depth_radius, axis)
        energy = np.sum(x[window] ** 2)
        s = bias[i] + alpha[i] * energy
        if s > 0:
            ds = -beta[i] * x[i] * s ** (-beta[i] - 1) * dy[i]
            dx[i] += s ** -beta[i] * dy[i]
            dx[window] += 2 * alpha[i] * x[window] * ds
            dbias[i] = ds
            dalpha[i] = energy * ds
            dbeta[i] = -np.log(s) * x[i] * s ** -beta[i] * dy[i]
    gradients = zip((dbias, dalpha, dbeta), hyperparameters, strict=True)
    return Cotangents(dx, *(_sum_to(g, np.shape(h)) for g, h in gradients))


def lrn_jacobian(x, **arguments) -> np.ndarray:
    """Returns dy/dx as an array of shape (*y.shape, *x.shape)."""
    rows = np.eye(x.size).reshape(x.size, *x.shape)
    jacobian = np.stack([lrn_vjp(x, row, **arguments).x for row in rows])
    return jacobian.reshape(*x.shape, *x.shape)


def _window(i, shape, depth_radius, axis) -> tuple[slice, ...]:
    """Returns what element `i` sees: itself, except along `axis`."""
    axes = [a % len(shape) for a in (axis if isinstance(axis, tuple) else (axis,))]
    match depth_radius:
        case None:
            extents = [(max(shape), max(shape))] * len(axes)
        case int():
            extents = [(depth_radius, depth_radius)] * len(axes)
        case (int(), int()):
            extents = [depth_radius] * len(axes)
        case _:
            extents = depth_radius
    window = [slice(k, k + 1) for k in i]
    for a, (before, after) in zip(axes, extents, strict=True):
        window[a] = slice(max(0, i[a] - before), i[a] + after + 1)
    return tuple(window)


def _sum_to(gradient, shape) -> np.ndarray:
    """Sums what broadcasting from `shape` has repeated."""
    gradient = gradient.sum(axis=tuple(range(gradient.ndim - len(shape))))
    repeated = tuple(a for a, size in enumerate(shape) if size == 1)
    return gradient.sum(axis=repeated, keepdims=True)


def tolerance(dtype) -> float:
    """Relative error allowed to a value computed in `dtype`.

    Units in the last place are eps: the sum of squares, alpha and the bias cost about
    one of them together, the power two (or 2 + |beta log s| by exp and log, hence the
    wide band in float64), the product one half. There is no cancellation in a value.
    """
    return {"float32": 4 * 2.0**-23, "float64": 1e-12}[np.dtype(dtype).name]


def gradient_tolerance(dtype) -> float:
    """Error allowed to a gradient, relative to its largest element.

    A gradient is a difference of two terms that may cancel, so an element's error is
    compared with what was subtracted, not with what is left.
    """
    return {"float32": 1e-5, "float64": 1e-12}[np.dtype(dtype).name]


def assert_values_close(actual, desired) -> None:
    """Compares elementwise, each relative to itself."""
    np.testing.assert_allclose(actual, desired, rtol=tolerance(actual.dtype), atol=0)


def assert_gradients_close(actual, desired) -> None:
    """Compares relative to the largest element of `desired`."""
    largest = np.max(np.abs(desired), initial=0.0)
    limit = gradient_tolerance(actual.dtype) * largest
    np.testing.assert_allclose(actual, desired, rtol=0, atol=limit)
