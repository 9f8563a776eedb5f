"""Checksums of published files, from checksums.txt.

A download must have its checksum. A user's own files need not: other data come in
these formats, and files may be compressed anew. Their unpacked contents are compared,
and a data set that differs does not go by the name of the published one.
"""

import hashlib
from pathlib import Path
from typing import get_args

from ..config.source import DatasetName

_LINES = Path(__file__).with_name("checksums.txt").read_text().splitlines()
_ALGORITHMS = {64: "sha256", 32: "md5"}

CHECKSUMS = {
    name: checksum
    for checksum, name in (line.split() for line in _LINES if line[0] != "#")
}
"""By name. The name of a download is its path in the cache."""


def differs(name: str, content: bytes) -> bool:
    """Whether the published file of this name, DATASET/NAME, has other contents."""
    expected = CHECKSUMS.get(name)
    if expected is None:
        return False
    digest = hashlib.new(_ALGORITHMS[len(expected)], content, usedforsecurity=False)
    return digest.hexdigest() != expected


def dataset_of(name: str, content: bytes) -> DatasetName | None:
    """Returns the data set whose published file NAME has these contents, or None."""
    for dataset in get_args(DatasetName):
        entry = f"{dataset}/{name}"
        if entry in CHECKSUMS and not differs(entry, content):
            return dataset
    return None
