"""The hyperparameters as a program gets them: compiled in, or as arrays."""

from dataclasses import dataclass
from typing import NamedTuple

import jax
from jax import Array


@jax.tree_util.register_static
@dataclass(frozen=True)
class Constant:
    """A hyperparameter that is compiled in: a pytree without leaves."""

    value: float


class Hyperparameters(NamedTuple):
    """Each a constant, or an array: a scalar, or one that broadcasts to x."""

    bias: Constant | Array
    alpha: Constant | Array
    beta: Constant | Array

    def values(self) -> tuple[float | Array, float | Array, float | Array]:
        """Returns bias, alpha and beta to calculate with."""
        bias, alpha, beta = (
            one.value if isinstance(one, Constant) else one for one in self
        )
        return bias, alpha, beta
