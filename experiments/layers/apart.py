"""Functions that XLA:CPU computes apart from the rest of a program.

XLA:CPU fuses arithmetic that goes element by element into each loop that needs its
result. Cheap arithmetic is done again for each of them, and in whichever order the loop
asks for elements. Where the loop is a transposed copy, and what it copies the sum of
all residual branches before it, this costs more than the convolution behind it.
"""

from collections.abc import Callable

import jax
from jax import Array
from jax.experimental.xla_metadata import set_xla_metadata


def apart(function: Callable[..., Array]) -> Callable[..., Array]:
    """Returns a function of the same arrays that is fused with nothing around it.

    What goes into it and what comes out is stored, once. Values are the same.
    """

    @jax.jit
    def whole(*operands: Array) -> Array:
        with set_xla_metadata(inlineable=None):  # what it calls is a part of it
            return function(*operands)

    def call(*operands: Array) -> Array:
        with set_xla_metadata(inlineable="false"):
            return whole(*operands)

    return call
