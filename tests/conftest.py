"""What every test shares: eight CPU devices, strict JAX, the two parametrizations."""

import os

# Before JAX is imported: it reads these once. What was set before prevails: with
# JAX_PLATFORMS=cuda, tests that need one device run on a GPU. At LLVM's lower level it
# takes a third less time to compile. XLA's passes stay the same.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ["XLA_FLAGS"] = " ".join(
    [
        "--xla_backend_optimization_level=1",
        os.environ.get("XLA_FLAGS", ""),
        "--xla_force_host_platform_device_count=8",
    ]
)

import hypothesis
import jax
import pytest

import lrn_jax

from .cases import CASES, KINDS

jax.config.update("jax_numpy_rank_promotion", "raise")

hypothesis.settings.register_profile(
    "lrn_jax", derandomize=True, deadline=None, max_examples=20, database=None
)
hypothesis.settings.load_profile("lrn_jax")


@pytest.fixture(scope="session", params=CASES, ids=lambda case: case.name)
def case(request):
    """Each row of the case table."""
    return request.param


@pytest.fixture(scope="session", params=KINDS, ids=lambda case: case.name)
def kind(request):
    """One row of the case table for each kind of window."""
    return request.param


@pytest.fixture(scope="session", params=lrn_jax.IMPLEMENTATIONS)
def implementation(request):
    """Each implementation, by name."""
    return request.param


@pytest.fixture(scope="session", params=[None, *lrn_jax.IMPLEMENTATIONS], ids=str)
def choice(request):
    """The library's own choice, then each implementation by name."""
    return request.param


@pytest.fixture(scope="session", params=[None, "plain"], ids=["primitive", "plain"])
def rules(request):
    """The implementations with the primitive's rules, and with JAX's own.

    For what depends on the equations and the rules, and on no way to sum.
    """
    return request.param


@pytest.fixture(params=[False, True], ids=["jit", "disable_jit"])
def debugging(request):
    """JAX's flags for debugging: invalid numbers are errors, with and without jit."""
    with (
        jax.debug_nans(True),
        jax.debug_infs(True),
        jax.disable_jit(request.param),
    ):
        yield


@pytest.fixture(scope="module")
def strict_dtypes():
    """Makes every implicit promotion of dtypes an error (optax needs some)."""
    with jax.numpy_dtype_promotion("strict"):
        yield


@pytest.fixture
def x64():
    """Makes float64 available, and the default."""
    with jax.enable_x64(True):
        yield
