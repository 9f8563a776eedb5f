"""The packages that the experiments need beside Python."""

import sys
from importlib.util import find_spec

_MODULES = (
    "docstring_parser",
    "filelock",
    "flax",
    "jax",
    "jinja2",
    "markdown_it",
    "matplotlib",
    "numpy",
    "optax",
    "PIL",
    "rich",
    "scipy",
    "sklearn",
    "tyro",
)


def check_installed() -> None:
    """Ends the process in one line if packages are missing; it imports none of them."""
    missing = [name for name in _MODULES if find_spec(name) is None]
    if missing:
        sys.exit(
            f"error: python -m experiments needs {', '.join(missing)}. In the checkout "
            "of this repository, run: pip install '.[experiments]'"
        )
