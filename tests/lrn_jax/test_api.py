"""The interface: what is accepted, what is refused and how, what is documented."""

import inspect
import pydoc
import re
from fractions import Fraction
from pathlib import Path
from typing import get_args, get_type_hints

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lrn_jax
import lrn_jax.linen
import lrn_jax.nnx
from lrn_jax import conventions, lrn
from lrn_jax._implementations import Implementation

pytestmark = pytest.mark.usefixtures("strict_dtypes")

X = np.ones((2, 6, 5), np.float32)
DEFAULTS = {
    "depth_radius": 2,
    "bias": 2.0,
    "alpha": 1e-4,
    "beta": 0.75,
    "axis": -1,
    "implementation": None,
}
LAYERS = [lrn_jax.linen.LocalResponseNorm, lrn_jax.nnx.LocalResponseNorm]

WRONG_X = [
    (
        [1.0, 2.0],
        TypeError,
        "`x` must be an array, but got [1.0, 2.0] (of type list). Convert it with "
        "`jnp.asarray`.",
    ),
    (1.0, TypeError, "`x` must be an array, but got 1.0 (of type float)."),
    (None, TypeError, "`x` must be an array, but got None (of type NoneType)."),
    (
        np.ones(3, np.int32),
        TypeError,
        "`x` must have a real floating dtype, but got int32. Cast it first, for "
        "example with `x.astype(jnp.float32)`.",
    ),
    (np.ones(3, bool), TypeError, "`x` must have a real floating dtype, but got bool."),
    (
        np.ones(3, np.complex64),
        TypeError,
        "`x` must have a real floating dtype, but got complex64.",
    ),
    (
        np.float32(1),
        ValueError,
        "`x` must have at least one axis to normalize along, but got a scalar of shape "
        "(). Reshape it first",
    ),
]

RADIUS = (
    "`depth_radius` must be a non-negative integer, a pair of them (before, after), a "
    "tuple of such pairs, one for each axis, or None for the whole axis, but got "
)
INTEGERS = "`axis` must be an integer or a tuple of integers, but got "
CHOICES = "`implementation` must be None (the library chooses) or one of "

