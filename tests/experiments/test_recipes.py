"""Recipes: networks, inputs, augmentation and optimizers are what their sources say."""

import dataclasses

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import data
from experiments.config.arms import ARMS
from experiments.config.config import Recipe
from experiments.config.recipes import DESCRIPTIONS, PRESETS
from experiments.models import FIRST_NORM
from experiments.models.caffe import average_pool, max_pool
from experiments.terminal.errors import UserError
from experiments.training import augment
from experiments.training.optimizer import make_optimizer, schedule
from experiments.training.step import count_parameters, make_functions, shapes


def make_dataset(shape=(32, 32, 3), *, white=255) -> data.Dataset:
    """A small data set of noise."""
    random = np.random.default_rng(0)

    def split(size: int) -> data.Split:
        images = random.integers(0, white + 1, (size, *shape)).astype(np.uint8)
        return data.Split(images, (np.arange(size) % 10).astype(np.int32))

    return data.Dataset(
        name="cifar10",
        title="noise",
        train=split(200),
        validation=split(20),
        test=split(20),
        white=white,
        class_names=tuple("0123456789"),
        fingerprint="",
    )


@pytest.fixture(params=PRESETS)
def preset(request):
    """Each preset."""
    return PRESETS[request.param]


# Counted by hand from the layers: weights and biases.
PARAMETERS = {
    "article": 3 * 3 * 3 * 32 + 32 + 15 * 15 * 32 * 64 + 64 + 64 * 10 + 10,
    "caffe_quick": 2432 + 25632 + 51264 + (1024 * 64 + 64) + (64 * 10 + 10),
    "caffe_full": 2432 + 25632 + 51264 + (1024 * 10 + 10),
    "conv_local": 4864 + 102464 + 36 * (576 + 1) * 32 + 36 * (288 + 1) * 32 + 11530,
    "tf_tutorial": 4864 + 102464 + (2304 * 384 + 384) + (384 * 192 + 192) + 1930,
    "alexnet": 60965224 - 990 * (4096 + 1),  # as published, with 10 of 1,000 classes
    "resnet20": 448 + 6 * 2320 + 4640 + 5 * 9248 + 18496 + 5 * 36928 + (64 * 10 + 10),
}


def test_every_preset_describes_networks_that_can_be_trained(preset):
    recipe = preset.recipe
    size = recipe.image_size if recipe.dataset == "folder" else 32
    dataset = make_dataset((size, size, 3))
    sizes = {
        norm: count_parameters(shapes(recipe, norm, dataset))
        for norm in ARMS
        if norm != "batch_norm_before_relu" or recipe.network != "resnet20"
    }
    assert sizes["none"] == sizes["lrn"] == PARAMETERS[recipe.name]
    assert sizes["batch_norm"] > sizes["none"]
    functions = make_functions(recipe, "batch_norm", dataset)
    state = jax.eval_shape(functions.init, 0)
    images = jax.ShapeDtypeStruct((recipe.batch_size, size, size, 3), jnp.uint8)
    labels = jax.ShapeDtypeStruct((recipe.batch_size,), jnp.int32)
    after, losses = jax.eval_shape(functions.step, state, images, labels)
    chex.assert_trees_all_equal_shapes_and_dtypes(after, state)
    assert losses.loss.shape == ()
    around = jax.eval_shape(functions.around_norms, state, images)
    assert FIRST_NORM in around
    for before, after in around.values():
        assert before.shape == after.shape
        assert len(before.shape) == 4


@pytest.mark.slow
@pytest.mark.parametrize(
    "network", ["article", "caffe_quick", "conv_local", "tf_tutorial"]
)
def test_norms_can_stand_before_the_relu(network):
    recipe = Recipe(network=network, dropout_rate=0.0)
    dataset = make_dataset((24, 24, 3))
    images = dataset.train.take(np.arange(4)).images
    for norm, lowest in (("batch_norm", 0), ("batch_norm_before_relu", -1)):
        functions = make_functions(recipe, norm, dataset)
        around = jax.jit(functions.around_norms)(functions.init(0), images)
        for before, after in around.values():
            assert np.sign(before.min()) == lowest
            assert before.shape == after.shape


def test_norms_that_stand_there_are_not_moved():
    with pytest.raises(UserError, match=r"Take batch_norm, which is the same\.$"):
        make_functions(
            PRESETS["resnet20"].recipe,
            "batch_norm_before_relu",
            make_dataset((32, 32, 3)),
        )


