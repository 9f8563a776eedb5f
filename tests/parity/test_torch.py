"""PyTorch: values and gradients of `F.local_response_norm` in float64."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrn_jax import conventions, lrn

from ..reference import assert_gradients_close, assert_values_close
from . import grid

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
local_response_norm = torch.nn.functional.local_response_norm

pytestmark = pytest.mark.usefixtures("x64")


@pytest.mark.parametrize("channels", grid.CHANNELS)
@pytest.mark.parametrize("rank", [3, 4, 5, 6])
@pytest.mark.parametrize("size", range(1, 9))
def test_values_and_gradients(size, rank, channels):
    k, alpha, beta = grid.numbers(size + rank)
    given = {"size": size, "alpha": alpha, "beta": beta, "k": k}
    shape = grid.shape(rank, channels)
    x, dy = grid.normal(shape), grid.normal(shape, "dy")

    peer_x = torch.from_numpy(x).requires_grad_()
    peer_y = local_response_norm(peer_x, **given)
    peer_y.backward(torch.from_numpy(dy))

    y, vjp = jax.vjp(lambda x: lrn(x, **conventions.torch(**given)), jnp.asarray(x))
    (dx,) = vjp(jnp.asarray(dy))
    # Both in float64 throughout: the tolerances are those against the oracle.
    assert_values_close(y, peer_y.detach().numpy())
    assert_gradients_close(dx, peer_x.grad.numpy())


@pytest.mark.parametrize("window", [(0, 0), (1, 0), (2, 2), (4, 3), 3])
def test_the_way_back(window):
    arguments = {
        "depth_radius": window,
        "bias": 1.3,
        "alpha": 0.4,
        "beta": 0.6,
        "axis": 1,
    }
    x = grid.normal((2, 6, 3))
    peer_y = local_response_norm(
        torch.from_numpy(x), **conventions.to_torch(**arguments)
    )
    assert_values_close(lrn(jnp.asarray(x), **arguments), peer_y.numpy())


def test_module_has_the_same_parameters():
    x = grid.normal((2, 7, 3, 2))
    given = {"size": 4, "alpha": 0.3, "beta": 0.6, "k": 1.7}
    peer_y = torch.nn.LocalResponseNorm(**given)(torch.from_numpy(x))
    y = lrn(jnp.asarray(x), **conventions.torch(**given))
    assert_values_close(y, peer_y.numpy())


def test_defaults():
    theirs = inspect.signature(local_response_norm).parameters
    ours = inspect.signature(conventions.torch).parameters
    assert {"input", *ours} == set(theirs)
    assert {n: ours[n].default for n in ours} == {n: theirs[n].default for n in ours}


def test_size_zero_is_refused_there_too():
    with pytest.raises(RuntimeError, match="greater than zero"):
        local_response_norm(torch.ones(1, 3, 2, 2), size=0)
    with pytest.raises(ValueError, match="at least 1, but got 0"):
        conventions.torch(size=0)


@pytest.mark.xfail(
    raises=AssertionError,
    reason="torch 2.13: a square never leaves CrossMapLRN2d's running sum again",
)
def test_cross_map_lrn_is_the_same_operation():
    x = grid.normal((2, 7, 3, 2))
    given = {"size": 3, "alpha": 0.5, "beta": 0.75, "k": 1.0}
    peer_y = torch.nn.CrossMapLRN2d(**given)(torch.from_numpy(x))
    desired = lrn(jnp.asarray(x), **conventions.torch(**given))
    np.testing.assert_allclose(peer_y.numpy(), desired, rtol=1e-6)
