r"""The equations: local response normalization, and its derivative both ways.

With :math:`w` for the window sum and :math:`w^\top` for the sum over the mirrored
window,

.. math::
    y = x s^{-\beta}, \qquad s = \text{bias} + \alpha w(x^2).

Nothing here knows how windows are summed, how powers are made, or for which platform.
Everything is computed in float32 at least, and rounded to the dtype of x once, at the
end.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from ._arithmetic import Arithmetic
from ._window import Window, mirrored

# No logarithm of a number: the mark of an s that is 0 for want of energy.
_SILENT = 1e30


def compute_dtype(x: Array) -> np.dtype:
    """Returns the dtype that `x` is computed in."""
    return x.dtype if x.dtype == jnp.float64 else jnp.dtype(jnp.float32)


def squared(x: Array) -> Array:
    """Returns the square of each element, in the dtype that `x` is computed in."""
    return lax.square(x.astype(compute_dtype(x)))


@dataclass(frozen=True)
class Formula:
    """The layer at x: its hyperparameters, its window, and how to sum over it."""

    x: Array
    bias: float | Array
    alpha: float | Array
    beta: float | Array
    window: Window
    window_sum: Callable[..., Array]
    """Of an array, a window, and a function of each element, which is 0 at 0."""
    arithmetic: Arithmetic
    energy: Array | None = None
    """w(x^2), where it was computed before."""
    log_s: Array | None = None
    """What `logarithm` returned."""
    seen: Array | None = None
    """x once more, for the windows alone."""

    def energies(self) -> Array:
        r"""Returns :math:`w(x^2)`."""
        seen = self._wide_x if self.seen is None else self.seen
        return self.window_sum(seen, self.window, of=squared)

    def logarithm(self) -> Array:
        r"""Returns :math:`\log s`, and a mark where s is 0 for want of energy."""
        return jnp.where(self._is_silent, _SILENT, jnp.log(self._s))

    def normalize(self) -> Array:
        r"""Returns :math:`y = x s^{-\beta}`."""
        return self.scaled(self._wide_x).astype(self.x.dtype)

    def scaled(self, array: Array) -> Array:
        r"""Returns an array times :math:`s^{-\beta}`.

        That is y of x, and of the cotangent of y it is what x receives of its own y,
        :math:`t = \bar y s^{-\beta}`.
        """
        return self._times(array.astype(self._factor.dtype), self._factor)

    def pushforward(
        self, dots: Mapping[str, Array], seen_dot: Array | None = None
    ) -> Array:
        r"""Returns the derivative of y along `dots`: tangents of x, bias, alpha, beta.

        `seen_dot` is the tangent of x once more, for the windows alone.

        .. math::
            \dot y = \dot x s^{-\beta} - y (\beta \dot s / s + \dot\beta \log s), \qquad
            \dot s = 2 \alpha w(x \dot x) + \dot{\text{bias}} + \dot\alpha w(x^2)
        """
        y = self.scaled(self._wide_x)
        s_dots, terms = [], []
        if "x" in dots:
            dtype = self._wide_x.dtype
            x_dot = dots["x"].astype(dtype)
            seen_dot = x_dot if seen_dot is None else seen_dot.astype(dtype)
            energy_dot = 2 * self.window_sum(self._seen_x * seen_dot, self.window)
            s_dots.append(self._times(self.alpha, energy_dot))
            terms.append(self.scaled(x_dot))
        if "bias" in dots:
            s_dots.append(dots["bias"])
        if "alpha" in dots:
            s_dots.append(dots["alpha"] * self._energy)
        if s_dots:
            # s_dot / s first: for small s, the power s^(-beta - 1) overflows.
            s_dot = reduce(jnp.add, s_dots) / self._s
            terms.append(-self._times(self._times(self.beta, y), s_dot))
        if "beta" in dots:
            terms.append(-dots["beta"] * self._times(y, jnp.log(self._s)))
        return reduce(jnp.add, terms).astype(self.x.dtype)

    def s_cotangent(self, t: Array) -> Array:
        r"""Returns :math:`\bar s = -\beta t x / s`, which is that of bias as well."""
        # x / s first: for small s, the power s^(-beta - 1) overflows.
        if self.log_s is not None:
            quotient = self._wide_x * jnp.exp(-self.log_s)
        elif self._is_regular:
            quotient = self.arithmetic.divide(self._wide_x, self._s)
        else:
            quotient = self._wide_x / self._s
        return self._times(-self.beta, self._times(quotient, t))

    def weighted(self, s_bar: Array) -> Array:
        r"""Returns :math:`\alpha \bar s`, of which x gets the sum over its window."""
        return self._times(self.alpha, s_bar)

    def received(self, sent: Array) -> Array:
        r"""Returns :math:`w^\top(\alpha \bar s)`, of what each s sends."""
        return self.window_sum(sent, mirrored(self.window))

    def x_cotangent(self, t: Array, received: Array) -> Array:
        r"""Returns :math:`\bar x = t + 2 x \, w^\top(\alpha \bar s)`."""
        return (t + self._times(2 * received, self._wide_x)).astype(self.x.dtype)

    def x_cotangent_of_whole(self, y_bar: Array) -> Array:
        r"""Returns the same from the start, where all windows are whole axes.

        There s is one number, and the sum of all :math:`\bar s` is
        :math:`-\beta w(\bar y x) s^{-\beta} / s`.
        """
        dtype = self._wide_x.dtype
        total = self.window_sum(self._wide_x * y_bar.astype(dtype), self.window)
        s_bar = self._times(-self.beta, self.scaled(total) / self._s)
        received = self._times(self.weighted(2 * s_bar), self._wide_x)
        return (self.scaled(y_bar) + received).astype(self.x.dtype)

    def alpha_cotangent(self, s_bar: Array) -> Array:
        r"""Returns :math:`\bar s w(x^2)`, element by element."""
        return self._times(s_bar, self._energy)

    def beta_cotangent(self, t: Array) -> Array:
        r"""Returns :math:`-t x \log s`, element by element."""
        log_s = jnp.log(self._s) if self.log_s is None else self.log_s
        return -self._times(self._times(self._wide_x, t), log_s)

    @cached_property
    def _wide_x(self) -> Array:
        return self.x.astype(compute_dtype(self.x))

    @cached_property
    def _seen_x(self) -> Array:
        if self.seen is None:
            return self._wide_x
        return self.seen.astype(compute_dtype(self.x))

    @cached_property
    def _energy(self) -> Array:
        return self.energies() if self.energy is None else self.energy

    @cached_property
    def _sum(self) -> Array:
        return self.bias + self._times(self.alpha, self._energy)

    @cached_property
    def _is_silent(self) -> Array:
        """Where s is 0 because no neighbour has any energy."""
        if self.log_s is not None:
            return self.log_s == _SILENT
        # With alpha 0 it is not for want of energy, and with beta 0 s does not matter.
        zero = jnp.where((self.alpha != 0) & (self.beta != 0), 0.0, jnp.nan)
        return self._sum == zero.astype(self._sum.dtype)

    @cached_property
    def _s(self) -> Array:
        """s, and 1 where it is silent: at 0 the derivative of a power is infinite."""
        if self._is_regular:
            return self._sum
        return jnp.where(self._is_silent, 1, self._sum)

    @cached_property
    def _factor(self) -> Array:
        """s^-beta, and 0 where it is silent: y and its derivative are 0 then."""
        if self.log_s is None:
            factor = self.arithmetic.negative_power(self._s, self.beta)
        else:
            factor = jnp.exp(-self.arithmetic.times(self.beta, self.log_s))
        return factor if self._is_regular else jnp.where(self._is_silent, 0, factor)

    def _times(self, a: float | Array, b: Array) -> Array:
        return a * b if self._is_regular else self.arithmetic.times(a, b)

    @cached_property
    def _is_regular(self) -> bool:
        """Whether s^-beta is finite, whatever x is, and no number is 0."""
        numbers = self.bias, self.alpha, self.beta
        if not all(isinstance(number, float) for number in numbers):
            return False
        bias, alpha, beta = map(compute_dtype(self.x).type, numbers)
        with np.errstate(over="ignore", divide="ignore"):
            finite = bool(np.isfinite(bias**-beta))
        return finite and bias >= jnp.finfo(bias).tiny and alpha > 0 and beta > 0
