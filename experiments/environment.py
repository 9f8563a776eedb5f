"""Where and with what a run was made."""

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

import jax

_PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy")


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def _commit() -> str:
    """Returns the commit of this code, marked where files differ from it."""
    try:
        commit = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "--", "*.py")
    except (OSError, subprocess.CalledProcessError):
        return "unknown (not a git checkout)"
    return f"{commit} with local changes" if changed else commit


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.split(":")[1].strip() for line in lines if "model name" in line]
    return models[0] if models else platform.machine()


def _cores() -> str:
    """Returns how many cores this process may use, in words."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on every platform
    count = len(affinity(0)) if affinity else os.cpu_count()
    return "1 core" if count == 1 else f"{count} cores"


def describe() -> dict[str, str]:
    """Returns commit, versions and device, by name."""
    device = jax.devices()[0]
    on_cpu = device.platform == "cpu"
    return {
        "commit": _commit(),
        "device": (f"{_processor()}, {_cores()}" if on_cpu else device.device_kind),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in _PACKAGES},
    }
