"""One run: `train(config, placed) -> Result`."""

import math
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ..config.arms import ARMS
from ..config.config import Config
from ..metrics import Epoch, NonFiniteLossError, Result
from ..metrics.evaluation import Evaluation, gains
from .checkpoint import Checkpoints
from .compilation import CompiledArm, compile_arm
from .feed import Placed
from .step import Losses, State, count_parameters, steps_per_epoch

# By place: before the norm, and after each of its layers.
Activations = Mapping[str, Sequence[np.ndarray]]

_IMAGES_AROUND_NORMS = 64


def _check_finite(losses: Losses, first_step: int) -> np.ndarray:
    """Returns the losses of some steps, of which all must be finite."""
    loss, gradient_norm = np.asarray(losses.loss), np.asarray(losses.gradient_norm)
    bad = ~(np.isfinite(loss) & np.isfinite(gradient_norm))
    if bad.any():
        i = int(bad.argmax())
        raise NonFiniteLossError(
            first_step + i, float(loss[i]), float(gradient_norm[i])
        )
    return loss


def _train_epoch(
    arm: CompiledArm,
    state: State,
    seed: int,
    epoch: int,
    steps: int,
    on_steps: Callable[[int], None],
) -> tuple[State, float]:
    """Returns the state after an epoch, and the mean loss of its steps."""
    total = 0.0
    step = (epoch - 1) * steps + 1
    waiting: Losses | None = None
    for batches in arm.calls(seed, epoch):
        state, losses = arm.run(state, batches)
        # To look at the losses of the call before this one leaves the device something
        # to do.
        if waiting is not None:
            checked = _check_finite(waiting, step)
            total, step = total + float(checked.sum(dtype=float)), step + len(checked)
        waiting = losses
        on_steps(len(losses.loss))
    assert waiting is not None  # there is at least one step
    total += float(_check_finite(waiting, step).sum(dtype=float))
    return state, total / steps


def train(
    config: Config,
    placed: Placed,
    *,
    checkpoints: Checkpoints | None = None,
    earlier: Sequence[Epoch] = (),
    on_steps: Callable[[int], None] = lambda number: None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    on_end: Callable[[State, Activations], None] = lambda state, activations: None,
) -> Result:
    """Trains one network and tests it once, after the last epoch.

    A draw of tuning is not tested: what is chosen by must not be the test images.

    Runs that differ in the norm alone start from the same weights and see the same
    images in the same order: weights, order, augmentation and dropout depend on the
    seed only.

    Args:
      config: The run.
      placed: The data set, and the devices to divide each batch among.
      checkpoints: Where states are saved, and the last one is, after `earlier`.
      earlier: Epochs of this run that are done already.
      on_steps: Called after some training steps, with their number.
      on_epoch: Called with the metrics of every epoch, before its state is saved.
      on_end: Called with the state after the last epoch, and the activations around
        the norms of some held-out images.

    Returns:
      The metrics of every epoch, and of the test images, if it is tested.

    Raises:
      NonFiniteLossError: If loss or gradient of a step are not finite, or the loss on
        other images after it; it names the step.
      UserError: If the data do not fit the recipe, or a checkpoint cannot be written
        or read.
    """
    recipe = config.recipe
    dataset = placed.dataset
    steps = steps_per_epoch(recipe, dataset)
    arm = compile_arm(recipe, config.norm, placed)

    def evaluate(state: State, images: str, epoch: int) -> Evaluation:
        # The last step's gradient shows in no loss of a training step.
        evaluation = arm.evaluate(state, getattr(dataset, images))
        if not math.isfinite(evaluation.loss):
            raise NonFiniteLossError(epoch * steps, evaluation.loss, images=images)
        return evaluation

    state = arm.init(config.seed)
    if earlier:
        assert checkpoints is not None  # else there is nothing to go on from
        state = checkpoints.restore(state)

    epochs = list(earlier)
    for epoch in range(len(earlier) + 1, recipe.epochs + 1):
        start = time.perf_counter()
        state, train_loss = _train_epoch(
            arm, state, config.seed, epoch, steps, on_steps
        )
        train_seconds = time.perf_counter() - start
        validation = evaluate(state, "validation", epoch)
        epochs.append(
            Epoch(
                epoch=epoch,
                train_loss=train_loss,
                validation_loss=validation.loss,
                validation_accuracy=validation.accuracy,
                train_seconds=train_seconds,
            )
        )
        on_epoch(epochs[-1])
        if checkpoints is not None:
            checkpoints.save(epoch, state)

    test = None if config.is_draw else evaluate(state, "test", recipe.epochs)
    some = np.arange(min(_IMAGES_AROUND_NORMS, len(dataset.validation)))
    activations = arm.around_norms(state, dataset.validation.take(some).images)
    on_end(state, activations)
    return Result(
        config=config,
        parameters=count_parameters(state),
        compile_seconds=arm.compile_seconds,
        epochs=tuple(epochs),
        test=test,
        gains=gains({place: (x, y) for place, (x, y, *_) in activations.items()})
        if ARMS[config.norm].gain
        else {},
        step_seconds=float(np.median([each.train_seconds for each in epochs])) / steps,
        memory_bytes=arm.memory_bytes,
    )
