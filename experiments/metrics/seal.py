"""A checksum in each line of metrics, by which later changes of it show."""

import json
import zlib
from collections.abc import Mapping
from typing import Any

_NAME = "crc32"


def _checksum(content: Mapping[str, Any]) -> str:
    # Times are left out: runs that say the same beside them shall have the same lines.
    fixed = {name: content[name] for name in content if "seconds" not in name}
    fixed.pop(_NAME, None)
    return f"{zlib.crc32(json.dumps(fixed).encode()):08x}"


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the content of a line, with its checksum."""
    return {**content, _NAME: _checksum(content)}


def opened(content: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """Returns the content of a line, and whether its checksum, if any, is right."""
    whole = content.get(_NAME, _checksum(content)) == _checksum(content)
    return {name: content[name] for name in content if name != _NAME}, whole
