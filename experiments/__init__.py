"""Does local response normalization help? The same network, trained with and without.

Layers import downward only: config <- data, norms, models <- train <- records <-
statistics <- plots, report <- ablate <- __main__.
"""
