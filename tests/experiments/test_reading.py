"""What is shown while images are read: nothing, a line, or a bar."""

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
    source = data.Source("folder", write_pictures(tmp_path))
    assert read(source, console).fingerprint == data.load(source).fingerprint
    text = output.getvalue()
    assert text.startswith("Reading 16 images.\n")
    assert ("16/16" in text) == terminal
    assert terminal or len(text.splitlines()) == 1


def test_nothing_is_shown_where_none_are():
    output = io.StringIO()
    read(data.Source(), Console(file=output, force_terminal=True))
    assert not output.getvalue()
