"""The layers made for XLA on CPU, against those they take the place of."""

import re
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from experiments.models import layers
from experiments.models.layers import (
    Conv,
    LocallyConnected,
    average_pool,
    convolution,
    max_pool,
)
from experiments.models.layers.convolution import conv_general_dilated

LAYOUT = ("NHWC", "HWIO", "NHWC")

# Images, kernel, strides, padding: on both sides of every choice the module makes.
CONVOLUTIONS = [
    ((5, 9, 8, 32), (3, 5, 32, 7), (1, 1), "SAME"),
    ((6, 8, 8, 3), (5, 5, 3, 32), (1, 1), ((2, 2), (2, 2))),
    ((6, 8, 8, 1), (3, 3, 1, 32), (1, 1), "VALID"),
    ((4, 7, 10, 24), (3, 2, 24, 40), (1, 1), ((0, 1), (1, 0))),
    ((4, 7, 10, 24), (3, 3, 24, 40), (2, 2), "SAME"),
    ((3, 12, 9, 17), (4, 3, 17, 18), (3, 2), ((2, 1), (0, 3))),
    ((4, 5, 6, 20), (1, 1, 20, 33), (1, 1), "VALID"),
    ((1, 8, 8, 32), (3, 3, 32, 32), (1, 1), "SAME"),
    ((2, 6, 130, 20), (3, 3, 20, 20), (1, 1), "SAME"),
    ((4, 5, 5, 20), (3, 3, 20, 20), (1, 1), ((3, 3), (3, 3))),  # larger than its image
    ((48, 6, 48, 64), (3, 3, 64, 20), (1, 1), "SAME"),  # of several parts
    ((36, 5, 4, 3), (3, 3, 3, 8), (1, 1), "SAME"),
]


def arrays(*shapes):
    random = np.random.default_rng(0)
    return [jnp.asarray(random.standard_normal(shape, np.float32)) for shape in shapes]


def assert_close(found, expected):
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5 * scale)


def convolutions(strides, padding):
    """Returns ours and that of JAX."""
    arguments = {
        "window_strides": strides,
        "padding": padding,
        "dimension_numbers": LAYOUT,
    }
    return [
        jax.jit(partial(function, **arguments))
        for function in (conv_general_dilated, lax.conv_general_dilated)
    ]


@pytest.mark.parametrize(("image", "kernel", "strides", "padding"), CONVOLUTIONS)
def test_convolution_and_its_derivatives_are_those_of_jax(
    image, kernel, strides, padding
):
    primals, tangents = arrays(image, kernel), arrays(image, kernel)

    def all_of(function):
        def everything(primals, tangents):
            value, tangent = jax.jvp(function, primals, tangents)
            cotangent = jnp.sin(jnp.arange(value.size, dtype=value.dtype))
            _, pullback = jax.vjp(function, *primals)
            return value, tangent, *pullback(cotangent.reshape(value.shape))

        return jax.jit(everything)(primals, tangents)

    found, expected = map(all_of, convolutions(strides, padding))
    for one, other in zip(found, expected, strict=True):
        assert_close(one, other)


def test_convolution_has_derivatives_of_higher_order():
    ours, plain = convolutions((2, 1), "SAME")
    primals = arrays((3, 7, 6, 20), (3, 3, 20, 18))
    both = (0, 1)

    def second(function):
        def loss(x, w):
            return (function(x, w) ** 3).sum()

        gradients = jax.grad(loss, both)
        directions = arrays(*(primal.shape for primal in primals))
        return jax.jvp(gradients, primals, directions)[1]

    for found, expected in zip(second(ours), second(plain), strict=True):
        assert_close(found, expected)


def test_convolution_can_be_vmapped_over_images_kernels_or_both():
    ours, plain = convolutions((1, 1), "SAME")
    images, kernels = arrays((2, 3, 6, 6, 20), (2, 3, 3, 20, 18))
    for axes, operands in (
        ((0, 0), (images, kernels)),
        ((0, None), (images, kernels[0])),
        ((None, 0), (images[0], kernels)),
    ):
        found, expected = (jax.vmap(f, axes)(*operands) for f in (ours, plain))
        assert_close(found, expected)


