"""Training: the same start for every arm, the same run twice, a stop at bad losses."""

import dataclasses
from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import data
from experiments.config.arms import ARMS, title
from experiments.config.config import Ablation, Config
from experiments.config.recipe import LRNHyperparameters, Recipe
from experiments.metrics import Epoch, NonFiniteLossError
from experiments.terminal.errors import UserError
from experiments.training import control, train
from experiments.training.compilation import CompiledArm, compile_arm
from experiments.training.feed import Placed, batches, with_first_images
from experiments.training.step import (
    Losses,
    State,
    count_parameters,
    make_functions,
    shapes,
    steps_per_epoch,
)
from lrn_jax import lrn

from .digits import DATASET, compiled, placed

RECIPE = Recipe(epochs=2)
OVERFIT = Recipe(epochs=8, dropout_rate=0.0, learning_rate=3e-3)
AUGMENTED = Recipe(epochs=2, crop=8, padding=1, flip=True, parameter_average=0.5)
run = train.train


def without_norm(state: State) -> dict:
    return {name: leaf for name, leaf in state.params.items() if name != "norm1"}


def losses_of(arm: CompiledArm, state: State, epoch: int) -> tuple[State, np.ndarray]:
    """Trains for an epoch and returns the loss of every step."""
    losses = []
    for each in arm.calls(0, epoch):
        state, result = arm.run(state, each)
        losses.append(np.asarray(result.loss))
    return state, np.concatenate(losses)


def first_batch(arm):
    return next(iter(arm.calls(0, 1)))


def test_arms_start_from_the_same_weights():
    @jax.jit
    def initial():
        return {arm: make_functions(OVERFIT, arm, DATASET).init(0) for arm in ARMS}

    states = initial()
    baseline = states["none"]
    assert set(without_norm(baseline)) == {"conv", "hidden", "logits"}
    for state in states.values():
        chex.assert_trees_all_equal(without_norm(state), without_norm(baseline))
        np.testing.assert_array_equal(state.key, baseline.key)  # of everything random


@pytest.mark.parametrize(
    "norm",
    [
        # A norm with statistics and one that learns; the others repeat it.
        arm
        if arm in ("batch_norm", "divisive")
        else pytest.param(arm, marks=pytest.mark.slow)
        for arm in ARMS
    ],
)
def test_arms_overfit_one_batch(norm):
    arm = compiled(OVERFIT, norm)
    state, batch = arm.init(0), first_batch(arm)
    losses = []
    for _ in range(120):
        state, loss = arm.run(state, batch)
        losses.append(float(loss.loss[0]))
    assert losses[0] > 2
    assert losses[-1] < 0.1


def test_seeds_start_from_different_weights():
    init = compiled(RECIPE, "none").init
    first, second = init(0), init(1)
    assert np.any(first.params["conv"]["kernel"] != second.params["conv"]["kernel"])
    assert np.any(first.key != second.key)


@pytest.mark.slow
def test_arm_whose_layer_does_nothing_trains_like_the_one_without():
    # Everything but the layer is the same: images, crops, flips, dropout.
    identity = LRNHyperparameters(bias=1, alpha=0)
    recipe = dataclasses.replace(AUGMENTED, lrn=identity)
    arms = compiled(AUGMENTED, "none"), compiled(recipe, "lrn")
    without, with_identity = (losses_of(arm, arm.init(0), 1)[1] for arm in arms)
    np.testing.assert_allclose(with_identity, without, rtol=1e-5)


def test_number_of_parameters_that_norms_add():
    sizes = {norm: count_parameters(shapes(RECIPE, norm, DATASET)) for norm in ARMS}
    added = {norm: size - sizes["none"] for norm, size in sizes.items()}
    assert added == {
        "none": 0,
        "lrn": 0,
        "scaled": 0,
        "lrn_within": 0,
        "whole_map": 0,
        "divisive": 3 * 32,
        "batch_norm": 2 * 32,
        "batch_norm_before_relu": 2 * 32,
        "lrn_batch_norm": 2 * 32,
        "layer_norm": 2 * 32,
        "group_norm": 2 * 32,
        "rms_norm": 32,
    }


def test_order_of_images_depends_on_seed_and_epoch_alone():
    order = partial(batches, size=103, batch_size=10)
    np.testing.assert_array_equal(order(3, 1), order(3, 1))
    assert np.any(order(3, 1) != order(3, 2))
    assert np.any(order(3, 1) != order(4, 1))
    assert order(3, 1).shape == (10, 10)
    assert len(set(order(3, 1).ravel())) == 100


