"""How fast is local response normalization, and the training it is part of?

`layer` measures the operation, `step` the training step; `aot` compiles the operation
for machines that are not here. Layers import downward only:
turns <- environment, records, tables <- options <- run <- layer, step, aot <- __main__.
"""