@pytest.mark.parametrize(
    "options",
    [
        {"dimension_numbers": None},
        {"feature_group_count": 2},
        {"rhs_dilation": (2, 1)},
        {"lhs_dilation": (1, 2)},
        {"precision": lax.Precision.HIGHEST},
    ],
    ids=str,
)
def test_other_convolutions_are_left_to_jax(options):
    layout = {"dimension_numbers": LAYOUT, **options}
    groups = options.get("feature_group_count", 1)
    if layout["dimension_numbers"] is None:
        x, w = arrays((2, 20, 6, 6), (18, 20, 3, 3))
    else:
        x, w = arrays((2, 6, 6, 20), (3, 3, 20 // groups, 18))
    padding = ((1, 1), (1, 1))
    found = conv_general_dilated(x, w, (1, 1), padding, **layout)
    expected = lax.conv_general_dilated(x, w, (1, 1), padding, **layout)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_narrow_numbers_are_left_to_jax(dtype):
    primals = [x.astype(dtype) for x in arrays((2, 6, 6, 20), (3, 3, 20, 18))]
    found, expected = (function(*primals) for function in convolutions((1, 1), "SAME"))
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, expected)


def test_errors_of_the_convolution_are_those_of_jax():
    ours, plain = convolutions((1, 1), "SAME")
    primals = arrays((2, 6, 6, 20), (3, 3, 21, 18))
    with pytest.raises(ValueError, match="feature_group_count") as expected:
        plain(*primals)
    with pytest.raises(ValueError, match="feature_group_count") as found:
        ours(*primals)
    assert str(found.value) == str(expected.value)


def test_layer_is_flax_own_but_for_the_program():
    (x,) = arrays((4, 8, 8, 3))
    ours, plain = (
        layer(20, (3, 3), strides=2, padding=1, name="conv")
        for layer in (Conv, nn.Conv)
    )
    variables = ours.init(jax.random.key(0), x)
    assert_close(ours.apply(variables, x), plain.apply(variables, x))
    initial = plain.init(jax.random.key(0), x)
    assert jax.tree.all(jax.tree.map(jnp.array_equal, variables, initial))


def program(function, *operands) -> str:
    text = jax.jit(function).lower(*operands).compile().as_text()
    assert text is not None
    return text


def test_images_stand_side_by_side_on_one_cpu_and_nowhere_else():
    ours, _ = convolutions((1, 1), "SAME")
    x, w = arrays((8, 16, 16, 32), (5, 5, 32, 20))
    assert "f32[1,16,128,20]" in program(ours, x, w)

    def loss(x, w):
        return ours(x, w).sum()

    assert "f32[1,5,160,20]" in program(jax.grad(loss, 1), x, w)

    devices = NamedSharding(
        Mesh(np.array(jax.devices()[:8]), ("batch",)), PartitionSpec("batch")
    )
    partitioned = program(ours, jax.device_put(x, devices), w)
    assert "f32[1,16,16,20]" in partitioned
    assert "f32[1,16,128,20]" not in partitioned
    assert "all-gather" not in partitioned

    for_gpu = jax.export.export(ours, platforms=["cuda"])(x, w).mlir_module()
    assert "1x16x128x20" not in for_gpu


def test_operands_are_computed_once_and_not_in_each_transposed_copy(monkeypatch):
    x, w = arrays((8, 16, 16, 32), (5, 5, 32, 20))

    def count() -> int:
        ours, _ = convolutions((1, 1), "SAME")

        def loss(x, w):
            return (ours(jnp.abs(x), w) ** 2).sum()

        return program(jax.grad(loss, (0, 1)), x, w).count(" abs(")

    assert count() == 1
    monkeypatch.setattr(convolution, "apart", lambda function: function)
    assert count() > 1, (
        "XLA computes an operand once without `apart`. Measure a step without it: if "
        "it is as fast, experiments/models/layers/apart.py can go."
    )


@pytest.mark.parametrize(
    ("kernel_size", "padding", "dtype"),
    [
        ((3, 3), 1, "float32"),
        ((1, 2), 0, "bfloat16"),
    ],
)
def test_locally_connected_layer_is_that_of_flax(kernel_size, padding, dtype):
    (x,) = arrays((3, 5, 6, 4))
    options: Any = {
        "padding": padding,
        "dtype": dtype,
        "kernel_init": nn.initializers.normal(),
    }
    ours: nn.Module = LocallyConnected(7, kernel_size, **options)
    plain: nn.Module = nn.ConvLocal(7, kernel_size, **options)
    variables: Any = jax.jit(ours.init)(jax.random.key(0), x)
    initial = jax.jit(plain.init)(jax.random.key(0), x)
    assert jax.tree.all(jax.tree.map(jnp.array_equal, variables, initial))
    (bias,) = arrays(variables["params"]["bias"].shape)
    variables = {"params": {**variables["params"], "bias": bias}}

    def value_and_gradient(layer):
        def loss(variables, x):
            y = layer.apply(variables, x)
            return (y.astype(jnp.float32) ** 2).sum(), y

        return jax.jit(jax.grad(loss, argnums=(0, 1), has_aux=True))(variables, x)

    found, expected = value_and_gradient(ours), value_and_gradient(plain)
    assert found[1].dtype == dtype
    tolerance = 2e-5 if dtype == "float32" else 4e-2
    for one, other in zip(*map(jax.tree.leaves, (found, expected)), strict=True):
        one, other = np.asarray(one, np.float32), np.asarray(other, np.float32)
        scale = np.abs(other).max()
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * scale)


# Ours and those of flax.
POOLS = {
    "max": (max_pool, nn.max_pool),
    "average": (average_pool, partial(nn.avg_pool, count_include_pad=False)),
}
WINDOWS = [
    ((2, 2), (2, 2), "VALID", (8, 9)),
    ((3, 3), (2, 2), "SAME", (9, 8)),
    ((3, 3), (2, 2), ((0, 1), (0, 1)), (8, 11)),
    ((3, 2), (1, 3), ((1, 2), (0, 0)), (5, 6)),
    ((2, 3), (3, 4), "VALID", (9, 9)),  # strides that leave elements out
    ((2, 3), (3, 4), "VALID", (8, 11)),
    ((3, 3), None, "SAME", (5, 6)),
    ((5, 4), (2, 1), ((4, 4), (3, 1)), (5, 6)),
]


