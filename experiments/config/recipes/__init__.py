"""Recipes, one a file: where they come from, and what to expect of them.

A file has the name of its recipe. Its docstring is the help of the recipe, its
`PRESET` the defaults of all options.
"""

from importlib import import_module
from pkgutil import iter_modules

from ..config import Preset
from ..recipe import DEFAULT_RECIPE

_NAMES = sorted(
    (module.name for module in iter_modules(__path__)),
    key=lambda name: (name != DEFAULT_RECIPE, name),
)
_MODULES = {name: import_module(f".{name}", __name__) for name in _NAMES}

PRESETS: dict[str, Preset] = {name: one.PRESET for name, one in _MODULES.items()}
DESCRIPTIONS = {name: one.__doc__ or "" for name, one in _MODULES.items()}
