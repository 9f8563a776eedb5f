"""Metrics of runs that never were, and what may be done to them."""

import json

import numpy as np

from experiments.config.arms import ARMS as TABLE
from experiments.config.config import Config, Recipe
from experiments.config.contrasts import default
from experiments.metrics import Epoch, NonFiniteLossError, Result, Run
from experiments.metrics import write as records
from experiments.metrics.evaluation import Evaluation

ARMS = ("none", "lrn", "batch_norm")
EVERY_ARM = tuple(TABLE)
ACCURACIES = {
    "none": (0.90, 0.91, 0.92, 0.93, 0.91, 0.90, 0.92, 0.93),
    "lrn": (0.90, 0.92, 0.91, 0.93, 0.92, 0.90, 0.91, 0.93),
    "batch_norm": (0.95, 0.961, 0.969, 0.98, 0.96, 0.951, 0.969, 0.98),
}
"""Of eight seeds: one arm like the baseline, one clearly better."""
ENVIRONMENT = {"commit": "abc", "device": "a <processor>", "jax": "1.2"}
ORIGIN = {
    "command": "python -m x",
    "environment": ENVIRONMENT,
    "dataset_title": "MNIST",
    "network": "The network: one layer.",
    "deviations": [],
    "reference": [],
}


def make_epochs(accuracy, number=3):
    """Epochs that never were."""
    return tuple(
        Epoch(
            epoch=i,
            train_loss=1 / i,
            validation_loss=1 / i,
            validation_accuracy=max(0, accuracy - 0.1 / i),
            train_seconds=0.5 + 0.1 * i,
        )
        for i in range(1, number + 1)
    )


def make_evaluation(accuracy, number=1000):
    """The test of a run that never was, with a loss of 0.1."""
    hits = np.arange(number) < round(accuracy * number)
    return Evaluation(loss=0.1, hits=hits, calibration_error=0.02)


def make_run(norm, seed, accuracy, *, epochs=3, **start) -> Run:
    """A run of any arm, which was never written."""
    beginning = {
        "norm": norm,
        "arms": EVERY_ARM,
        **ORIGIN,
        **start,
        "recipe": {"dataset": "mnist", "epochs": epochs, **start.get("recipe", {})},
    }
    end = {"status": "completed", "test_loss": 0.1, "test_accuracy": accuracy}
    return Run(norm, seed, "completed", beginning, make_epochs(accuracy, epochs), end)


def make_runs(accuracies=ACCURACIES, **start) -> list[Run]:
    """Runs of arms, the baseline first, with the accuracies of their seeds."""
    return [
        make_run(norm, seed, accuracy, arms=[*accuracies], **start)
        for norm, values in accuracies.items()
        for seed, accuracy in enumerate(values)
    ]


def write_run(
    directory, norm, seed, accuracy, *, end="completed", num_epochs=3, arms=ARMS
):
    """Writes the metrics of a run that never was."""
    directory.mkdir(exist_ok=True)
    config = Config(Recipe(epochs=3), norm, seed)
    epochs = make_epochs(accuracy, num_epochs)
    with records.writer(directory, config) as writer:
        writer.start(config, arms=arms, contrasts=default(arms), **ORIGIN)
        for epoch in epochs:
            writer.epoch(epoch)
        if end == "completed":
            test = make_evaluation(accuracy)
            writer.ended(Result(config, 1234, 1.0, epochs, test))
        elif end == "diverged":
            writer.diverged(NonFiniteLossError(17, float("nan")))


def amend(directory, pattern="*", **changes):
    """Adds to the first lines of runs, or to their last with `end`."""
    last = changes.pop("end", {})
    for path in directory.glob(f"{pattern}.jsonl"):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        lines[0] |= changes
        lines[-1] |= last
        text = "".join(json.dumps(line) + "\n" for line in lines)
        path.write_text(text, encoding="utf-8")