@pytest.mark.parametrize(("window", "strides", "padding", "size"), WINDOWS)
@pytest.mark.parametrize("kind", POOLS)
def test_pooling_and_its_gradient_are_those_of_flax(
    kind, window, strides, padding, size
):
    # Of few values, so that there are ties, and some windows hold nothing above.
    x = np.random.default_rng(0).integers(-3, 3, (2, *size, 3)).astype(np.float32)
    x[0, 0] = -np.inf

    def value_and_gradient(pool):
        @jax.jit
        def both(x):
            y, pullback = jax.vjp(lambda x: pool(x, window, strides, padding), x)
            cotangent = jnp.sin(jnp.arange(y.size, dtype=y.dtype)).reshape(y.shape)
            return y, *pullback(cotangent)

        return both(x)

    found, expected = map(value_and_gradient, POOLS[kind])
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6)


def applied(layer, **options):
    """Returns what a module makes of images, initial parameters included."""
    return lambda x: layer(4, (3, 3), padding=1, **options).init_with_output(
        jax.random.key(0), x
    )


def pooled(pool):
    return lambda x: pool(x, (3, 3), (2, 2), "VALID")


# Ours and those of flax, by the name of the technique.
KINDS = {
    "convolution": (applied(Conv), applied(nn.Conv)),
    "locally_connected": [
        applied(layer, kernel_init=nn.initializers.normal())
        for layer in (LocallyConnected, nn.ConvLocal)
    ],
    "max_pooling": (pooled(max_pool), pooled(nn.max_pool)),
    "average_pooling": (pooled(average_pool), pooled(POOLS["average"][1])),
}


@pytest.mark.parametrize("name", layers.NAMES)
def test_layer_is_flax_own_where_it_is_to_be_plain(name):
    (x,) = arrays((2, 7, 7, 3))
    ours, plain = map(jax.jit, KINDS[name])

    def traced(function):
        return str(function.trace(x).jaxpr)

    others = tuple(other for other in layers.NAMES if other != name)
    for names in ((), others, (name,), ("all",), ()):
        with layers.plain(names):
            is_plain = name in names or "all" in names
            assert (traced(ours) == traced(plain)) == is_plain


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "int32"])
@pytest.mark.parametrize("kind", POOLS)
def test_pooling_of_other_numbers(kind, dtype):
    (x,) = arrays((2, 6, 6, 3))
    x = (10 * x).astype(dtype)
    found, expected = (pool(x, (3, 3), (2, 2)) for pool in POOLS[kind])
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


def test_average_pooling_has_derivatives_in_forward_mode():
    (x,) = arrays((2, 7, 8, 3))
    (direction,) = arrays(x.shape)
    found, expected = (
        jax.jvp(
            lambda x, pool=pool: pool(x, (3, 2), (2, 1), "SAME"), (x,), (direction,)
        )
        for pool in POOLS["average"]
    )
    assert_close(found[1], expected[1])


# What XLA:CPU compiles Flax's layer to, and why ours is there: a convolution that
# YNNPACK shares out by the width of the result, one with a group for each channel,
# maxima by their indices, sums over windows of an array with holes.
SLOW = {
    "convolution": r"f32\[8,16,16,4\]\S* fusion\(.*ynn_fusion",
    "locally_connected": "feature_group_count=20",
    "max_pooling": r" scatter\(",
    "average_pooling": r" reduce-window\(",
}


@pytest.mark.parametrize("name", layers.NAMES)
def test_xla_still_compiles_layers_of_flax_to_what_is_slow(name):
    (x,) = arrays((8, 16, 16, 20))

    def compiled(layer):
        def loss(x):
            return sum((leaf**2).sum() for leaf in jax.tree.leaves(layer(x)))

        return program(jax.grad(loss), x)

    ours, plain = map(compiled, KINDS[name])
    assert re.search(SLOW[name], plain), (
        f"XLA compiles Flax's layer to something else than {SLOW[name]!r}. Measure it: "
        f"python -m benchmarks step --plain-layers {name}. If it is as fast as ours, "
        f"experiments/models/layers/{name}.py can go."
    )
    assert not re.search(SLOW[name], ours)


@pytest.mark.parametrize(
    ("kind", "slow"), [("max", "select_and_scatter"), ("average", "reduce_window")]
)
def test_other_platforms_get_the_pooling_of_flax(kind, slow):
    (x,) = arrays((2, 8, 8, 3))

    def gradient(x):
        return jax.grad(lambda x: POOLS[kind][0](x, (3, 3), (2, 2)).sum())(x)

    exported = jax.export.export(jax.jit(gradient), platforms=["cuda"])(x)
    assert slow in exported.mlir_module()
