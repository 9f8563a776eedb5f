"""Checksums of published files, from checksums.txt.

A download must have its checksum. Files that a user has need not, since the formats are
used for other data, and files are compressed anew: what they unpack to is compared, and
where that differs the data set does not go by the name of the published one.
"""

import hashlib
from pathlib import Path

_LINES = Path(__file__).with_name("checksums.txt").read_text().splitlines()
_ALGORITHMS = {64: "sha256", 32: "md5"}

CHECKSUMS = {
    name: checksum
    for checksum, name in (line.split() for line in _LINES if line[0] != "#")
}
"""By name: that of a download is its path in the cache."""


def differs(name: str, content: bytes) -> bool:
    """Whether a file, DATASET/NAME, is known to have been published otherwise."""
    expected = CHECKSUMS.get(name)
    if expected is None:
        return False
    digest = hashlib.new(_ALGORITHMS[len(expected)], content, usedforsecurity=False)
    return digest.hexdigest() != expected
