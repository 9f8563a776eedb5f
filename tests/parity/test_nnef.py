"""NNEF: graphs in its language, run by the interpreter of its tools, in float64."""

import inspect

import jax.numpy as jnp
import pytest

from lrn_jax import conventions, lrn

from ..reference import assert_values_close
from . import grid

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
nnef = pytest.importorskip("nnef", reason="nnef is not installed")
interpreter = pytest.importorskip(
    "nnef_tools.interpreter.pytorch", reason="nnef_tools is not installed"
)

pytestmark = [
    pytest.mark.usefixtures("x64"),
    # Of PyTorch, about how the interpreter indexes.
    pytest.mark.filterwarnings("ignore:Using a non-tuple sequence:UserWarning"),
]


def parse(shape, **given):
    """A graph of one normalization, with the text that `given` is in NNEF."""
    arguments = ", ".join(
        ["x", *(f"{name} = {value}" for name, value in given.items())]
    )
    return nnef.parse_string(
        "version 1.0; graph g(x) -> (y) {"
        f" x = external(shape = {list(shape)});"
        f" y = local_response_normalization({arguments});"
        "}"
    )


@pytest.mark.parametrize(
    "size",
    [
        *([1, n, 1, 1] for n in range(1, 6)),
        *([1, 1, n, n] for n in (2, 3, 9)),
        *([[1, 1, 3, 5], [1, 1, 2, 4], [1, 3, 3, 1], [2, 2, 1, 3]]),
        *([[1, 4, 1], [1, 3, 1, 1, 2]]),
    ],
    ids=str,
)
def test_values(size):
    bias, alpha, beta = grid.numbers(sum(size))
    given = {"size": size, "alpha": alpha, "beta": beta, "bias": bias}
    x = grid.normal((2, 7, 5, 4, 3)[: len(size)])
    graph = parse(x.shape, **given)
    (peer_y,) = interpreter.NNEFModule(graph)(torch.from_numpy(x))
    # The parser has rounded them to float32.
    attributes = graph.operations[-1].attribs
    assert attributes.keys() == given.keys()
    y = lrn(jnp.asarray(x), **conventions.nnef(**attributes))
    assert_values_close(y, peer_y.numpy())


def test_defaults():
    attributes = parse((2, 7, 5, 4), size=[1, 5, 1, 1]).operations[-1].attribs
    ours = inspect.signature(conventions.nnef).parameters
    assert set(ours) == set(attributes)
    for name in ("alpha", "beta", "bias"):
        assert ours[name].default == attributes[name]
