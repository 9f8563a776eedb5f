"""The report of an ablation: one Markdown text, and the same as a web page.

The page is the Markdown rendered, with the plots and the style inside it: a single file
that can be sent to somebody.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jinja2
from markdown_it import MarkdownIt
from markupsafe import Markup
from matplotlib.figure import Figure
from rich.console import Console

from ..config.arms import title
from ..metrics.directories import can_resume, resume_command
from ..metrics.files import write_whole
from ..terminal.errors import UserError
from ..terminal.text import markdown, plain
from . import contents, looks, merge, plots, svg, sweep, tables, tuning
from .merge import Material
from .statistics import Summary, summarize
from .table import Table
from .verdict import actions, next_step, verdict

_PLUS_MINUS = "\N{PLUS-MINUS SIGN}"
_LEGEND = (
    f"{_PLUS_MINUS}: 95% interval over seeds; p: how often chance alone puts a mean so "
    "far from 0. Intervals are each for itself; the corrected p is for all contrasts, "
    "and decides."
)
_OPTIONS: Any = {
    "loader": jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
    "undefined": jinja2.StrictUndefined,
    "autoescape": True,
    "keep_trailing_newline": True,
    "trim_blocks": True,
    "lstrip_blocks": True,
}
_HTML = jinja2.Environment(**_OPTIONS)
_MARKDOWN = jinja2.Environment(
    **_OPTIONS,
    # Every value that a template inserts, unless it is marked as being Markdown.
    finalize=lambda value: (
        value if isinstance(value, Markup) else Markup(markdown(str(value)))
    ),
)
_MARKDOWN.filters |= {
    "title": title,
    # Indented, a line is code whatever it holds.
    "code": lambda text: Markup(plain(text)),
}


@dataclass(frozen=True)
class Printed:
    """What a terminal shows of a report."""

    tables: Sequence[Table]
    verdict: Sequence[str]
    """Sentences."""
    note: str = ""
    next_step: str = ""


def as_markdown(
    material: Material,
    summary: Summary,
    verdict: Sequence[str],
    other_looks: Mapping[str, Sequence[str]],
) -> str:
    """Returns the report as Markdown, which names its plots."""
    runs = material.runs
    return _MARKDOWN.get_template("report.md.jinja").render(
        runs=runs,
        summary=summary,
        start=runs[0].start,
        activations=material.activations,
        duplicates=material.duplicates,
        verdict=verdict,
        other_looks=other_looks,
        completed=any(run.completed for run in runs),
        contents=contents,
        tables=tables,
        swept=sweep.name(summary.arms),
        tuning=tuning,
        tunings=tuning.summarize(material.draws, runs),
    )


def _plots(material: Material, summary: Summary) -> dict[str, str]:
    """Returns each plot of the report as SVG, by the name of its file."""
    runs, arms = material.runs, summary.arms
    looks = plots.looks([arm.norm for arm in arms])
    paints: dict[str, Callable[[Figure], None]] = {
        f"activations-{norm}": partial(plots.around_norm, norm, looks[norm], each)
        for norm, each in material.activations.items()
    }
    if summary.contrasts:
        paints["differences"] = partial(plots.differences, summary)
    if any(run.completed for run in runs):
        paints["learning-curves"] = partial(plots.learning_curves, runs, arms)
    if sweep.name(arms):
        paints["sweep"] = partial(sweep.plot, arms)
    tunings = tuning.summarize(material.draws, runs)
    if tunings:
        paints["tuning"] = partial(tuning.plot, tunings)
    return {f"{name}.svg": svg.draw(paint) for name, paint in paints.items()}


def _body(text: str, images: Mapping[str, str]) -> Markup:
    """Returns Markdown as HTML, with its images inside."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    # A table that is wider than a phone scrolls within this, by keyboard too.
    parser.add_render_rule(
        "table_open", lambda *_: '<div class="table" tabindex="0"><table>\n'
    )
    parser.add_render_rule("table_close", lambda *_: "</table></div>\n")
    tokens = parser.parse(text)
    for token in tokens:
        for child in token.children or ():
            if child.type == "image" and child.attrs["src"] in images:
                content = images[str(child.attrs["src"])].encode()
                data = base64.b64encode(content).decode()
                child.attrSet("src", f"data:image/svg+xml;base64,{data}")
    return Markup(parser.renderer.render(tokens, parser.options, {}))


