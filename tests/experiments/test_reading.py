"""What is shown while images are read: nothing, a line or a bar, and notes."""

import io

import pytest
from rich.console import Console

from experiments import data
from experiments.data.reading import read

from .data.files import write_pictures


@pytest.mark.parametrize("terminal", [False, True])
def test_reading_is_shown_where_images_are_decoded(tmp_path, terminal):
    output = io.StringIO()
    console = Console(file=output, force_terminal=terminal, highlight=False)
    source = data.Source("folder", write_pictures(tmp_path, test=100))
    assert read(source, console).fingerprint == data.load(source).fingerprint
    text = output.getvalue()
    assert text.startswith("Reading 212 images.\n")
    assert ("212/212" in text) == terminal
    assert terminal or len(text.splitlines()) == 1


def test_notes_are_shown_as_text_at_the_end(tmp_path):
    write_pictures(tmp_path, classes=("[red]cat", "d\x1bog"))
    (tmp_path / "train" / "[red]cat" / "0000.png").write_bytes(b"no image")
    output = io.StringIO()
    console = Console(file=output, markup=False, width=80)
    read(data.Source("folder", tmp_path, skip_damaged=True), console)
    assert output.getvalue().splitlines()[1:] == [
        "Note: Files that cannot be used were left out (--skip-damaged): 1, by class: ",
        "[red]cat 1.",
        "Note: The test has only 4 images: one of them is 25.0 points of accuracy.",
    ]


def test_nothing_is_shown_where_none_are():
    output = io.StringIO()
    read(data.Source(), Console(file=output, force_terminal=True))
    assert not output.getvalue()