def test_same_seed_gives_the_same_run():
    norm = "lrn_batch_norm"

    def without_times(result):
        return [
            dataclasses.replace(epoch, train_seconds=0.0) for epoch in result.epochs
        ], result.test.loss

    seen: list[Epoch] = []
    steps: list[int] = []
    first = run(
        Config(RECIPE, norm, 5), placed(), on_epoch=seen.append, on_steps=steps.append
    )
    misses = compile_arm.cache_info().misses
    assert without_times(first) == without_times(run(Config(RECIPE, norm, 5), placed()))
    other = run(Config(RECIPE, norm, 6), placed())
    assert without_times(first) != without_times(other)
    assert tuple(seen) == first.epochs
    assert [epoch.epoch for epoch in seen] == [1, 2]
    assert sum(steps) == 2 * (1294 // 64)
    assert first.epochs[1].train_loss < first.epochs[0].train_loss

    # The arm was compiled once for all its seeds.
    assert compile_arm.cache_info().misses == misses
    assert first.compile_seconds == other.compile_seconds


def test_training_is_seen_in_the_accuracy():
    ended = []
    result = run(
        Config(OVERFIT, "batch_norm", 0),
        placed(),
        on_end=lambda state, activations: ended.append((state, activations)),
    )
    assert result.test is not None
    assert result.test.accuracy > 0.9  # chance is 0.1
    assert result.step_seconds == pytest.approx(
        np.median([epoch.train_seconds for epoch in result.epochs]) / 20
    )
    assert result.memory_bytes is not None
    assert result.memory_bytes > DATASET.train.labels.nbytes
    [(state, activations)] = ended
    again = compiled(OVERFIT, "batch_norm").evaluate(state, DATASET.test)
    np.testing.assert_array_equal(again.hits, result.test.hits)
    assert again.loss == result.test.loss
    # (before, after) the norm, of held-out images
    assert [len(each) for each in activations["norm1"]] == [
        min(64, len(DATASET.validation))
    ] * 2


@pytest.mark.slow
def test_several_steps_in_one_call_are_the_same_steps():
    recipe = Recipe(epochs=2, batch_size=256)
    one = compiled(recipe, "none")
    some = compile_arm(recipe, "none", placed(), steps_per_call=4)
    assert [len(each) for each in some.calls(0, 1)] == [3, 2]  # not 4 and 1
    assert {len(each) for each in one.calls(0, 1)} == {1}  # this is a CPU
    (one_state, one_losses), (some_state, some_losses) = (
        losses_of(arm, arm.init(0), 1) for arm in (one, some)
    )
    np.testing.assert_allclose(some_losses, one_losses, rtol=1e-4)
    assert int(some_state.step) == int(one_state.step) == 5


class OnDemand:
    """A part of a data set that is not in memory, as far as one can see."""

    def __init__(self, split: data.Split):
        self.labels, self.image_shape = split.labels, split.image_shape
        self.take = split.take

    def __len__(self) -> int:
        return len(self.labels)


def test_streamed_images_are_the_same_images():
    resident = compiled(RECIPE, "none")
    train = OnDemand(data.gather(DATASET.train))
    dataset = dataclasses.replace(DATASET, train=train)
    streamed = compile_arm(RECIPE, "none", Placed(dataset, placed().mesh))
    images, labels = first_batch(streamed)
    assert images.shape == (1, 64, 8, 8, 1)
    assert labels.shape == (1, 64)
    np.testing.assert_array_equal(
        losses_of(streamed, streamed.init(0), 1)[1],
        losses_of(resident, resident.init(0), 1)[1],
    )


def test_dropout_draws_new_units_at_every_step():
    arm = compiled(RECIPE, "none")
    batch = first_batch(arm)

    def loss_at(step: int) -> float:
        state = arm.init(0)._replace(step=jnp.asarray(step, jnp.int32))
        return float(arm.run(state, batch)[1].loss[0])

    assert loss_at(0) == loss_at(0) != loss_at(1)


def test_evaluation_uses_the_running_statistics_of_batch_norm():
    arm = compiled(OVERFIT, "batch_norm")
    test = DATASET.test
    assert isinstance(test, data.Split)
    start = arm.init(0)
    before = jax.tree.map(np.asarray, start.model_state["batch_stats"])
    state, _ = arm.run(start, first_batch(arm))
    after = jax.tree.map(np.asarray, state.model_state["batch_stats"])
    assert np.any(
        after["norm1"]["BatchNorm_0"]["mean"] != before["norm1"]["BatchNorm_0"]["mean"]
    )

    # An image is judged alike whatever images are beside it, and nothing is updated.
    whole = arm.evaluate(state, test)
    reversed_parts = test.take(np.arange(len(test))[::-1])
    backwards = arm.evaluate(state, reversed_parts)
    np.testing.assert_array_equal(backwards.hits[::-1], whole.hits)
    assert backwards.loss == pytest.approx(whole.loss, 1e-6)
    assert backwards.calibration_error == pytest.approx(whole.calibration_error, 1e-5)
    halves = [
        arm.evaluate(state, test.take(part))
        for part in np.array_split(np.arange(len(test)), 2)
    ]
    hits = np.concatenate([half.hits for half in halves])
    np.testing.assert_array_equal(hits, whole.hits)
    losses = [half.loss for half in halves]
    mean = np.average(losses, weights=[len(half.hits) for half in halves])
    assert mean == pytest.approx(whole.loss, 1e-6)
    chex.assert_trees_all_equal(
        jax.tree.map(np.asarray, state.model_state["batch_stats"]), after
    )


def test_parameters_can_be_averaged_for_evaluation():
    arm = compiled(AUGMENTED, "none")
    start = arm.init(0)
    initial = np.asarray(start.params["logits"]["kernel"])
    state, _ = arm.run(start, first_batch(arm))
    # The decay at step n is (1 + n) / (10 + n), as long as that is less.
    expected = 2 / 11 * initial + 9 / 11 * np.asarray(state.params["logits"]["kernel"])
    np.testing.assert_allclose(state.average["logits"]["kernel"], expected, rtol=1e-5)

    test = DATASET.test
    measured = arm.evaluate(state, test)
    own = arm.evaluate(state._replace(average=state.params), test)
    assert measured.loss != own.loss


def test_network_computes_in_bfloat16_and_keeps_float32():
    recipe = Recipe(epochs=2, dtype="bfloat16")
    arm = compiled(recipe, "lrn_batch_norm")
    functions = make_functions(recipe, "lrn_batch_norm", DATASET)
    images = jax.ShapeDtypeStruct((2, 8, 8, 1), jnp.uint8)
    state = jax.eval_shape(functions.init, 0)
    activations = jax.eval_shape(functions.around_norms, state, images)
    assert {each.dtype for each in activations["norm1"]} == {jnp.dtype("bfloat16")}
    state, losses = losses_of(arm, arm.init(0), 1)
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(state.params)} == {"float32"}
    same = compiled(RECIPE, "lrn_batch_norm")
    exact = losses_of(same, same.init(0), 1)[1]
    np.testing.assert_allclose(losses, exact, rtol=0.1)
    assert np.any(losses != exact)


