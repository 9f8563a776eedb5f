"""The operation, beside its peers and a copy of the same bytes.

Layers import downward only: cases, hlo <- contenders <- options, measure <- plan;
tables <- plot.
"""
