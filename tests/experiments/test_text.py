"""Text from outside is text, wherever it is shown."""

import html

import hypothesis
import pytest
from hypothesis import strategies
from markdown_it import MarkdownIt

from experiments.terminal.text import markdown, plain

# Whatever means something to Markdown or to a terminal.
SPECIAL = "![](){}<>*_`~#|\\-+=.:/&;$\"'@^%0123 \n\r\t\x00\x1b\u2028\u202e\udcffhtpw"
TEXTS = strategies.text(SPECIAL, max_size=30) | strategies.text(max_size=20)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("two\r\nlines\u2028and\x0bmore", "two lines and more"),
        ("\x1b[31mred\x1b[0m", "\ufffd[31mred\ufffd[0m"),
        ("abc\u202etxt.exe", "abc\ufffdtxt.exe"),
        ("not UTF-8: \udcff", "not UTF-8: \ufffd"),
        ("[/x] :smile: Zürich 猫", "[/x] :smile: Zürich 猫"),
    ],
)
def test_plain_text_is_one_line_without_control_characters(text, shown):
    assert plain(text) == shown


@hypothesis.settings(max_examples=100)
@hypothesis.given(TEXTS.filter(plain))
def test_markdown_shows_any_text_as_it_is(text):
    render = MarkdownIt("commonmark").enable("table").render
    shown = html.escape(plain(text), quote=False).replace('"', "&quot;")
    safe = markdown(text)
    assert render(safe) == f"<p>{shown}</p>\n"
    assert render(f"**{safe}.**") == f"<p><strong>{shown}.</strong></p>\n"
    assert render(f"# {safe}") == f"<h1>{shown}</h1>\n"
    assert render(f"- {safe}\n- b") == f"<ul>\n<li>{shown}</li>\n<li>b</li>\n</ul>\n"
    assert render(f"![{safe}](x)") == f'<p><img src="x" alt="{shown}" /></p>\n'
    table = render(f"| a | b |\n| --- | --- |\n| {safe} | {safe} |")
    assert table.count(f"<td>{shown}</td>") == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see http://a.org", "see http\\://a.org"),
        ("www.a.org", "www\\.a.org"),
        ("$x$ ~~y~~", "\\$x\\$ \\~\\~y\\~\\~"),
    ],
)
def test_markdown_of_github_is_not_obeyed_either(text, expected):
    assert markdown(text) == expected


def test_markdown_of_ordinary_text_is_that_text():
    text = "no norm: 91.50 \N{PLUS-MINUS SIGN} 0.3% (p < 0.001); batch_norm, lrn-seed0"
    assert markdown(text) == text