def test_scaled_is_the_median_gain_of_lrn_on_the_first_batch():
    constants = LRNHyperparameters(depth_radius=1, bias=1.5, alpha=3.0, beta=0.6)
    recipe = Recipe(network="caffe_quick", dropout_rate=0.0, lrn=constants)
    state = compiled(recipe, "scaled").init(3)
    indices = batches(3, 1, len(DATASET.train), recipe.batch_size)[0]
    images = DATASET.train.take(indices).images
    functions = make_functions(recipe, "lrn", DATASET)
    around = jax.jit(lambda x: functions.around_norms(functions.init(3), x))(images)
    assert list(around) == ["norm1", "norm2"]
    for place, (x, y) in around.items():
        x, y = np.asarray(x), np.asarray(y)
        expected = np.median(y[x != 0] / x[x != 0])
        factor = state.model_state["scale"][place]["Scaled_0"]["factor"]
        np.testing.assert_allclose(factor, expected, rtol=1e-6)


@pytest.mark.slow
def test_scaled_trains_like_lrn_that_does_not_look_at_neighbors():
    recipe = dataclasses.replace(RECIPE, lrn=LRNHyperparameters(alpha=0.0))
    arms = compiled(recipe, "scaled"), compiled(recipe, "lrn")
    (scaled_state, scaled), (_, lrn_losses) = (
        losses_of(arm, arm.init(0), 1) for arm in arms
    )
    np.testing.assert_allclose(scaled, lrn_losses, rtol=1e-5)
    factor = scaled_state.model_state["scale"]["norm1"]["Scaled_0"]["factor"]
    assert factor == pytest.approx(2**-0.75, 1e-6)


