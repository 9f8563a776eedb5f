"""Blocks of the documentation that need jax2onnx or TensorFlow, where those are."""

import re

import pytest

from ..test_documentation import PAGES, PEERS, blocks, named

NEEDED = re.compile(rf"^import ({'|'.join(sorted(PEERS))})\b", re.MULTILINE)
BLOCKS = [
    pytest.param(match[1], code, id=f"{named(page)}-{match[1]}")
    for page in PAGES
    for _, code in blocks(page, "python")
    if (match := NEEDED.search(code))
]


@pytest.mark.parametrize(("needed", "code"), BLOCKS)
@pytest.mark.filterwarnings("ignore")  # theirs, of what they are going to drop
def test_block_runs(needed, code):
    pytest.importorskip(needed)
    exec(code, {})
