"""Metrics on disk: they come back as written, and whatever else is there is refused."""

import json
import random
from contextlib import suppress

import hypothesis
import pytest
from hypothesis import strategies

from experiments import metrics
from experiments.terminal.errors import DataError

from .runs import ARMS, write_run

NAN = float("nan")


def test_records_come_back_as_written_baseline_first(tmp_path):
    for norm in ("lrn", "none"):
        for seed in (10, 2):
            write_run(tmp_path, norm, seed, 0.5 + seed / 100)
    read = metrics.read(tmp_path)
    expected = [("none", 2), ("none", 10), ("lrn", 2), ("lrn", 10)]
    assert [(run.norm, run.seed) for run in read] == expected
    assert all(run.completed for run in read)
    assert read[0].start["recipe"]["epochs"] == 3
    assert read[3].end["test_accuracy"] == 0.6
    assert read[0].epochs[2].train_seconds == 0.8


def test_arms_that_were_added_later_are_in_their_order(tmp_path):
    later = ("none", "batch_norm", "lrn")
    write_run(tmp_path, "lrn", 0, 0.5, arms=("none", "lrn"))
    write_run(tmp_path, "batch_norm", 0, 0.5, arms=later)
    write_run(tmp_path, "rms_norm", 0, 0.5, arms=("none", "rms_norm"))
    read = metrics.read(tmp_path)
    assert metrics.arms_of(read) == [*later, "rms_norm"]
    assert [run.norm for run in read] == ["batch_norm", "lrn", "rms_norm"]


@pytest.fixture
def path(tmp_path):
    """The metrics of a run: its start, three epochs, its end."""
    write_run(tmp_path, "lrn", 0, 0.5)
    return tmp_path / "lrn-seed0.jsonl"


@pytest.mark.parametrize("kept", [1, 2.5, 5])
def test_run_that_was_cut_off_is_read_up_to_its_last_line(kept, path):
    lines = path.read_bytes().splitlines(keepends=True)
    half = lines[int(kept)][:20] if kept % 1 else b""
    # After a crash of the machine, what was not written yet may be zeros.
    path.write_bytes(b"".join(lines[: int(kept)]) + half + b"\0\0")
    run = metrics.read_run(path)
    assert run is not None
    assert len(run.epochs) == min(int(kept) - 1, 3)
    assert run.completed == (kept == 5)


def test_run_that_ends_within_its_first_line_has_not_begun(path):
    path.write_bytes(path.read_bytes()[:100])
    assert metrics.read_run(path) is None
    with pytest.raises(DataError, match=r"expected files NORM-seedN\.jsonl"):
        metrics.read(path.parent)


def line_with(number, **changes):
    """Returns what changes fields of a line; None removes one, a dot leads inside."""

    def damage(lines):
        content = json.loads(lines[number - 1])
        for name, value in changes.items():
            *outer, name = name.split("__")
            place = content
            for each in outer:
                place = place[each]
            place.pop(name, None)
            if value is not None:
                place[name] = value
        return [*lines[: number - 1], json.dumps(content).encode(), *lines[number:]]

    return damage


@pytest.mark.parametrize(
    ("damage", "line", "message"),
    [
        # Not JSON, or not of the kind that belongs there.
        (lambda lines: [*lines[:2], lines[2][:30], *lines[3:]], 3, "it is not JSON"),
        (lambda lines: [lines[0], b"\0" * 40, *lines[2:]], 2, "it is not JSON"),
        (lambda lines: [lines[0], b"", *lines[2:]], 2, "it is not JSON"),
        (lambda lines: [*lines[:3], b'"\xff"', lines[4]], 4, "codec can't decode"),
        (lambda lines: [lines[0], b"[1, 2]"], 2, "it must be an object, but is [1, 2]"),
        (lambda lines: [b"[" * 10**5], 1, "it holds lists or objects too deep"),
        (lambda lines: [b'{"recipe":' * 50 + b"1" + b"}" * 50], 1, "objects 8 deep"),
        (lambda lines: lines[1:], 1, "its kind must be start, but is 'epoch'"),
        (lambda lines: [lines[0], *lines], 2, "must be epoch, or end in the last, but"),
        (lambda lines: [*lines, lines[4]], 5, "must be epoch, or end in the last, but"),
        # Epochs.
        (lambda lines: [*lines[:2], *lines[1:]], 3, "epoch must be 2, but is 1"),
        (lambda lines: [lines[0], lines[2], lines[1]], 2, "epoch must be 1, but is 2"),
        (line_with(2, train_loss=None), 2, "it has no train_loss"),
        (
            line_with(2, train_loss="low"),
            2,
            "train_loss must be a number, but is 'low'",
        ),
        (line_with(2, train_loss=1e300), 2, "it holds 1e+300, which is too large"),
        (line_with(3, validation_accuracy=1.1), 3, "between 0 and 1, but is 1.1"),
        # The start.
        (line_with(1, dataset_title=None), 1, "it has no dataset_title"),
        (line_with(1, seed="0"), 1, "seed must be a whole number, but is '0'"),
        (line_with(1, seed=True), 1, "seed must be a whole number, but is True"),
        (line_with(1, seed=2**63), 1, "a whole number of more than 64 bits"),
        (line_with(1, recipe=[]), 1, "recipe must be an object, but is []"),
        (line_with(1, recipe__epochs=None), 1, "recipe has no epochs"),
        (line_with(1, recipe__lrn__bias="1"), 1, "recipe.lrn.bias must be a number"),
        (line_with(1, deviations=["a", 1]), 1, "deviations.1 must be a text, but is 1"),
        (line_with(1, environment={"jax": 1}), 1, "environment.jax must be a text"),
        (line_with(1, reference=[{}]), 1, "reference.0 has no arm"),
        (line_with(1, arms=["none"]), 1, "arms must hold its own, lrn, but is none"),
        (line_with(1, arm="../lrn"), 1, "'../lrn' is no name of an arm"),
        (line_with(1, arms=["lrn", "$x$"]), 1, "'$x$' is no name of an arm"),
        (line_with(1, contrasts=[["lrn", "x"]]), 1, "['lrn', 'x'] is no pair of its"),
        # The end.
        (line_with(5, status="done"), 5, "status must be completed or validated or di"),
        (line_with(5, status=["completed"]), 5, "status must be completed or validat"),
        (line_with(5, status="validated"), 5, "a run that was not tested has results"),
        (
            line_with(1, drawn={"x": {"value": 1, "low": 0, "high": 2, "own": None}}),
            1,
            "drawn.x is no value from a range above 0",
        ),
        (line_with(5, status="diverged"), 5, "it has no step"),
        (line_with(5, test_accuracy=50), 5, "test_accuracy must be between 0 and 1"),
        (line_with(5, test_hits="AA=="), 5, "test_hits holds 1 bytes, not one bit"),
        (line_with(5, test_hits="", test_images=0), 5, "test_images must be at least"),
        (line_with(5, parameters=0.5), 5, "parameters must be a whole number or null"),
    ],
)
def test_damage_is_named_with_its_line(damage, line, message, path):
    lines = damage(path.read_bytes().splitlines())
    path.write_bytes(b"".join(each + b"\n" for each in lines))
    with pytest.raises(DataError) as raised:
        metrics.read(path.parent)
    told = str(raised.value)
    expected = f"{path} is not the metrics file of a run: in line {line}, "
    assert told.startswith(expected)
    assert message in told.removeprefix(expected)
    assert "Move it away to report without that run" in told
    assert len(told) < len(str(path)) + 300