@pytest.mark.parametrize(
    ("bias", "contrasts", "stays"),
    [(2.0, (), True), (1.0, (), False), (1.0, ("lrn-scaled",), True)],
)
def test_scaled_is_left_out_where_it_has_nothing_to_scale(bias, contrasts, stays):
    identity = LRNHyperparameters(bias=bias, alpha=0.0)
    ablation = Ablation(
        recipe=dataclasses.replace(RECIPE, lrn=identity),
        norms=("none", "scaled", "lrn"),
        contrasts=contrasts,
    )
    kept, note = control.without_idle(ablation, placed())
    assert ("scaled" in kept.norms) == stays
    assert ("median gain 1)" in note) == (not stays)


@pytest.mark.slow
def test_gains_are_of_the_first_layer_and_of_arms_that_have_one():
    acting = LRNHyperparameters(alpha=6.5)
    recipe = dataclasses.replace(RECIPE, epochs=1, lrn=acting)
    results = {
        norm: run(Config(recipe, norm, 0), placed())
        for norm in ("lrn_batch_norm", "scaled", "batch_norm")
    }
    both = results["lrn_batch_norm"].gains["norm1"]
    assert not both.constant
    assert both.high <= 2**-0.75 * 1.0001  # no larger than where windows are empty
    assert results["scaled"].gains["norm1"].constant
    assert results["batch_norm"].gains == {}


@pytest.mark.parametrize("norm", ["none", "lrn", "batch_norm"])
def test_activations_are_those_around_the_norm(norm):
    functions = make_functions(OVERFIT, norm, DATASET)
    images = DATASET.test.take(np.arange(3)).images
    around = jax.jit(lambda x: functions.around_norms(functions.init(0), x))(images)
    before, after = around["norm1"][0], around["norm1"][-1]
    assert before.shape == after.shape == (3, 6, 6, 32)
    assert before.min() == 0 < before.max()  # after the activation
    expected = {
        "none": before,
        "lrn": lrn(before),
        "batch_norm": before / np.sqrt(1 + 1e-5),  # its statistics at the start
    }
    np.testing.assert_allclose(after, expected[norm], rtol=1e-6)


def test_loss_that_is_not_finite_stops_the_run_at_its_step():
    recipe = Recipe(epochs=2, learning_rate=1e30)
    with pytest.raises(
        NonFiniteLossError, match=r"the (loss|norm of the gradient) was (nan|inf) at"
    ) as raised:
        run(Config(recipe, "none", 0), placed())

    # The same steps without the check.
    arm = compiled(recipe, "none")
    state, finite = arm.init(0), []
    for each in arm.calls(0, 1):
        state, losses = arm.run(state, each)
        finite.append(
            np.isfinite(losses.loss[0]) & np.isfinite(losses.gradient_norm[0])
        )
    assert raised.value.step == 1 + int(np.argmin(finite))


@pytest.mark.slow
def test_last_step_that_diverges_is_seen_in_the_loss_after_it():
    recipe = Recipe(epochs=1, batch_size=1294, optimizer="sgd", learning_rate=1e38)
    message = "the loss on the validation images was nan after step 1"
    with pytest.raises(NonFiniteLossError, match=message):
        run(Config(recipe, "none", 0), placed())


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        ([1.0, np.nan], "the loss on the validation images was nan after step 40"),
        ([1.0, 2.0, np.inf], "the loss on the test images was inf after step 40"),
    ],
)
def test_loss_on_other_images_must_be_finite(losses, message, monkeypatch):
    measured = iter(losses)
    arm = compiled(RECIPE, "none")
    evaluation = arm.evaluate(arm.init(0), DATASET.test)
    arm = arm._replace(
        evaluate=lambda *_: dataclasses.replace(evaluation, loss=next(measured))
    )
    monkeypatch.setattr(train, "compile_arm", lambda *arguments: arm)
    with pytest.raises(NonFiniteLossError, match=message):
        run(Config(RECIPE, "none", 0), placed())


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        (([1.0, np.inf], [1.0, np.nan]), "the loss was inf at step 12"),
        (([1.0, 2.0, 3.0], [1.0, 2.0, np.inf]), "gradient was inf at step 13"),
    ],
)
def test_step_is_named_within_a_call(losses, message):
    arrays = Losses(*map(jnp.asarray, losses))
    with pytest.raises(NonFiniteLossError, match=message):
        train._check_finite(arrays, 11)


