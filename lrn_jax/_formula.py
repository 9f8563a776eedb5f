r"""The equations: local response normalization, and its derivative both ways.

With :math:`w` for the window sum and :math:`w^\top` for the sum over the mirrored
window,

.. math::
    y = x s^{-\beta}, \qquad s = \text{bias} + \alpha w(x^2).

Nothing here knows how windows are summed or for which platform. Everything is computed
in float32 at least, and rounded to the dtype of x once, at the end.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from ._power import Platform, negative_power, times
from ._window import Window, mirrored


def compute_dtype(x: Array) -> np.dtype:
    """Returns the dtype that `x` is computed in."""
    return x.dtype if x.dtype == jnp.float64 else jnp.dtype(jnp.float32)


def widened(x: Array) -> Array:
    """Returns `x` in the dtype of the computation."""
    return x.astype(compute_dtype(x))


@dataclass(frozen=True)
class Formula:
    """The layer: its hyperparameters, its window, and how to sum over it."""

    bias: float | Array
    alpha: float | Array
    beta: float | Array
    window: Window
    window_sum: Callable[[Array, Window], Array]
    platform: Platform = None

    def normalize(self, x: Array) -> Array:
        r"""Returns :math:`y = x s^{-\beta}`."""
        wide_x = widened(x)  # once: reverse mode would round a gradient for each cast
        _, _, factor = self._scale(wide_x)
        return self._times(wide_x, factor).astype(x.dtype)

    def pushforward(self, dots: Mapping[str, Array], x: Array) -> Array:
        r"""Returns the derivative of y along `dots`: tangents of x, bias, alpha, beta.

        .. math::
            \dot y = \dot x s^{-\beta} - y (\beta \dot s / s + \dot\beta \log s), \qquad
            \dot s = 2 \alpha w(x \dot x) + \dot{\text{bias}} + \dot\alpha w(x^2)
        """
        wide_x = widened(x)
        energy, s, factor = self._scale(wide_x)
        s_dots, terms = [], []
        if "x" in dots:
            x_dot = dots["x"].astype(wide_x.dtype)
            energy_dot = 2 * self.window_sum(wide_x * x_dot, self.window)
            s_dots.append(self._times(self.alpha, energy_dot))
            terms.append(self._times(x_dot, factor))
        if "bias" in dots:
            s_dots.append(dots["bias"])
        if "alpha" in dots:
            s_dots.append(dots["alpha"] * energy)
        y = self._times(wide_x, factor)
        if s_dots:
            # s_dot / s first: for small s, the power s^(-beta - 1) overflows.
            s_dot = reduce(jnp.add, s_dots)
            terms.append(-self._times(self._times(self.beta, y), s_dot / s))
        if "beta" in dots:
            terms.append(-dots["beta"] * self._times(y, jnp.log(s)))
        return reduce(jnp.add, terms).astype(x.dtype)

    def passed(self, y_bar: Array, x: Array) -> Array:
        r"""Returns the part of x from its own y: :math:`t = \bar y s^{-\beta}`."""
        _, _, factor = self._scale(widened(x))
        return self._times(y_bar.astype(factor.dtype), factor)

    def sensitivity(self, passed: Array, x: Array) -> Array:
        r"""Returns :math:`u = t x / s`, of which every other cotangent is made."""
        wide_x = widened(x)
        _, s, _ = self._scale(wide_x)
        # x / s first: for small s, the power s^(-beta - 1) overflows.
        return self._times(wide_x / s, passed)

    def feedback(self, u: Array) -> Array:
        r"""Returns the part of each y for its window: :math:`f = 2 \alpha \beta u`."""
        return self._times(self.alpha, self._times(2 * self.beta, u))

    def collect(self, passed: Array, x: Array, feedback: Array) -> Array:
        r"""Returns the cotangent of x: :math:`\bar x = t - x \, w^\top(f)`."""
        received = self.window_sum(feedback, mirrored(self.window))
        return (passed - self._times(received, widened(x))).astype(x.dtype)

    def collect_of_whole(self, y_bar: Array, x: Array) -> Array:
        r"""Returns the same from the start, where all windows are whole axes.

        There s is one number, and :math:`w^\top(f) = f(w(\bar y x) s^{-\beta} / s)`.
        """
        wide_x = widened(x)
        wide_y_bar = y_bar.astype(wide_x.dtype)
        _, s, factor = self._scale(wide_x)
        total = self.window_sum(wide_x * wide_y_bar, self.window)
        received = self.feedback(self._times(total, factor) / s)
        passed = self._times(wide_y_bar, factor)
        return (passed - self._times(received, wide_x)).astype(x.dtype)

    def bias_cotangent(self, u: Array) -> Array:
        r"""Returns :math:`-\beta u`, element by element."""
        return -self._times(self.beta, u)

    def alpha_cotangent(self, u: Array, x: Array) -> Array:
        r"""Returns :math:`-\beta u w(x^2)`, element by element."""
        energy, _, _ = self._scale(widened(x))
        return -self._times(self._times(self.beta, u), energy)

    def beta_cotangent(self, passed: Array, x: Array) -> Array:
        r"""Returns :math:`-t x \log s`, element by element."""
        wide_x = widened(x)
        _, s, _ = self._scale(wide_x)
        return -self._times(self._times(wide_x, passed), jnp.log(s))

    def _scale(self, x: Array) -> tuple[Array, Array, Array]:
        """Returns w(x^2), s and s^-beta.

        Where s is 0 because no neighbour has any energy, the latter two are 1 and 0: y
        and its derivative are 0 then.
        """
        energy = self.window_sum(lax.square(x), self.window)
        s = self.bias + self._times(self.alpha, energy)
        if self._is_regular(x.dtype):
            return energy, s, negative_power(s, self.beta, self.platform)
        # With alpha 0 it is not for want of energy, and with beta 0 s does not matter.
        zero = jnp.where((self.alpha != 0) & (self.beta != 0), 0.0, jnp.nan)
        silent = s == zero.astype(s.dtype)
        s = jnp.where(silent, 1, s)  # before the power: at 0 its derivative is infinite
        factor = negative_power(s, self.beta, self.platform)
        return energy, s, jnp.where(silent, 0, factor)

    def _times(self, a: float | Array, b: Array) -> Array:
        return a * b if self._is_regular(b.dtype) else times(a, b)

    def _is_regular(self, dtype: np.dtype) -> bool:
        """Whether s^-beta is finite, whatever x is, and no number is 0."""
        numbers = self.bias, self.alpha, self.beta
        if not all(isinstance(number, float) for number in numbers):
            return False
        bias, alpha, beta = map(dtype.type, numbers)
        if not (bias >= jnp.finfo(dtype).tiny and alpha > 0 and beta > 0):
            return False
        with np.errstate(over="ignore"):
            return bool(np.isfinite(bias**-beta))
