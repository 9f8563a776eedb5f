"""How fast is local response normalization, here and elsewhere, next to a copy?

Layers import downward only: clock, cases, hlo <- contenders <- measure, options,
environment <- report <- plot <- __main__.
"""