WRONG_ARGUMENTS = [
    (
        {"bias": "2"},
        TypeError,
        "`bias` must be a real number or an array, but got '2' (of type str).",
    ),
    (
        {"alpha": None},
        TypeError,
        "`alpha` must be a real number or an array, but got None",
    ),
    (
        {"beta": True},
        TypeError,
        "`beta` must be a real number or an array, but got True",
    ),
    ({"beta": 1j}, TypeError, "`beta` must be a real number or an array, but got 1j"),
    (
        {"bias": [1.0]},
        TypeError,
        "`bias` must be a real number or an array, but got [1.0] (of type list). "
        "Convert it",
    ),
    (
        {"bias": np.ones(5, bool)},
        TypeError,
        "`bias` must have a real dtype, but got bool. Cast it",
    ),
    (
        {"bias": 1e39},
        ValueError,
        "`bias` must be at most 3.4e+38 in float32, but got 1e+39. Scale `x` instead, "
        "or compute in float64.",
    ),
    ({"beta": -(10**400)}, ValueError, "`beta` must be finite, but got -1000000"),
    (
        {"bias": 0.0, "alpha": 1e-50},
        ValueError,
        "`bias` and `alpha` must not both be 0 in float32, but got 0.0 and 1e-50: ",
    ),
    ({"beta": float("nan")}, ValueError, "`beta` must be finite, but got nan."),
    ({"alpha": float("inf")}, ValueError, "`alpha` must be finite, but got inf."),
    (
        {"bias": -1},
        ValueError,
        "`bias` must not be negative, but got -1.0: the sum that",
    ),
    (
        {"alpha": -0.5},
        ValueError,
        "`alpha` must not be negative, but got -0.5: the sum",
    ),
    (
        {"alpha": np.ones(4, np.float32)},
        ValueError,
        "`alpha` must be a scalar or broadcastable to the shape of `x`, (2, 6, 5), but "
        "got shape (4,). A value for each channel of an array with channels on axis 1 "
        "needs trailing axes of size 1.",
    ),
    (
        {"beta": np.ones((1, 2, 6, 5), np.float32)},
        ValueError,
        "`beta` must be a scalar or broadcastable to the shape of `x`, (2, 6, 5), but "
        "got shape (1, 2, 6, 5).",
    ),
    (
        {"bias": np.ones((2, 6, 5, 1), np.float32)},
        ValueError,
        "`bias` must be a scalar or broadcastable",
    ),
    (
        {"depth_radius": 2.5},
        TypeError,
        RADIUS + "2.5 (of type float). The radius fixes the shape of the computation",
    ),
    ({"depth_radius": True}, TypeError, RADIUS + "True (of type bool). The radius"),
    (
        {"depth_radius": np.ones(2)},
        TypeError,
        RADIUS + "an array of shape (2,) and dtype float64. The radius",
    ),
    ({"depth_radius": (1,)}, TypeError, RADIUS + "(1,) (of type tuple)."),
    ({"depth_radius": (1, 2, 3)}, TypeError, RADIUS + "(1, 2, 3) (of type tuple)."),
    ({"depth_radius": (1, 0.5)}, TypeError, RADIUS + "(1, 0.5) (of type tuple)."),
    (
        {"depth_radius": ((1, 2), 3), "axis": (1, 2)},
        TypeError,
        RADIUS + "((1, 2), 3) (of type tuple).",
    ),
    (
        {"depth_radius": (((1, 2),) * 2,) * 2, "axis": (1, 2)},
        TypeError,
        RADIUS + "(((1, 2), (1, 2)), ((1, 2), (1, 2))) (of type tuple).",
    ),
    (
        {"depth_radius": ((1, 2), (0, 1)), "axis": 1},
        ValueError,
        "`depth_radius` must be one pair (before, after) or have one for each axis, "
        "but got ((1, 2), (0, 1)) for the axes (1,).",
    ),
    ({"depth_radius": -1}, ValueError, RADIUS + "-1."),
    ({"depth_radius": (2, -1)}, ValueError, RADIUS + "(2, -1)."),
    ({"axis": 1.0}, TypeError, INTEGERS + "1.0 (of type float)."),
    ({"axis": True}, TypeError, INTEGERS + "True (of type bool)."),
    ({"axis": (0, None)}, TypeError, INTEGERS + "(0, None) (of type tuple)."),
    ({"axis": ()}, ValueError, "`axis` must name at least one axis, but got ()."),
    (
        {"axis": 3},
        ValueError,
        "`axis` must lie between -3 and 2 for an array of 3 axes, but got 3.",
    ),
    (
        {"axis": (0, -4)},
        ValueError,
        "`axis` must lie between -3 and 2 for an array of 3 axes, but got -4.",
    ),
    (
        {"axis": (1, -2)},
        ValueError,
        "`axis` must name each axis once, but got (1, -2) for an array of 3 axes.",
    ),
    (
        {"implementation": "fast"},
        ValueError,
        CHOICES + ", ".join(map(repr, lrn_jax.IMPLEMENTATIONS)) + ", but got 'fast'.",
    ),
]


@pytest.mark.parametrize(("x", "error", "message"), WRONG_X)
def test_wrong_x_is_refused(x, error, message):
    with pytest.raises(error, match=re.escape(message)):
        lrn(x)


@pytest.mark.parametrize(("arguments", "error", "message"), WRONG_ARGUMENTS)
def test_wrong_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=re.escape(message)):
        lrn(X, **arguments)


