"""The benchmark's peers: what each computes there is what `lrn` computes."""

import importlib.util
import sys
from pathlib import Path

import pytest

from benchmarks.layer.cases import LAYOUTS, MODES, Problem
from benchmarks.layer.contenders import CONTENDERS, Machine
from benchmarks.layer.measure import compare

MACHINE = Machine("cpu", 1, keep_memory=True, tensorflow_python=Path(sys.executable))
PEERS = [name for name, one in CONTENDERS.items() if one.family == "peer"]


@pytest.mark.filterwarnings("ignore")  # theirs
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", PEERS)
def test_installed_peers_are_right(name, layout, mode):
    peer = CONTENDERS[name]
    given = Problem("smoke", layout, "float32", mode)
    if reason := peer.refusal(given, MACHINE):
        pytest.skip(reason)
    if missing := peer.missing():
        pytest.skip(f"{', '.join(missing)} not installed")
    records = compare(given, {name: peer}, MACHINE, rounds=1, seconds=60)
    if peer.own_process and not importlib.util.find_spec("tensorflow"):
        assert records[0]["status"] == "failed"
        assert "No module named 'tensorflow'" in records[0]["reason"]
    else:
        assert records[0]["status"] == "measured", records[0]
