"""Layers that the networks share, made fast on CPU as well; one technique a file."""

from functools import partial

import flax.linen as nn

from .average_pooling import average_pool as average_pool
from .convolution import conv_general_dilated
from .locally_connected import LocallyConnected as LocallyConnected
from .max_pooling import max_pool as max_pool

Conv = partial(nn.Conv, conv_general_dilated=conv_general_dilated)
"""Flax's convolution, with the program of this package on CPU."""
