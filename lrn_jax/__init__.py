"""Local response normalization for JAX."""

from . import conventions as conventions
from ._implementations import IMPLEMENTATIONS as IMPLEMENTATIONS
from ._lrn import lrn as lrn

__all__ = ["IMPLEMENTATIONS", "conventions", "lrn"]
__version__ = "0.2.0"
