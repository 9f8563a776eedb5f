"""What was measured in runs, as their files tell it.

A file holds one JSON object a line. It starts with a line of kind "start" (the config,
the command, the environment), goes on with one of kind "epoch" for each epoch, and
closes with one of kind "end", which says how the run ended. A file without that line is
a run that was cut off. write.py writes them. Each line has a checksum: it may be
changed by hand, but then that is said.

`read` checks every line against schema.py, so that a `Run` can be trusted.
"""

from .read import arms_of, contrasts_of, read, read_run, recorded
from .run import (
    Epoch,
    NonFiniteLossError,
    Result,
    Run,
    Status,
    recipe_fields,
)
from .seal import sealed

__all__ = [
    "Epoch",
    "NonFiniteLossError",
    "Result",
    "Run",
    "Status",
    "arms_of",
    "contrasts_of",
    "read",
    "read_run",
    "recipe_fields",
    "recorded",
    "sealed",
]
