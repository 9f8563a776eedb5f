"""What XLA compiles `lrn` to, for machines that are not here. Nothing runs.

Layers import downward only: targets <- programs, options, tables <- plan.
"""
