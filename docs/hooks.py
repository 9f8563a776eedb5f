"""How the site differs from plain MkDocs: its tree, its formulas, its docstrings."""

import html
import re
from pathlib import Path
from textwrap import dedent

import griffe
from latex2mathml.converter import convert
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
PAGES = ["*.md", *(f"{name}/**/*.md" for name in ("docs", "experiments", "benchmarks"))]
# A large parenthesis with an exponent would come out small, a function without space.
BETTER_CONVERTED = {r"\Big(": r"\left(", r"\Big)": r"\right)", r"\log": r"\,\log\,"}


def on_files(files: Files, config) -> Files:
    """Makes the repository's tree the site's: relative links lead on in both."""
    for file in list(files):
        if file.src_dir == config.docs_dir:
            files.remove(file)
    pages = {page for pattern in PAGES for page in ROOT.glob(pattern)}
    linked = {path for page in pages for path in _linked(page)}
    for path in sorted(pages | linked | {ROOT / "docs" / "site.css"}):
        name = path.relative_to(ROOT).as_posix()
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def _linked(page: Path) -> set[Path]:
    """Files of the repository that a page links to, or shows."""
    targets = re.findall(r"\]\(([^)#:]+)", page.read_text(encoding="utf-8"))
    paths = {(page.parent / target).resolve() for target in targets}
    return {path for path in paths if path.is_file()}


def on_page_content(content: str, **_) -> str:
    """Renders formulas as MathML, which browsers draw without a script."""

    def formula(match: re.Match) -> str:
        display = "block" if match["tag"] == "div" else "inline"
        tex = html.unescape(match["tex"])
        for given, better in BETTER_CONVERTED.items():
            tex = tex.replace(given, better)
        return convert(tex, display=display)

    formulas = r'<(?P<tag>span|div) class="arithmatex">\\[([](?P<tex>.*?)\\[])]</\1>'
    return re.sub(formulas, formula, content, flags=re.DOTALL)


class Docstrings(griffe.Extension):
    """Reads docstrings as Sphinx does: formulas, and sections that Griffe lacks."""

    def on_instance(self, *, obj: griffe.Object, **_) -> None:
        """Rewrites one docstring in Markdown."""
        if obj.docstring:
            text = obj.docstring.value
            text = re.sub(r":math:`(.+?)`", r"$\1$", text, flags=re.DOTALL)
            text = re.sub(r"\.\. math::\n((?: {4}.+\n?)+)", r"$$\n\1$$\n", text)
            text = re.sub(r"^Example:$", "Examples:", text, flags=re.MULTILINE)
            text = text.replace("Raises, when called:", "Raises:")
            text = re.sub(
                r"^(Checked against|References):\n((?:  .+(?:\n|$))+)",
                lambda match: f"**{match[1]}:**\n\n{dedent(match[2])}",
                text,
                flags=re.MULTILINE,
            )
            obj.docstring.value = text