def as_page(heading: str, text: str, images: Mapping[str, str]) -> str:
    """Returns Markdown as a page that needs no other file.

    Args:
      heading: The title of the page, any text.
      text: The Markdown.
      images: SVG by the names that the Markdown has for it.
    """
    return _HTML.get_template("page.html.jinja").render(
        heading=plain(heading), body=_body(text, images)
    )


def _place(directories: Sequence[Path], output: Path | None) -> Path:
    if not directories:
        raise UserError("`directories` must name at least one, but there is none.")
    if output is None and len(directories) > 1:
        raise UserError(
            "`output` must name a directory for the report on several, but was not "
            f"given for {', '.join(map(str, directories))}."
        )
    return output or directories[0]


def print_summary(console: Console, printed: Printed, directory: Path) -> None:
    """Prints what `write_report` returned, and where to read on."""
    for table in printed.tables:
        console.print(table)
        console.print()
    cells = [cell for table in printed.tables for row in table.rows for cell in row]
    if any(_PLUS_MINUS in cell for cell in cells):
        console.print(_LEGEND)
    if printed.note:
        console.print(f"Note: {printed.note}", soft_wrap=True)
    for sentence in printed.verdict:
        console.print(plain(sentence))
    if printed.next_step:
        console.print(plain(printed.next_step), soft_wrap=True)
    console.print(plain(f"Report: {directory / 'report.html'}"), soft_wrap=True)


def write_report(
    directories: Path | Sequence[Path], output: Path | None = None
) -> Printed:
    """Writes report.md, report.html and the plots from the metrics in directories.

    Several directories are one ablation whose runs were made apart, by seed or by arm,
    perhaps on different machines. The baseline is the first arm of the first one. What
    the report says is kept in looks.json, for those that replace it.

    Args:
      directories: Where the metrics are, and beside them the activations, if any.
      output: Where the report goes; may be left out for a single directory, which is
        then the place.

    Raises:
      DataError: If there are no runs, or a file is not one of theirs.
      UserError: If there is no directory, or no `output` for the report on several, or
        the runs have different recipes.
    """
    directories = [directories] if isinstance(directories, Path) else list(directories)
    output = _place(directories, output)
    material = merge.read(directories)
    earlier = looks.read(dict.fromkeys([*directories, output]))
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"`output` must be a directory, but {output} cannot be made: "
            f"{error.strerror}."
        ) from error
    runs = material.runs
    summary = summarize(runs, material.arms, material.contrasts)
    acted = actions(runs, material.arms, material.activations)
    unfinished = contents.unfinished(runs, material.arms)
    said = [*filter(None, [unfinished]), *verdict(summary, acted)]
    look = looks.look(runs, said)
    other_looks = {} if look is None else looks.others(look, earlier)
    if look is not None:
        said = [*said, *looks.told(look, earlier)]
    text = as_markdown(material, summary, said, other_looks)
    images = _plots(material, summary)
    page = as_page(contents.heading(summary.arms, runs[0].start), text, images)
    for name, content in {**images, "report.md": text, "report.html": page}.items():
        write_whole(output / name, content)
    if look is not None:
        looks.write(output, earlier, look)
    changed = contents.changed(runs)
    note = f"Metrics were changed after a run: {'; '.join(changed)}." if changed else ""
    shown = [tables.summary(runs, summary)]
    if material.contrasts:
        shown.append(tables.contrasts(summary))
    alone = len(directories) == 1 and can_resume(directories[0])
    step = next_step(
        summary,
        unfinished=bool(unfinished),
        tuned=bool(material.draws) or any("=" in arm for arm in material.arms),
        own=runs[0].start["recipe"]["dataset"] == "folder",
        command=resume_command(directories[0]) if alone else "",
    )
    return Printed(shown, said, note, step)
