"""Products, quotients and negative powers, as the formula needs them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeGuard

import jax.numpy as jnp
from jax import Array, lax

# What a program is for; None is any, and one that JAX may yet take derivatives of.
Platform = Literal["cpu", "gpu", "other"] | None


def _three_quarters(s: Array, platform: Platform) -> Array:
    # Both forms keep the whole range of the dtype; one root of s * s * s would overflow
    # from s = 7e12 on in float32.
    if platform in ("gpu", "other"):
        q = lax.rsqrt(s)
        return q * lax.sqrt(q)
    # XLA:CPU makes a dozen instructions of rsqrt, a division is one.
    root = lax.sqrt(s)
    return 1 / (root * lax.sqrt(root))


# Accuracy in float32: 2 units in the last place for each on CPU, 3 on an H100.
_BY_ROOTS: dict[float, Callable[[Array, Platform], Array]] = {
    0.25: lambda s, _: lax.sqrt(lax.rsqrt(s)),
    0.5: lambda s, _: lax.rsqrt(s),
    0.75: _three_quarters,
    1.0: lambda s, _: 1 / s,
    2.0: lambda s, _: lax.square(1 / s),
}


def is_by_roots(beta: float | Array | str) -> TypeGuard[float]:
    """Whether the power is made of roots and divisions."""
    return isinstance(beta, float) and beta in _BY_ROOTS


@dataclass(frozen=True)
class Arithmetic:
    """The operations, each in the form that is fastest on a platform."""

    platform: Platform = None
    at_once: bool = False
    """Whether no number is used twice in a power, as roots are: that would end what
    XLA:CPU fuses with a reduction."""

    def times(self, a: float | Array, b: Array) -> Array:
        """Returns a b, in which an a of 0 prevails over a b that is not finite."""
        if isinstance(a, float):  # not 0 here
            return a * b
        # The factor is replaced, not the product, and where it is finite it stays: else
        # the derivative by a would be hidden. Where none can follow, no need to look.
        replaced = a == 0
        if self.platform is None:
            replaced &= ~jnp.isfinite(b)
        return a * jnp.where(replaced, 0, b)

    def divide(self, a: Array, s: Array) -> Array:
        """Returns a / s for positive `s`."""
        # On GPU a root is one instruction, and the power has it already.
        return a * lax.square(lax.rsqrt(s)) if self.platform == "gpu" else a / s

    def negative_power(self, s: Array, beta: float | Array) -> Array:
        r"""Returns :math:`s^{-\beta}` for positive `s`.

        A number among 0.25, 0.5, 0.75, 1 and 2 is computed from square roots and
        divisions; any other, and every array, as :math:`e^{-\beta \log s}`, whose
        relative error is at most :math:`2 + |\beta \log s|` units in the last place,
        with :math:`\beta` as the dtype of `s` rounds it. (`lax.pow` calls a scalar
        function for each element on CPU, which costs more than all else in the
        normalization together.)
        """
        if self.at_once and isinstance(beta, float):
            return jnp.power(s, -beta)
        if is_by_roots(beta):
            return _BY_ROOTS[beta](s, self.platform)
        return jnp.exp(-self.times(beta, jnp.log(s)))
