"""Functions that XLA:CPU computes apart from the rest of a program.

XLA:CPU fuses arithmetic that goes element by element into each loop that needs its
result. Cheap arithmetic is done again for each of them, and in whichever order the loop
asks for elements. Where the loop is a transposed copy, and what it copies the sum of
all residual branches before it, this costs more than the convolution behind it.
"""

from collections.abc import Callable
from typing import Any

import jax
from jax import Array
from jax.experimental.xla_metadata import set_xla_metadata


def apart(function: Callable[..., Array]) -> Callable[..., Array]:
    """Returns a function of the same arrays that is fused with nothing around it.

    What goes into it and what comes out is stored, once. Values are the same.
    """

    def call(*operands: Array) -> Array:
        # To XLA, a call that is not to be inlined, as the kernels of lrn_jax are.
        result: Any = set_xla_metadata(jax.jit(function)(*operands), inlineable="false")
        return result

    return call
