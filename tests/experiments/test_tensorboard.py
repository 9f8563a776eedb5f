"""Event files say what the metrics say, however often a run was ended."""

import json
import re
import resource
import struct
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from tensorboardX.proto.event_pb2 import (
    Event,  # pyright: ignore[reportAttributeAccessIssue] - protobuf makes it at import
)
from tensorboardX.record_writer import masked_crc32c

from experiments import metrics
from experiments.__main__ import main
from experiments.config.config import Config, Recipe
from experiments.training import tensorboard

RUN = ("ablate", "--norms", "none", "--seeds", "1", "--epochs", "2")
pytestmark = pytest.mark.usefixtures("quick")


def events_of(directory: Path) -> list[Event]:
    """What a reader finds in a run's directory: framed records, with checksums."""
    [path] = directory.iterdir()
    assert "tfevents" in path.name  # by which TensorBoard finds it
    data, events = path.read_bytes(), []
    while data:
        header, body = data[:8], data[12:]
        length = struct.unpack("<Q", header)[0]
        assert struct.unpack("<I", data[8:12])[0] == masked_crc32c(header)
        content = body[:length]
        checksum = struct.unpack("<I", body[length : length + 4])[0]
        assert checksum == masked_crc32c(content)
        events.append(Event.FromString(content))
        data = body[length + 4 :]
    assert events[0].file_version == "brain.Event:2"
    return events[1:]


def scalars_of(events: list[Event]) -> dict[str, list[tuple[int, float]]]:
    """Steps and values by tag."""
    scalars = {}
    for event in events:
        for value in event.summary.value:
            if value.HasField("simple_value"):
                pair = (event.step, value.simple_value)
                scalars.setdefault(value.tag, []).append(pair)
    return scalars


def check(output: Path, run: str = "none-seed0") -> dict[str, list[tuple[int, float]]]:
    """Compares the events of a run with its metrics, and returns the scalars."""
    events = events_of(output / "tensorboard" / run)
    scalars = scalars_of(events)
    lines = (output / f"{run}.jsonl").read_text("utf-8").splitlines()
    start, *epochs, end = map(json.loads, lines)
    for tag, name in {
        "loss/training": "train_loss",
        "loss/validation": "validation_loss",
        "accuracy/validation": "validation_accuracy",
    }.items():
        expected = [(line["epoch"], pytest.approx(line[name])) for line in epochs]
        assert scalars[tag] == expected
    for name in ("loss", "accuracy"):
        value = pytest.approx(end[f"test_{name}"])
        assert scalars[f"{name}/test"] == [(len(epochs), value)]

    [text] = [
        value.tensor.string_val[0].decode()
        for event in events
        for value in event.summary.value
        if value.tag == "config/text_summary"
    ]
    shown = json.loads(text)
    assert shown["recipe"] == start["recipe"]
    assert shown["command"] == start["command"]
    return scalars


def test_events_are_the_metrics(finished_ablation):
    output = finished_ablation.output
    runs = ["lrn-seed0", "none-seed0"]
    assert sorted(path.name for path in output.glob("tensorboard/*")) == runs
    for run in runs:
        scalars = check(output, run)
        # Of the last step of each epoch.
        rates = [(1, pytest.approx(1e-3)), (2, pytest.approx(1e-4))]
        assert scalars["learning_rate"] == rates


def test_events_are_there_epoch_by_epoch_and_go_on(tmp_path, monkeypatch):
    output = tmp_path / "runs"
    write_epoch = tensorboard.Writer.epoch
    seen = []

    def end_in_second_epoch(writer, epoch):
        write_epoch(writer, epoch)
        scalars = scalars_of(events_of(output / "tensorboard" / "none-seed0"))
        seen.append([epoch for epoch, _ in scalars["loss/training"]])
        if epoch.epoch == 2:  # its state is not saved yet: it is trained again
            raise KeyboardInterrupt

    arguments = [*RUN, "--checkpoint-seconds", "0", "--tensorboard"]
    with monkeypatch.context() as context:
        context.setattr(tensorboard.Writer, "epoch", end_in_second_epoch)
        assert main([*arguments, "--output", str(output)]) == 130
    assert seen == [[1], [1, 2]]

    assert main(["ablate", "--resume", "--output", str(output)]) == 0
    scalars = check(output)
    assert [epoch for epoch, _ in scalars["loss/training"]] == [1, 2]


@pytest.fixture
def finished(tmp_path):
    """The directory of an ablation without event files."""
    assert main([*RUN, "--output", str(tmp_path / "runs")]) == 0
    assert not (tmp_path / "runs" / "tensorboard").exists()
    return tmp_path / "runs"


def test_events_of_finished_runs_are_written_later(finished):
    arguments = ["ablate", "--resume", "--output", str(finished), "--tensorboard"]
    for _ in range(2):
        assert main(arguments) == 0
        check(finished)


def test_place_that_cannot_be_written_to_is_reported(finished, capsys):
    (finished / "tensorboard").touch()
    arguments = ["ablate", "--resume", "--output", str(finished), "--tensorboard"]
    assert main(arguments) == 2
    place = finished / "tensorboard" / "none-seed0"
    assert f"error: {place} cannot be written: " in capsys.readouterr().err


def test_diverged_run_has_its_epochs(tmp_path):
    output = tmp_path / "runs"
    arguments = [*RUN, "--learning-rate", "1e30", "--tensorboard"]
    assert main([*arguments, "--output", str(output)]) == 0
    [run] = metrics.read(output)
    assert run.status == "diverged"
    scalars = scalars_of(events_of(output / "tensorboard" / "none-seed0"))
    assert len(scalars.get("loss/training", [])) == len(run.epochs)
    assert "loss/test" not in scalars


def test_text_is_code_whatever_it_holds(tmp_path):
    text = "![x](http://a.org)\n\n# <script>\x1b\u202e\udcff"
    config = Config(Recipe(), "lrn", 0)
    with tensorboard.writer(tmp_path, config, 20, {text: text}, ()):
        pass
    [event] = events_of(tmp_path / "tensorboard" / "lrn-seed0")
    [value] = event.summary.value
    page = MarkdownIt().render(value.tensor.string_val[0].decode())
    assert re.findall("<[^>]*>", page) == ["<pre>", "<code>", "</code>", "</pre>"]
    assert page.isascii()


def test_missing_library_is_noticed_before_anything_is_written(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(tensorboard, "find_spec", lambda name: None)
    assert main([*RUN, "--tensorboard", "--output", str(tmp_path / "runs")]) == 2
    assert capsys.readouterr().err.endswith("with: pip install tensorboardX\n")
    assert not list(tmp_path.iterdir())


def test_full_disk_is_reported_and_what_is_there_goes_on(tmp_path, limit_files, capsys):
    output = tmp_path / "runs"
    # The text with the config alone is larger.
    limit_files(1000)
    arguments = [*RUN, "--checkpoint-seconds", "inf", "--tensorboard"]
    assert main([*arguments, "--output", str(output)]) == 2
    limit_files(resource.RLIM_INFINITY)
    errors = capsys.readouterr().err
    place = output / "tensorboard" / "none-seed0"
    assert errors.startswith(f"error: {place} cannot be written: File too large")
    assert errors.count("\n") == 1
    assert main(["ablate", "--resume", "--output", str(output)]) == 0
    check(output)
