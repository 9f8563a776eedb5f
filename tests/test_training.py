"""Training: the same start for every arm, the same run twice, a stop at bad losses."""

import dataclasses

import chex
import jax
import numpy as np
import pytest

from experiments import data
from experiments.config import Config, Recipe
from experiments.errors import UserError
from experiments.norms import NORMS
from experiments.train import (
    Epoch,
    NonFiniteLossError,
    State,
    batches,
    evaluate,
    make_program,
    train,
)

RECIPE = Recipe(epochs=2)
OVERFIT = Recipe(dropout_rate=0.0, learning_rate=3e-3)


@pytest.fixture(params=NORMS)
def norm(request):
    """Each arm."""
    return request.param


def initial_state(norm, seed: int) -> State:
    return make_program(RECIPE, norm).init(jax.random.key(seed))


def without_norm(state: State) -> dict:
    return {name: leaf for name, leaf in state.params.items() if name != "norm"}


def test_arms_start_from_the_same_weights_and_seeds_do_not(norm):
    baseline = without_norm(initial_state("none", 0))
    assert set(baseline) == {"conv", "hidden", "logits"}
    chex.assert_trees_all_equal(without_norm(initial_state(norm, 0)), baseline)
    other = without_norm(initial_state(norm, 1))
    assert np.any(other["conv"]["kernel"] != baseline["conv"]["kernel"])


def test_only_batch_norm_adds_parameters():
    sizes = {
        norm: sum(leaf.size for leaf in jax.tree.leaves(initial_state(norm, 0).params))
        for norm in NORMS
    }
    assert sizes["lrn"] == sizes["whole_map"] == sizes["none"]
    assert sizes["batch_norm"] == sizes["none"] + 2 * 32


def test_order_of_images_depends_on_seed_and_epoch_alone():
    def order(seed, epoch):
        return np.concatenate(list(batches(seed, epoch, 103, 10)))

    np.testing.assert_array_equal(order(3, 1), order(3, 1))
    assert np.any(order(3, 1) != order(3, 2))
    assert np.any(order(3, 1) != order(4, 1))
    assert len(set(order(3, 1))) == 100


def test_overfits_one_batch(norm):
    program = make_program(OVERFIT, norm)
    state = program.init(jax.random.key(0))
    indices = np.arange(OVERFIT.batch_size, dtype=np.int32)
    losses = []
    for _ in range(150):
        state, loss = program.step(state, indices, jax.random.key(1))
        losses.append(float(loss))
    assert losses[0] > 2
    assert losses[-1] < 0.05


def test_same_seed_gives_the_same_run(norm):
    def without_times(result):
        return [
            dataclasses.replace(epoch, train_seconds=0.0) for epoch in result.epochs
        ], result.test_loss

    seen: list[Epoch] = []
    first = train(Config(RECIPE, norm, 5), on_epoch=seen.append)
    assert without_times(first) == without_times(train(Config(RECIPE, norm, 5)))
    assert without_times(first) != without_times(train(Config(RECIPE, norm, 6)))
    assert tuple(seen) == first.epochs
    assert [epoch.epoch for epoch in seen] == [1, 2]
    assert first.epochs[1].train_loss < first.epochs[0].train_loss


def test_training_is_seen_in_the_accuracy():
    result = train(Config(Recipe(epochs=8), "batch_norm", 0))
    assert result.test_accuracy > 0.9  # chance is 0.1


def test_dropout_draws_new_units_at_every_step():
    # With a learning rate of next to nothing, two steps on one batch differ by their
    # dropout alone.
    program = make_program(Recipe(learning_rate=1e-30), "none")
    indices = np.arange(64, dtype=np.int32)
    state, first = program.step(
        program.init(jax.random.key(0)), indices, jax.random.key(1)
    )
    _, second = program.step(state, indices, jax.random.key(1))
    assert float(first) != float(second)


def test_evaluation_uses_the_running_statistics_of_batch_norm():
    program = make_program(RECIPE, "batch_norm")
    test = data.load(RECIPE).test
    start = program.init(jax.random.key(0))
    before = jax.tree.map(np.asarray, start.model_state["batch_stats"])
    state, _ = program.step(start, np.arange(64, dtype=np.int32), jax.random.key(1))
    after = jax.tree.map(np.asarray, state.model_state["batch_stats"])
    assert np.any(after["norm"]["mean"] != before["norm"]["mean"])

    # An image is judged alike whatever images are beside it, and nothing is updated.
    whole = evaluate(program, state, test)
    reversed_parts = test.take(np.arange(len(test))[::-1])
    np.testing.assert_allclose(evaluate(program, state, reversed_parts), whole, 1e-6)
    halves = [test.take(part) for part in np.array_split(np.arange(len(test)), 2)]
    mean = np.average(
        [evaluate(program, state, half) for half in halves],
        axis=0,
        weights=[len(half) for half in halves],
    )
    np.testing.assert_allclose(mean, whole, 1e-6)
    chex.assert_trees_all_equal(
        jax.tree.map(np.asarray, state.model_state["batch_stats"]), after
    )


def test_arm_is_compiled_once_for_all_seeds(norm):
    train(Config(RECIPE, norm, 0))
    misses = make_program.cache_info().misses
    results = [train(Config(RECIPE, norm, seed)) for seed in (1, 2)]
    assert make_program.cache_info().misses == misses
    assert results[0].compile_seconds == results[1].compile_seconds


def test_loss_that_is_not_finite_stops_the_run_at_its_step():
    recipe = Recipe(epochs=2, learning_rate=1e30)
    with pytest.raises(
        NonFiniteLossError, match=r"the loss was (nan|inf) at"
    ) as raised:
        train(Config(recipe, "none", 0))

    # The same steps without the check.
    program = make_program(recipe, "none")
    init_key, dropout_key = jax.random.split(jax.random.key(0))
    state, losses = program.init(init_key), []
    for indices in batches(0, 1, len(data.load(recipe).train), recipe.batch_size):
        state, loss = program.step(state, indices, dropout_key)
        losses.append(float(loss))
    assert raised.value.step == 1 + int(np.argmin(np.isfinite(losses)))


def test_batch_larger_than_the_data_is_refused():
    with pytest.raises(UserError, match=r"at most the number of .* 1294, but got 2000"):
        train(Config(Recipe(batch_size=2000), "none", 0))
