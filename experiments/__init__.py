"""Does local response normalization help? The same network, trained with and without.

Layers import downward only: signals, text <- errors <- console, metrics, data, files,
significance <- config, directories <- recipes, norms <- models, augment, optimizer,
parallel, help_texts <- program <- checkpoint <- train <- records <- statistics,
tensorboard <- plots, tables <- merge <- report, resume <- ablate <- __main__.
"""
