"""Does local response normalization help? The same network, trained with and without.

Imports go one way: terminal <- models <- config <- data <- metrics <- training <-
report <- ablate <- __main__. README.md says what is in each.
"""