def test_every_preset_says_what_to_expect(preset):
    assert PRESETS[preset.recipe.name] is preset
    text = DESCRIPTIONS[preset.recipe.name]
    for expected in (
        "Source:",
        "Expected accuracy:",
        "Expected time on two CPU cores:",
    ):
        assert expected in text
    assert "python -m experiments ablate" in text
    assert {each.arm for each in preset.references} <= set(preset.norms)
    assert all(0 < each.accuracy < 1 for each in preset.references)


@pytest.mark.parametrize("size", [8, 9, 12, 32])
def test_pooling_is_caffes(size):
    x = np.random.default_rng(size).normal(size=(1, size, size, 1)).astype(np.float32)
    starts = range(0, size - 1, 2)  # so many that the last window reaches the border
    windows = [
        [x[0, row : row + 3, column : column + 3, 0] for column in starts]
        for row in starts
    ]
    for pool, reduce in ((max_pool, np.max), (average_pool, np.mean)):
        expected = np.array([[reduce(window) for window in row] for row in windows])
        np.testing.assert_allclose(
            pool(jnp.asarray(x))[0, :, :, 0], expected, rtol=1e-5, atol=1e-6
        )


PARAMS = {
    "conv1": {"kernel": jnp.array([1.0, -2.0]), "bias": jnp.array([0.5])},
    "fc": {"kernel": jnp.array([3.0]), "bias": jnp.array([1.0])},
    "norm1": {"BatchNorm_0": {"scale": jnp.array([2.0]), "bias": jnp.array([1.0])}},
}


def test_momentum_is_caffes():
    recipe = Recipe(
        optimizer="sgd",
        learning_rate=0.1,
        drops=(0.5,),
        learning_rate_factors=(("*/bias", 2.0), ("norm*/bias", 3.0)),
        weight_decay=(("fc/*", 1.0), ("*", 0.25), ("norm1/*/bias", 0.5)),
    )
    optimizer = make_optimizer(recipe, PARAMS, steps=4)
    params, state = PARAMS, optimizer.init(PARAMS)
    grad = jax.tree.map(jnp.ones_like, PARAMS)
    for _ in range(4):
        updates, state = optimizer.update(grad, state, params)
        params = jax.tree.map(jnp.add, params, updates)

    def train(value: float, factor: float, decay: float) -> float:
        history = 0.0
        for step in range(4):
            rate = 0.1 * factor * (0.1 if step >= 2 else 1)
            history = 0.9 * history + rate * (1 + decay * value)
            value -= history
        return value

    expected = {
        "conv1": {
            "kernel": [train(1.0, 1, 0.25), train(-2.0, 1, 0.25)],
            "bias": [train(0.5, 2, 0.25)],
        },
        "fc": {"kernel": [train(3.0, 1, 1.0)], "bias": [train(1.0, 2, 1.0)]},
        # Patterns that do not begin with norm leave norms alone.
        "norm1": {
            "BatchNorm_0": {"scale": [train(2.0, 1, 0.0)], "bias": [train(1.0, 3, 0.5)]}
        },
    }
    jax.tree.map(
        lambda value, reference: np.testing.assert_allclose(value, reference, 1e-5),
        params,
        jax.tree.map(jnp.array, expected, is_leaf=lambda each: isinstance(each, list)),
    )


def test_drops_follow_the_length_of_the_training():
    recipe = Recipe(learning_rate=1.0, drops=(0.5, 0.75))
    rates = np.asarray([schedule(recipe, 8)(step) for step in range(8)])
    np.testing.assert_allclose(rates, [1] * 4 + [0.1] * 2 + [0.01] * 2, rtol=1e-6)
    # In a training of one step both would be at the same moment.
    assert np.asarray(schedule(recipe, 1)(1)) == pytest.approx(0.01)


def test_pattern_that_fits_no_parameter_is_refused():
    recipe = Recipe(optimizer="sgd", weight_decay=(("con/kernel", 1.0),))
    with pytest.raises(UserError, match=r"con/kernel fits none of conv1/bias, conv1/k"):
        make_optimizer(recipe, PARAMS, steps=1)


