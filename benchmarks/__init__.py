"""How fast is local response normalization, and the training it is part of?

`layer` measures the operation, `step` the training step. Layers import downward only:
turns <- environment, records, tables <- options <- run <- layer, step <- __main__.
"""
