"""The bar of runs: its phases, its speed, the time that is left."""

import io
import re

import pytest
from rich.console import Console

from experiments.terminal.progress import Planned, TrainingBar, in_words


class Seen:
    """A bar in a terminal whose clock is set by hand."""

    def __init__(self, *, terminal: bool = True, width: int = 80):
        self.now = 0.0
        self.file = io.StringIO()
        self.console = Console(file=self.file, force_terminal=terminal, width=width)
        self.bar = TrainingBar(self.console, clock=lambda: self.now)

    def after(self, seconds: float, images: int) -> None:
        """Trains on some images."""
        self.now += seconds
        self.bar.advance(images)

    @property
    def shown(self) -> str:
        """What the bar says now."""
        return self.bar.state()

    @property
    def printed(self) -> str:
        """All that was written so far, without codes."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.file.getvalue())


def runs(*programs: str) -> list[Planned]:
    """Runs of two epochs with 1,000 images each."""
    return [Planned(program, 2000, 1000) for program in programs]


def test_bar_tells_phases_speed_and_time_left():
    seen = Seen()
    seen.bar.begin("first", runs("a", "b", "a", "b"))
    seen.now = 7
    assert seen.shown == "compiling 7 s"
    seen.after(3, 500)
    seen.after(5, 500)  # 100 images/s, of which the first ones were not timed
    seen.now += 1
    assert seen.shown == "measuring 1 s, 2 min left"
    seen.after(4, 500)
    # 6,500 images, and to compile b.
    assert seen.shown == "100 images/s, 75 s left"
    seen.bar.begin("second", runs("b", "a", "b"))
    seen.now += 4  # compiling takes time that was counted already
    assert seen.shown == "compiling 4 s, 66 s left"


def test_time_left_counts_only_what_was_trained_now():
    seen = Seen()
    for name in ("first", "second"):  # completed before --resume
        seen.bar.begin(name, runs("a", "a", "a"))
    seen.bar.begin("third", runs("a"))
    seen.after(1, 500)
    seen.after(5, 500)
    assert seen.shown.endswith(", 10 s left")


def test_whole_time_is_told_once_and_the_bar_leaves_nothing():
    seen = Seen()
    with seen.bar:
        seen.bar.begin("first", runs("a", "a"))
        seen.after(2, 500)
        for _ in range(3):
            seen.after(5, 500)
    assert seen.printed.count("About 30 s for 2 runs, at 100 images/s.") == 1
    assert seen.file.getvalue().endswith("\x1b[2K")  # the line of the bar is erased


@pytest.mark.parametrize("width", [30, 40, 80, 120])
def test_bar_is_one_line_with_the_state_in_any_terminal(width):
    seen = Seen(width=width)
    with seen.bar:
        seen.bar.begin("BatchNorm before relu, alpha=0.001, seed 12", runs("a"))
    last = seen.printed.split("\r")[-2].rstrip("\n")
    assert len(last) <= width
    assert "compiling 0 s" in last
    assert "\n" not in last


def test_file_has_no_bar():
    seen = Seen(terminal=False)
    with seen.bar:
        seen.bar.begin("first", runs("a"))
        seen.after(1, 1000)
        seen.console.print("a line")
    assert seen.file.getvalue() == "a line\n"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "0 s"), (89, "89 s"), (300, "5 min"), (9000, "2.5 h")]
)
def test_times_are_short(seconds, words):
    assert in_words(seconds) == words
