"""The training step of every recipe and arm, beside PyTorch and plain layers."""
