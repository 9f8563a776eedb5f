"""ncnn: the layer LRN, in float32."""

import jax.numpy as jnp
import numpy as np
import pytest

from lrn_jax import conventions, lrn

from . import grid

ncnn = pytest.importorskip("ncnn", reason="ncnn is not installed")

# The power by exp and log of its own: each costs some units in the last place.
TOLERANCE = 5e-6

IDS = ("region_type", "local_size", "alpha", "beta", "bias")


@pytest.fixture
def run(tmp_path):
    """Runs a network of one LRN, of the parameters that are given."""

    def run(x, **given):
        numbers = " ".join(
            f"{IDS.index(name)}={value}" for name, value in given.items()
        )
        param, weights = tmp_path / "net.param", tmp_path / "net.bin"
        param.write_text(f"7767517\n2 2\nInput in 0 1 x\nLRN norm 1 1 x y {numbers}\n")
        weights.touch()
        net = ncnn.Net()
        for option in ("packing_layout", "fp16_storage", "fp16_arithmetic"):
            setattr(net.opt, f"use_{option}", False)
        assert net.load_param(str(param)) == net.load_model(str(weights)) == 0
        extractor = net.create_extractor()
        extractor.input("x", ncnn.Mat(x).clone())
        failed, y = extractor.extract("y")
        assert not failed
        return np.array(y)

    return run


@pytest.mark.parametrize("channels", grid.CHANNELS)
@pytest.mark.parametrize("region_type", [0, 1])
@pytest.mark.parametrize("size", range(1, 8))
def test_values(run, size, region_type, channels):
    bias, alpha, beta = grid.numbers(size + channels)
    # Decimals, in its file; the numbers must have a point to be taken for such.
    given = {
        "region_type": region_type,
        "local_size": size,
        "alpha": float(alpha),
        "beta": float(beta),
        "bias": float(bias),
    }
    x = grid.normal((channels, 6, 5)).astype(np.float32)
    arguments = conventions.ncnn(**given, version=ncnn.__version__)
    np.testing.assert_allclose(
        lrn(jnp.asarray(x), **arguments), run(x, **given), rtol=TOLERANCE
    )


def test_defaults(run):
    x = grid.normal((7, 6, 5)).astype(np.float32)
    y = lrn(jnp.asarray(x), **conventions.ncnn())
    np.testing.assert_allclose(y, run(x), rtol=TOLERANCE)
