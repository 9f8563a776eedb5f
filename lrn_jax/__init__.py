"""Local response normalization for JAX."""

from typing import TYPE_CHECKING

from . import conventions as conventions
from ._implementations import IMPLEMENTATIONS as IMPLEMENTATIONS
from ._lrn import lrn as lrn

if TYPE_CHECKING:
    from . import linen as linen
    from . import nnx as nnx
else:

    def __getattr__(name):
        """Imports the modules that need flax when they are asked for."""
        if name in ("linen", "nnx"):
            from importlib import import_module

            return import_module(f".{name}", __name__)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = ["IMPLEMENTATIONS", "conventions", "lrn"]
__version__ = "0.2.0"
