"""From a recipe and a data set to trained weights: steps, feed, devices, states."""