@pytest.mark.parametrize("white", [16, 255])
def test_inputs(white):
    dataset = make_dataset((5, 4, 3), white=white)
    images = np.asarray(dataset.train.take(np.arange(200)).images, float)

    def prepared(inputs):
        recipe = Recipe(inputs=inputs)
        function = augment.make_inputs(recipe, dataset)
        return augment.center(recipe, function(jnp.asarray(images, jnp.uint8)))

    np.testing.assert_allclose(prepared("unit"), images / white, rtol=1e-6)
    np.testing.assert_allclose(
        prepared("minus_mean"),
        (images - images.mean(0)) * 255 / white,
        rtol=1e-4,
        atol=1e-3,
    )
    np.testing.assert_allclose(
        prepared("standardized"),
        (images - images.mean((0, 1, 2))) / images.std((0, 1, 2)),
        rtol=1e-4,
        atol=1e-4,
    )
    axes = {"axis": (1, 2, 3), "keepdims": True}
    np.testing.assert_allclose(
        prepared("standardized_each"),
        (images - images.mean(**axes)) / images.std(**axes),
        rtol=1e-4,
        atol=1e-4,
    )


def positions(images: np.ndarray, crops: np.ndarray) -> list[tuple[int, int, bool]]:
    """Returns where each crop was cut out of its image, and whether it is mirrored."""
    size = crops.shape[1]
    found = []
    for image, crop in zip(images, crops, strict=True):
        places = range(image.shape[0] - size + 1)
        [place] = [
            (row, column, mirrored)
            for row in places
            for column in places
            for mirrored in (False, True)
            if np.array_equal(
                image[row : row + size, column : column + size][
                    :, :: -1 if mirrored else 1
                ],
                crop,
            )
        ]
        found.append(place)
    return found


def test_crops_are_anywhere_and_mirrored_in_half_of_all_images():
    recipe = Recipe(crop=4, padding=1, flip=True)
    images = np.random.default_rng(0).normal(size=(300, 5, 5, 2)).astype(np.float32)
    crops = augment.augment(recipe, jnp.asarray(images), jax.random.key(0))
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    found = positions(padded, np.asarray(crops))
    assert {(row, column) for row, column, _ in found} == {
        (row, column) for row in range(4) for column in range(4)
    }
    assert 100 < sum(mirrored for _, _, mirrored in found) < 200
    same = augment.augment(recipe, jnp.asarray(images), jax.random.key(0))
    np.testing.assert_array_equal(crops, same)
    other = augment.augment(recipe, jnp.asarray(images), jax.random.key(1))
    assert np.any(crops != other)

    centered = augment.center(recipe, jnp.asarray(images))
    np.testing.assert_array_equal(centered, images[:, :4, :4])


def test_contrast_stretches_each_image_about_its_mean():
    recipe = Recipe(contrast=(0.5, 2.0))
    images = np.random.default_rng(0).normal(size=(50, 3, 3, 2)).astype(np.float32)
    changed = augment.augment(recipe, jnp.asarray(images), jax.random.key(0))
    means = images.mean(axis=(1, 2), keepdims=True)
    factors = (changed - means) / (images - means)
    assert 0.5 < np.min(factors) < 0.7
    assert 1.8 < np.max(factors) < 2.01
    np.testing.assert_allclose(
        factors, np.broadcast_to(factors[:, :1, :1, :1], factors.shape), rtol=1e-2
    )


def test_nothing_is_changed_unless_asked_for():
    images = jnp.arange(2 * 3 * 3.0).reshape(2, 3, 3, 1)
    np.testing.assert_array_equal(
        augment.augment(Recipe(), images, jax.random.key(0)), images
    )


@pytest.mark.parametrize(
    ("name", "smallest", "refused"),
    [
        ("article", 4, {1: "norm1", 3: "hidden"}),
        ("alexnet", 39, {8: "norm1", 28: "fc6", 38: "fc6"}),
    ],
)
def test_images_too_small_for_a_network_are_refused(name, smallest, refused):
    recipe = dataclasses.replace(PRESETS[name].recipe, crop=None)
    for size, layer in refused.items():
        message = f"of {size}x{size} pixels nothing is left for {layer} of {name}"
        with pytest.raises(UserError, match=message):
            make_functions(recipe, "none", make_dataset((size, size, 3)))
    make_functions(recipe, "none", make_dataset((smallest, smallest, 3)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"crop": 9}, "`crop` must be at most the size of the images, 8x8, but got 9"),
        (
            {"network": "resnet20"},
            "`dropout-rate` must be 0 for resnet20, which has no dropout, but got 0.5",
        ),
    ],
)
def test_recipes_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(UserError, match=message):
        shapes(Recipe(**changes), "none", make_dataset((8, 8, 1)))
