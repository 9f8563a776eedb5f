"""What every test shares: eight CPU devices, strict JAX, the two parametrizations."""

import os

# Before JAX is imported: it reads these once.
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = " ".join(
    [os.environ.get("XLA_FLAGS", ""), "--xla_force_host_platform_device_count=8"]
)

import hypothesis
import jax
import pytest

import lrn_jax

from .cases import CASES

jax.config.update("jax_numpy_rank_promotion", "raise")

hypothesis.settings.register_profile(
    "lrn_jax", derandomize=True, deadline=None, max_examples=20, database=None
)
hypothesis.settings.load_profile("lrn_jax")


@pytest.fixture(scope="session", params=CASES, ids=lambda case: case.name)
def case(request):
    """Each row of the case table."""
    return request.param


@pytest.fixture(scope="session", params=lrn_jax.IMPLEMENTATIONS)
def implementation(request):
    """Each implementation, by name."""
    return request.param


@pytest.fixture(scope="session", params=[None, *lrn_jax.IMPLEMENTATIONS], ids=str)
def choice(request):
    """The library's own choice, then each implementation by name."""
    return request.param


XLA = [name for name, one in lrn_jax.IMPLEMENTATIONS.items() if one.launch is None]


@pytest.fixture(scope="session", params=[None, *XLA], ids=str)
def xla_choice(request):
    """The choice, and each implementation that is made of XLA's operations."""
    return request.param


def pytest_collection_modifyitems(items):
    """Leaves out windows along several axes where a kernel refuses them.

    That it does is a test of its own.
    """
    items[:] = [item for item in items if not _is_refused(item)]


def _is_refused(item) -> bool:
    given = item.callspec.params if hasattr(item, "callspec") else {}
    name = given.get("implementation", given.get("choice"))
    if name is None or lrn_jax.IMPLEMENTATIONS[name].launch is None:
        return False
    case = given.get("case")
    axis = case.arguments.get("axis") if case else given.get("axis")
    return isinstance(axis, tuple)


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