def test_layers_of_flax_can_be_had_instead():
    def program(*names) -> str:
        functions = make_functions(Recipe(plain_layers=names), "none", DATASET)
        images = jax.ShapeDtypeStruct((2, 8, 8, 1), jnp.uint8)
        labels = jax.ShapeDtypeStruct((2,), jnp.int32)
        state = jax.eval_shape(functions.init, 0)
        return str(jax.make_jaxpr(functions.step)(state, images, labels))

    programs = [program(), program("max_pooling"), program("all")]
    # The primitive of our convolution, and the choice by platform of our pooling.
    assert [" convolution[" in each for each in programs] == [True, True, False]
    assert ["platform_index" in each for each in programs] == [True, False, False]


def test_sweep_makes_an_arm_of_each_value():
    ablation = Ablation(norms=("none", "lrn"), seeds=2, sweep="alpha=1e-4,0.1")
    configs = ablation.configs()
    assert [config.arm for config in configs] == [
        "none",
        "lrn-alpha=0.0001",
        "lrn-alpha=0.1",
    ] * 2
    assert [config.recipe.lrn.alpha for config in configs[:3]] == [1e-4, 1e-4, 0.1]
    assert title("lrn-alpha=0.1") == "LRN, alpha=0.1"
    close = Ablation(norms=("lrn",), seeds=1, sweep="alpha=0.1,0.10000000001")
    names = [config.arm for config in close.configs()]
    assert names == ["lrn-alpha=0.1", "lrn-alpha=0.10000000001"]
    [radius] = Ablation(norms=("lrn",), seeds=1, sweep="depth-radius=4").configs()
    assert radius.recipe.lrn == LRNHyperparameters(depth_radius=4)
    assert isinstance(radius.recipe.lrn.depth_radius, int)


@pytest.mark.parametrize(
    ("sweep", "norms", "arms"),
    [
        (
            "alpha=1",
            "none lrn scaled divisive",
            "none lrn-alpha=1 scaled-alpha=1 divisive",
        ),
        ("lrn.alpha=1", "none scaled", "none scaled-alpha=1"),
        ("lrn-within.size=5", "lrn lrn_within", "lrn lrn_within-size=5"),
        ("group_size=4", "none group_norm", "none group_norm-group_size=4"),
        ("learning-rate=1", "none lrn", "none-learning_rate=1 lrn-learning_rate=1"),
        ("crop=6", "none", "none-crop=6"),
    ],
)
def test_sweep_varies_the_arms_that_have_the_number(sweep, norms, arms):
    ablation = Ablation(norms=tuple(norms.split()), sweep=sweep)
    assert [arm.arm for arm in ablation.arms()] == arms.split()
    changed = [arm.recipe != ablation.recipe for arm in ablation.arms()]
    assert changed == [bool(arm.variant) for arm in ablation.arms()]


@pytest.mark.slow
def test_first_training_images_alone():
    recipe = dataclasses.replace(RECIPE, train_images=100, inputs="minus_mean")
    limited = with_first_images(placed(), 100)
    np.testing.assert_array_equal(
        limited.dataset.train.take(np.arange(100)).images,
        DATASET.train.take(np.arange(100)).images,
    )
    assert steps_per_epoch(recipe, DATASET) == 1
    [(indices,)] = compiled(recipe, "none").calls(0, 1)
    assert np.asarray(indices).max() < 100
    # Nothing else of the data is another, and the mean is that of those images.
    assert limited.dataset.test is DATASET.test
    state = compiled(recipe, "none").init(0)
    by_hand = compile_arm(
        dataclasses.replace(recipe, train_images=None), "none", limited
    )
    ours = compiled(recipe, "none").evaluate(state, DATASET.validation)
    assert ours.loss == by_hand.evaluate(state, DATASET.validation).loss


def test_batch_larger_than_the_data_is_refused():
    with pytest.raises(UserError, match=r"1294 without those .* got 2000"):
        run(Config(Recipe(batch_size=2000), "none", 0), placed())
