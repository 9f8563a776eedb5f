"""Where and with what a run was made."""

import importlib.metadata
import os
import platform
import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax

_ROOT = Path(__file__).parent.parent
_CODE = ("benchmarks/*.py", "experiments/*.py", "lrn_jax/*.py")
UNKNOWN = "unknown"
_VARIABLES = ("XLA_", "JAX_", "OMP_", "KMP_", "MALLOC_", "GLIBC_TUNABLES", "LD_PRELOAD")


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=_ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()


def _commit() -> tuple[str, bool]:
    """Returns the commit of this code, and whether the code differs from it."""
    try:
        commit = _git("rev-parse", "--short=12", "HEAD")
        return commit, bool(_git("status", "--porcelain", "--", *_CODE))
    except (OSError, subprocess.CalledProcessError):
        return UNKNOWN, True


def _first_match(pattern: str, file: str) -> str | None:
    try:
        found = re.search(pattern, Path(file).read_text(encoding="utf-8"))
    except OSError:
        return None
    return found.group(1) if found else None


def _device() -> str:
    """Returns the name of what computes."""
    found = jax.devices()[0]
    if found.platform != "cpu":
        return found.device_kind
    model = _first_match(r"model name\s*: (.*)", "/proc/cpuinfo")
    return model or platform.processor() or platform.machine()


def version(package: str) -> str:
    """Returns the version of a package, by its name or a module's, or `UNKNOWN`."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        names = importlib.metadata.packages_distributions().get(package, [])
        return importlib.metadata.version(names[0]) if names else UNKNOWN


def describe(versions: Mapping[str, str]) -> dict[str, Any]:
    """Returns commit, versions, those given as well, and device, by name."""
    commit, dirty = _commit()
    return {
        "commit": commit,
        "local_changes": dirty,
        "device": _device(),
        "platform": jax.default_backend(),
        "cores": os.cpu_count(),
        # Far above 0 before the start means that others use the machine, too.
        "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "huge_pages": _first_match(
            r"\[(\w+)\]", "/sys/kernel/mm/transparent_hugepage/enabled"
        ),
        "variables": {
            name: value
            for name, value in sorted(os.environ.items())
            if name.startswith(_VARIABLES)
        },
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "versions": {
            **{name: version(name) for name in ("jax", "jaxlib")},
            **versions,
        },
    }


def command(arguments: Sequence[str]) -> str:
    """Returns the command line, without what is particular to a machine: its paths."""
    plain = (Path(one).name if Path(one).is_absolute() else one for one in arguments)
    return shlex.join(["python", "-m", "benchmarks", *plain])
