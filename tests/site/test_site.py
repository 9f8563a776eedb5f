"""The built site: complete, searchable, and whole without a network."""

import json
import re
from pathlib import Path

import pytest

import lrn_jax
from lrn_jax import conventions, linen, nnx, onnx

SITE = Path(__file__).parent.parent.parent / "site"
PAGES = {
    path.relative_to(SITE): path.read_text("utf-8") for path in SITE.rglob("*.html")
}
MODULES = {
    "lrn_jax": lrn_jax,
    "conventions": conventions,
    "linen": linen,
    "nnx": nnx,
    "onnx": onnx,
}


def public(module) -> set[str]:
    """Names that a module defines or, a package, gathers from its own files."""
    own = {
        name
        for name, value in vars(module).items()
        if getattr(value, "__module__", "").startswith(module.__name__)
    }
    listed = set(getattr(module, "__all__", ())) - {"conventions"}  # a page of its own
    return {name for name in own | listed if not name.startswith("_")}


@pytest.mark.parametrize("name", MODULES)
def test_reference_has_every_public_name(name):
    module = MODULES[name]
    ids = set(re.findall(r' id="([^"]+)"', PAGES[Path(f"docs/api/{name}.html")]))
    names = public(module)
    assert names
    assert {f"{module.__name__}.{each}" for each in names} <= ids


@pytest.mark.parametrize("word", ["alpha", "ONNX", "LearnedLocalResponseNorm"])
def test_search_finds(word):
    index = json.loads((SITE / "search" / "search_index.json").read_text("utf-8"))
    assert any(word in entry["title"] + entry["text"] for entry in index["docs"])


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_page_needs_no_network_and_leaves_no_markup(page):
    text = PAGES[page]
    loaded = re.findall(
        r'<(?:link|script|img|iframe)[^>]* (?:href|src)="([^"]+)"', text
    )
    assert loaded
    assert [url for url in loaded if re.match(r"(https?:)?//", url)] == []
    prose = re.sub(r"<(pre|code|script|title)\b.*?</\1>", "", text, flags=re.DOTALL)
    # A formula, a list after a line of text, an example, a role: each not rendered.
    assert (
        re.findall(r"arithmatex|\\\(|\$|\n[-*] |\n\d\. |&gt;&gt;&gt;|:math:", prose)
        == []
    )


def test_formulas_are_rendered():
    assert PAGES[Path("index.html")].count("<math") == 1
    assert PAGES[Path("docs/derivative.html")].count("<math") > 10
