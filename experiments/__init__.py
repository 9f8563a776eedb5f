"""Does local response normalization help? The same network, trained with and without.

Layers import downward only: text <- errors <- metrics, data, significance <- config
<- recipes, norms <- models, augment, optimizer, parallel, help_texts <- program
<- checkpoint <- train <- records <- statistics, tensorboard <- plots, tables
<- report <- ablate <- __main__.
"""
