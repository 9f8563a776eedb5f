"""``python -m lrn_jax.conventions`` prints the table of conventions."""

from . import describe

print(describe())
