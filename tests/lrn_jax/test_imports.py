"""What importing the library costs, and who imports whom."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import lrn_jax
import lrn_jax.linen
import lrn_jax.nnx
import lrn_jax.onnx

PACKAGE = Path(lrn_jax.__file__).parent

# Prints the modules that a statement adds to those of `import jax`, and whether any
# backend was started (which asks for the devices, and takes them).
PROBE = """
import json, sys
import jax
before = set(sys.modules)
{statement}
from jax._src.xla_bridge import backends_are_initialized
print(json.dumps([sorted(set(sys.modules) - before), backends_are_initialized()]))
"""


def probe(statement: str) -> tuple[set[str], bool]:
    """Runs a statement in a new process."""
    process = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROBE.format(statement=statement)],
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    modules, started = json.loads(process.stdout)
    return set(modules), started


def packages(modules: set[str]) -> set[str]:
    """The packages that modules belong to, without those of Python itself."""
    return {module.partition(".")[0] for module in modules} - sys.stdlib_module_names


def test_import_loads_jax_alone_and_touches_no_device():
    modules, started = probe("import lrn_jax")
    assert "lrn_jax._lrn" in modules
    assert packages(modules) == {"lrn_jax", "jax"}
    # `jax.extend` loads some files of jax._src.pallas; Pallas itself is this one.
    assert "jax.experimental.pallas" not in modules
    assert not started


def test_linen_does_not_load_nnx():
    """Some pairs of flax and JAX cannot import flax.nnx at all."""
    modules, started = probe("import lrn_jax.linen")
    assert "flax.linen" in modules
    assert not {name for name in modules if name.startswith("flax.nnx")}
    assert not started


def test_modules_of_flax_are_there_when_asked_for():
    modules, started = probe("import lrn_jax; lrn_jax.linen, lrn_jax.nnx")
    assert modules >= {"lrn_jax.linen", "lrn_jax.nnx"}
    assert not started


@pytest.mark.parametrize("name", ["linen", "nnx"])
@pytest.mark.parametrize("how", ["import lrn_jax; lrn_jax.{}", "import lrn_jax.{}"])
def test_without_flax_the_error_says_what_to_install(name, how, monkeypatch):
    monkeypatch.setitem(sys.modules, "flax", None)
    monkeypatch.delitem(sys.modules, f"lrn_jax.{name}")
    monkeypatch.delattr(lrn_jax, name)
    message = rf"^lrn_jax\.{name} needs flax: pip install 'lrn_jax\[flax\]'$"
    with pytest.raises(ModuleNotFoundError, match=message):
        exec(how.format(name), {})


def test_without_jax2onnx_the_error_says_what_to_install(monkeypatch):
    modules, _ = probe("import lrn_jax.onnx")
    assert packages(modules) == {"lrn_jax", "jax"}
    monkeypatch.setitem(sys.modules, "jax2onnx", None)
    message = r"^lrn_jax\.onnx needs jax2onnx: pip install 'lrn_jax\[jax2onnx\]'$"
    with pytest.raises(ModuleNotFoundError, match=message):
        lrn_jax.onnx.register()


def test_what_is_not_there_is_no_attribute():
    with pytest.raises(AttributeError, match="'lrn_jax' has no attribute 'equinox'"):
        lrn_jax.equinox  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]


def test_the_probe_sees_modules_and_backends():
    statement = "import lrn_jax, flax.nnx, jax.experimental.pallas; jax.devices()"
    modules, started = probe(statement)
    assert modules >= {"flax.nnx", "jax.experimental.pallas"}
    assert started


# Imports go to a strictly lower layer, or stay within one's own package.
LAYERS = {
    "_window": 0,
    "_arithmetic": 0,
    "_formula": 1,
    "_implementations": 1,
    "_arguments": 2,
    "_choice": 2,
    "_programs": 3,
    "_primitive": 4,
    "_lrn": 5,
    "conventions": 5,
    "_learned": 6,
    "linen": 7,
    "nnx": 7,
    "onnx": 7,
    "__init__": 8,
}
FILES = sorted(PACKAGE.rglob("*.py"))


def imports(path: Path, source: str) -> set[str]:
    """Absolute names of what a file of the package imports."""
    parts = ["lrn_jax", *path.relative_to(PACKAGE).parts]
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = parts[: len(parts) - node.level] if node.level else []
            base = ".".join([*base, *([node.module] if node.module else [])])
            names |= {f"{base}.{alias.name}" for alias in node.names}
    return names


def violations(path: Path, source: str) -> set[str]:
    """Imports of a file that the layers, or its dependencies, do not allow."""
    own = path.relative_to(PACKAGE).with_suffix("").parts
    extras = {"linen": {"flax"}, "nnx": {"flax"}, "onnx": {"jax2onnx", "onnx_ir"}}
    allowed = {"jax", "numpy"} | extras.get(own[0], set())
    found = set()
    for name in imports(path, source):
        root, _, rest = name.partition(".")
        target = rest.split(".")
        if root != "lrn_jax":
            wrong = root not in allowed | sys.stdlib_module_names
        elif target[0] == own[0]:
            # Implementations know the definition, and only their table knows them.
            wrong = own[0] == "_implementations" and own[1] != "__init__"
            wrong = wrong and target[1] != "reduce_window"
        else:
            wrong = LAYERS[target[0]] >= LAYERS[own[0]]
        if wrong:
            found.add(name)
    return found


def test_every_file_has_a_layer():
    assert {
        path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in FILES
    } == (set(LAYERS))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_downward(path):
    assert violations(path, path.read_text()) == set()


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("_window.py", "from ._lrn import lrn"),
        ("_programs.py", "from . import _lrn"),
        ("_lrn.py", "import flax"),
        ("_lrn.py", "def f():\n    from experiments import train"),
        ("_implementations/reduce_window.py", "from .._programs import run"),
        ("_implementations/reduce_window.py", "from .another import window_sum"),
        ("conventions/__init__.py", "from ..linen import LocalResponseNorm"),
    ],
)
def test_the_rule_finds_violations(file, source):
    assert len(violations(PACKAGE / file, source)) == 1
