"""One run with all that is kept of it: metrics, checkpoints, activations, events."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..config.arms import title
from ..config.config import Ablation, Config
from ..metrics import (
    Epoch,
    NonFiniteLossError,
    Result,
    Run,
    activation_file,
    activation_summary,
    resume,
)
from ..metrics import write as records
from ..models import FIRST_NORM
from ..terminal.errors import UserError
from . import parallel, tensorboard
from .checkpoint import Checkpoints
from .feed import Placed
from .step import steps_per_epoch
from .train import Activations, train


def run(
    ablation: Ablation,
    config: Config,
    directory: Path,
    start: Mapping[str, Any],
    placed: Placed,
    on_steps: Callable[[int], None],
) -> str:
    """Trains one run, unless that is done, and writes what is kept of it.

    Args:
      ablation: What else is wanted of every run.
      config: The run.
      directory: Where it is written.
      start: The facts of its first line, beside its config.
      placed: The data set, and the devices to divide each batch among.
      on_steps: Called after some training steps, with their number.

    Returns:
      How it ended, in words.

    Raises:
      UserError: If something cannot be read or written.
    """
    with (
        records.held_run(directory, config)
        if parallel.is_main_process()
        else nullcontext(True) as mine
    ):
        if mine:
            return _run_held(ablation, config, directory, start, placed, on_steps)
    if ablation.distributed:  # the others train it, and would wait
        raise UserError(
            f"{title(config.arm)}, seed {config.seed} in {directory} is trained by "
            "another process. Wait for its end."
        )
    return "trained by another process"


def _keep_activations(activations: Activations, path: Path) -> None:
    """Writes what the first norm does to some images, for the report."""
    before, after = activations[FIRST_NORM][0], activations[FIRST_NORM][-1]
    if parallel.is_main_process() and np.isfinite([before, after]).all():
        activation_file.save(path, activation_summary.summarize(before, after))


def _events(
    ablation: Ablation,
    config: Config,
    directory: Path,
    placed: Placed,
    content: dict[str, Any],
    earlier: Sequence[Epoch],
) -> AbstractContextManager[tensorboard.Writer | None]:
    """Opens the event files of a run, where they are wanted."""
    if not ablation.tensorboard or not parallel.is_main_process():
        return nullcontext()
    steps = steps_per_epoch(config.recipe, placed.dataset)
    return tensorboard.writer(directory, config, steps, content, earlier)


def _kept(begun: Run, epochs: int, start: Mapping[str, Any]) -> Run:
    """Returns the part of a run that is kept where it goes on after some epochs.

    If it goes on with something else than before, its first line will say so.
    """
    content = begun.start
    if resume.made_with(content) != resume.made_with(start):
        part = {name: start[name] for name in ("environment", "devices")}
        resumed = [*content.get("resumed", []), {"after_epoch": epochs, **part}]
        content = {**content, "resumed": resumed}
    return replace(begun, start=content, epochs=begun.epochs[:epochs])


def _outcome(result: Result) -> str:
    last, test = result.epochs[-1], result.test
    measured = (
        f"validation loss {last.validation_loss:.4g}"
        if test is None
        else f"test accuracy {test.accuracy:.2%}"
    )
    seconds = sum(epoch.train_seconds for epoch in result.epochs)
    return f"{measured}, trained in {seconds:.1f} s"


def _run_held(
    ablation: Ablation,
    config: Config,
    directory: Path,
    start: Mapping[str, Any],
    placed: Placed,
    on_steps: Callable[[int], None],
) -> str:
    """Does `run` for a run that no other process does."""
    path = records.path_of(directory, config).with_suffix(".checkpoint")
    checkpoints = Checkpoints(path, ablation.checkpoint_seconds)
    begun = records.find(directory, config)
    # More draws may have changed what tuning chose since then.
    replaced = begun is not None and bool(resume.different_fields(begun, config))
    if begun is not None and begun.status != "interrupted" and not replaced:
        if parallel.is_main_process() and not ablation.keep_checkpoints:
            checkpoints.remove()  # there is one if it was killed just then
        # They may not have been wanted then, or not have been finished.
        with _events(
            ablation, config, directory, placed, begun.start, begun.epochs
        ) as events:
            if events is not None and begun.completed:
                events.completed(begun.end["test_loss"], begun.end["test_accuracy"])
        return f"{begun.status} before"
    kept = None
    if (
        begun is not None
        and not begun.changed
        and not replaced
        and 0 < checkpoints.latest <= len(begun.epochs)
    ):
        kept = _kept(begun, checkpoints.latest, start)
    earlier = () if kept is None else kept.epochs

    def on_end(state: Any, activations: Activations) -> None:
        if config.seed == 0:
            path = activation_file.path_of(directory, config.arm)
            _keep_activations(activations, path)
        if ablation.keep_checkpoints:
            checkpoints.save(config.recipe.epochs, state, now=True)

    parallel.wait_for_others("start")  # all have read what is written to now
    if parallel.is_main_process() and kept is None:
        checkpoints.remove()  # of a run whose metrics somebody removed
    content = {**asdict(config), **start} if kept is None else kept.start
    with (
        records.writer(directory, config, kept=kept)
        if parallel.is_main_process()
        else nullcontext(records.Writer(lambda line: None)) as writer,
        _events(ablation, config, directory, placed, content, earlier) as events,
    ):
        if kept is None:
            writer.start(config, **start)

        def on_epoch(epoch: Epoch) -> None:
            writer.epoch(epoch)
            if events is not None:
                events.epoch(epoch)

        try:
            result = train(
                config,
                placed,
                checkpoints=checkpoints,
                earlier=earlier,
                on_steps=on_steps,
                on_epoch=on_epoch,
                on_end=on_end,
            )
        except NonFiniteLossError as error:
            writer.diverged(error)
            outcome = f"diverged, {error}"
        else:
            writer.ended(result)
            if events is not None and result.test is not None:
                events.completed(result.test.loss, result.test.accuracy)
            outcome = _outcome(result)
    parallel.wait_for_others("end")
    if parallel.is_main_process() and not ablation.keep_checkpoints:
        checkpoints.remove()
    if replaced:
        outcome += ", in place of a run with what fewer draws had chosen"
    return outcome
