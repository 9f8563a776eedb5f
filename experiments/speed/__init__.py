"""Images per second of the training step, of every recipe and arm, beside PyTorch."""