@pytest.mark.parametrize("name", ["depth_radius", "axis"])
def test_traced_shapes_are_refused(name):
    with pytest.raises(TypeError, match=f"`{name}` must be .* but got .*int32"):
        jax.jit(lambda value: lrn(X, **{name: value}))(1)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"depth_radius": np.int64(1)}, {"depth_radius": 1}),
        ({"depth_radius": [1, 2]}, {"depth_radius": (1, 2)}),
        ({"depth_radius": np.array(1)}, {"depth_radius": 1}),
        ({"depth_radius": np.array([1, 2])}, {"depth_radius": (1, 2)}),
        ({"depth_radius": jnp.array(1)}, {"depth_radius": 1}),
        ({"axis": np.array([1, 2])}, {"axis": (1, 2)}),
        ({"bias": np.arange(1, 6)}, {"bias": np.arange(1.0, 6.0, dtype=np.float32)}),
        ({"axis": np.int32(1)}, {"axis": 1}),
        ({"axis": [1, 2]}, {"axis": (1, 2)}),
        ({"bias": np.float32(1.5)}, {"bias": 1.5}),
        ({"alpha": Fraction(1, 2)}, {"alpha": 0.5}),
        ({"beta": np.int64(1)}, {"beta": 1.0}),
    ],
    ids=str,
)
def test_other_types_mean_the_same(given, meant):
    np.testing.assert_array_equal(lrn(X, **given), lrn(X, **meant))


@pytest.mark.parametrize("layer", LAYERS, ids=["linen", "nnx"])
def test_layers_have_the_arguments_of_the_function(layer):
    def documented(function, parameters):
        for name in parameters:
            assert re.search(rf"^ +{name}: ", function.__doc__, re.MULTILINE)
        return {name: parameter.default for name, parameter in parameters.items()}

    parameters = dict(inspect.signature(lrn).parameters)
    assert parameters.pop("x").default is inspect.Parameter.empty
    assert all(p.kind is p.KEYWORD_ONLY for p in parameters.values())
    assert documented(lrn, parameters) == DEFAULTS

    # The signature of the class itself is that of a metaclass in nnx. flax adds
    # `parent` and `name` to every linen module.
    parameters = dict(inspect.signature(layer.__init__).parameters)
    for name in ("self", "parent", "name", "rngs"):
        parameters.pop(name, None)
    assert list(parameters) == list(DEFAULTS)
    assert documented(layer, parameters) == DEFAULTS


def test_all_is_what_the_package_shows():
    shown = {name for name in vars(lrn_jax) if not name.startswith("_")}
    assert shown - {"linen", "nnx", "onnx", "TYPE_CHECKING"} == set(lrn_jax.__all__)


def test_help_begins_with_a_signature_that_fits_a_screen():
    shown = pydoc.plain(pydoc.render_doc(lrn))
    _, _, *signature = shown.partition("\n    Local response")[0].splitlines()
    assert len(signature) == len(DEFAULTS) + 4
    assert max(map(len, signature)) <= 60
    assert signature[0] == "lrn("
    assert "depth_radius: DepthRadius = 2," in signature[3]


def test_type_of_implementation_has_the_names_of_the_table():
    assert get_args(Implementation) == tuple(lrn_jax.IMPLEMENTATIONS)
    assert get_type_hints(lrn)["implementation"] == Implementation | None


def test_implementations_are_one_file_each_and_interchangeable():
    directory = Path(lrn_jax.__file__).parent / "_implementations"
    files = {path.stem for path in directory.glob("*.py")} - {"__init__"}
    assert files | {"plain"} == set(lrn_jax.IMPLEMENTATIONS)  # "plain" sums as another
    for name, window_sum in lrn_jax.IMPLEMENTATIONS.items():
        file = "reduce_window" if name == "plain" else name
        assert window_sum.__module__ == f"lrn_jax._implementations.{file}"
        assert list(inspect.signature(window_sum).parameters)[:2] == ["x", "window"]


def test_whole_map_is_the_closed_formula():
    x = np.random.default_rng(0).standard_normal((2, 4, 5, 3))
    energy = np.sum(x**2, axis=(1, 2), keepdims=True)
    y = lrn(jnp.asarray(x, jnp.float32), **conventions.whole_map(a=3.0, b=0.5))
    assert y.shape == x.shape
    np.testing.assert_allclose(y, x / np.sqrt(3.0 + 0.5 * energy), rtol=1e-6)
