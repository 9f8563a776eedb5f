"""Blocks of the documentation that need other frameworks, where those are."""

import re

import pytest

from ..test_documentation import PAGES, PEERS, blocks, named

NEEDED = re.compile(rf"^import ({'|'.join(sorted(PEERS))})\b", re.MULTILINE)
BLOCKS = [
    pytest.param(found, code, id=f"{named(page)}-{'-'.join(found)}")
    for page in PAGES
    for _, code in blocks(page, "python")
    if (found := NEEDED.findall(code))
]


@pytest.mark.parametrize(("needed", "code"), BLOCKS)
@pytest.mark.filterwarnings("ignore")  # theirs, of what they are going to drop
def test_block_runs(needed, code):
    for name in needed:
        pytest.importorskip(name)
    exec(code, {})
