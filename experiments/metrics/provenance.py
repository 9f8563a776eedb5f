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


def count_cores() -> int:
    """Returns the number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on every platform
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def load() -> dict[str, float]:
    """Returns what says whether times were taken on a machine that did other work too.

    The load is the mean number of processes that ran or waited in the last minute. It
    is as different from run to run as times are.
    """
    if not hasattr(os, "getloadavg"):  # not on every platform
        return {}
    return {"cores": count_cores(), "load_in_60_seconds": os.getloadavg()[0]}


def describe() -> dict[str, str]:
    """Returns commit, versions and device, by name."""
    device = jax.devices()[0]
    on_cpu = device.platform == "cpu"
    cores = "1 core" if count_cores() == 1 else f"{count_cores()} cores"
    return {
        "commit": _commit(),
        "device": f"{_processor()}, {cores}" if on_cpu else device.device_kind,
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in _PACKAGES},
    }