def test_file_that_cannot_be_read_is_named(path, monkeypatch):
    (path.parent / "folder.jsonl").mkdir()  # which is none
    assert len(metrics.read(path.parent)) == 1
    with pytest.raises(
        DataError, match=r"folder\.jsonl cannot be read: Is a directory"
    ):
        metrics.read_run(path.parent / "folder.jsonl")


def test_lines_that_are_not_as_they_were_written_are_told(path):
    def changed(old, new):
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")
        run = metrics.read_run(path)
        assert run is not None
        assert run.completed
        return run.changed

    assert changed('"test_accuracy": 0.5', '"test_accuracy": 0.5') == ()
    # Times differ between runs that say the same beside them.
    assert changed('"train_seconds": 0.8', '"train_seconds": 0.9') == ()
    assert changed('"train_loss": 0.5', '"train_loss": 0.4') == (3,)
    assert changed('"test_accuracy": 0.5', '"test_accuracy": 0.7') == (3, 5)


def test_what_a_later_version_adds_is_left_alone(path):
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for line in lines:
        line["of_the_future"] = {"any": ["thing"]}
    text = "".join(json.dumps(line) + "\n" for line in lines)
    path.write_text(text, "utf-8")
    run = metrics.read_run(path)
    assert run is not None
    assert run.completed
    assert run.start["of_the_future"] == {"any": ["thing"]}


WRONG = (None, True, -1, 0, 10**30, 0.5, -0.5, NAN, 1e308, "", "x", [], [[1]], {}, ARMS)


def change_a_value(content, chosen):
    """Replaces, removes or repeats something somewhere in JSON."""
    places = []

    def walk(value):
        if isinstance(value, dict | list):
            keys = list(value) if isinstance(value, dict) else range(len(value))
            for key in keys:
                places.append((value, key))
                walk(value[key])

    walk(content)
    place, key = chosen.choice(places)
    if chosen.random() < 0.2:
        del place[key]
    else:
        place[key] = chosen.choice(WRONG)


def mutate(data: bytes, chosen: random.Random) -> bytes:
    """Damages a file, in its bytes, its lines or its values."""
    lines = data.splitlines(keepends=True)
    i, j = (chosen.randrange(len(lines)) for _ in range(2))
    kind = chosen.choice(("bytes", "cut", "swap", "delete", "repeat", "value", "value"))
    if kind == "bytes":
        flipped = bytearray(data)
        for _ in range(chosen.randint(1, 4)):
            flipped[chosen.randrange(len(data))] = chosen.randrange(256)
        return bytes(flipped)
    if kind == "cut":
        at = chosen.randrange(len(data))
        return data[:at] + data[at + chosen.randint(0, 50) :]
    if kind == "swap":
        lines[i], lines[j] = lines[j], lines[i]
    elif kind == "delete":
        del lines[i]
    elif kind == "repeat":
        lines.insert(j, lines[i])
    else:
        content = json.loads(lines[i])
        change_a_value(content, chosen)
        lines[i] = json.dumps(content).encode() + b"\n"
    return b"".join(lines)


@hypothesis.settings(max_examples=100)
@hypothesis.given(chosen=strategies.randoms(use_true_random=False))
def test_any_damage_leaves_a_run_or_one_error(chosen, tmp_path_factory):
    directory = tmp_path_factory.mktemp("runs")
    write_run(directory, "lrn", 0, 0.5, end=chosen.choice(["completed", "diverged"]))
    path = directory / "lrn-seed0.jsonl"
    path.write_bytes(mutate(path.read_bytes(), chosen))
    with suppress(DataError):  # any other error fails
        run = metrics.read_run(path)
        assert run is None or run.completed in (True, False)
