"""CIFAR: both versions of both data sets, and pickles that are up to no good."""

import os
import pickle

import numpy as np
import pytest

from experiments.data import pickles
from experiments.terminal.errors import DataError

from .files import (
    CIFAR10_BATCHES,
    batches,
    binary_batch,
    little_memory,
    load,
    pairs,
    python2_batch,
    python3_batch,
    refused,
    training,
    write_cifar10,
)


def expected(names) -> list[tuple[bytes, int]]:
    """Images, built pixel by pixel as the format is described, with their labels."""
    found = []
    for rows, labels in (batches()[name] for name in names):
        for row, label in zip(rows, labels, strict=True):
            image = np.zeros((32, 32, 3), np.uint8)
            for y in range(32):
                for channel in range(3):
                    start = 1024 * channel + 32 * y
                    image[y, :, channel] = row[start : start + 32]
            found.append((image.tobytes(), label))
    return sorted(found)


@pytest.mark.parametrize(
    ("ending", "write"),
    [
        (".bin", binary_batch),
        ("", python2_batch),
        ("", python3_batch),
    ],
    ids=["binary", "python 2", "python 3"],
)
def test_cifar10_is_read_in_every_version(tmp_path, ending, write):
    for name, batch in batches().items():
        (tmp_path / f"{name}{ending}").write_bytes(write(*batch))
    dataset = load("cifar10", tmp_path)
    assert pairs(training(dataset)) == expected(CIFAR10_BATCHES[:5])
    assert pairs(dataset.test.take(np.arange(4))) == expected(["test_batch"])
    assert dataset.title == "CIFAR-10 (not the published files)"
    assert dataset.class_names[:2] == ("airplane", "automobile")
    assert (dataset.num_classes, dataset.white) == (10, 255)


@pytest.mark.parametrize("protocol", [0, 1, 2, 5])
def test_batches_that_were_pickled_anew_are_read(tmp_path, protocol):
    forms = {
        "data_batch_1": list,
        "data_batch_2": tuple,
        "data_batch_3": np.array,
        "data_batch_4": np.uint8,
        "data_batch_5": lambda labels: np.array(labels, ">i4"),
        "test_batch": lambda labels: list(np.array(labels)),
    }
    for name, (rows, labels) in batches().items():
        batch = {
            "data": np.asfortranarray(rows) if name == "test_batch" else rows,
            "labels": forms[name](labels),
            "filenames": [f"{label}.png" for label in labels],
        }
        (tmp_path / name).write_bytes(pickle.dumps(batch, protocol))
    dataset = load("cifar10", tmp_path)
    assert pairs(training(dataset)) == expected(CIFAR10_BATCHES[:5])
    assert pairs(dataset.test.take(np.arange(4))) == expected(["test_batch"])


@pytest.mark.parametrize("version", ["binary", "python"])
def test_cifar100_has_fine_labels(tmp_path, version):
    found = dict(zip(("train", "test"), batches().values(), strict=False))
    for name, (rows, labels) in found.items():
        if version == "binary":
            content = binary_batch(rows, labels, coarse=True)
            (tmp_path / f"{name}.bin").write_bytes(content)
        else:
            content = python2_batch(rows, labels, key=b"fine_labels")
            (tmp_path / name).write_bytes(content)
    dataset = load("cifar100", tmp_path)
    assert sorted(training(dataset).labels) == sorted(found["train"][1])
    assert dataset.test.labels.tolist() == found["test"][1]
    assert pairs(training(dataset)) == expected(["data_batch_1"])


def test_cifar100_has_its_hundred_classes_in_order(tmp_path):
    rows, _ = batches()["test_batch"]
    for name in ("train", "test"):
        content = binary_batch(rows, [0, 1, 98, 99], coarse=True)
        (tmp_path / f"{name}.bin").write_bytes(content)
    names = load("cifar100", tmp_path).class_names
    assert (len(names), names[0], names[99]) == (100, "apple", "worm")
    assert list(names) == sorted(set(names))


def test_complete_version_is_read_where_the_other_is_not(tmp_path):
    write_cifar10(tmp_path)
    (tmp_path / "data_batch_1").write_bytes(b"rest of another version")
    assert len(load("cifar10", tmp_path).test) == 4


ROWS, ROW_LABELS = batches()["test_batch"]
BATCH = python3_batch(ROWS, ROW_LABELS)


class Calls:
    """Pickles to a call of `function`, made on unpickling."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def test_pickle_that_runs_code_is_refused_and_does_not_run(tmp_path):
    trace = tmp_path / "trace"
    write_python(tmp_path, pickle.dumps({"data": Calls(os.mkdir, str(trace))}))
    with refused(tmp_path, r"data_batch_3 is refused: .* it asks for posix\.mkdir"):
        load("cifar10", tmp_path)
    # The same file does run where pickles may do as they like.
    pickle.loads((tmp_path / "data_batch_3").read_bytes())
    assert trace.is_dir()


def write_python(directory, third: bytes) -> None:
    """Writes the batches of the python version, the third one as given."""
    for name, batch in batches().items():
        (directory / name).write_bytes(python2_batch(*batch))
    (directory / "data_batch_3").write_bytes(third)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"cos\nsystem\n(S'true'\ntR.", r"asks for os\.system"),
        (b"cbuiltins\neval\n(S'1'\ntR.", r"asks for builtins\.eval"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", r"asks for os\.system"),
        (b"(S'true'\nios\nsystem\n.", r"asks for the instruction INST"),
        (b"cnumpy\nload\n(S'file'\ntR.", r"asks for numpy\.load"),
        (
            b"cnumpy.core.multiarray\nfromstring\n.",
            r"asks for numpy.core.multiarray\.fromst",
        ),
        (pickle.dumps({"data": np.zeros(3, object)}), "an array of 'O8' is in it"),
        (pickle.dumps({"data": np.zeros((4, 3072))}), "an array of 'f8' is in it"),
        (pickle.dumps({"labels": {1}}), "asks for the instruction EMPTY_SET"),
        (
            pickle.dumps({"data": ROWS.astype(int), "labels": ROW_LABELS}),
            r"got an array of shape \(4, 3072\) of int64, and 4 integers",
        ),
        (python2_batch(ROWS, ROW_LABELS)[:-1], "expected a pickle"),
        (python2_batch(ROWS, ROW_LABELS)[:5000], "expected a pickle"),
        (b"", "expected a pickle"),
        (b"no pickle", "expected a pickle"),
        (pickle.dumps([1, 2]), "expected a pickle of a dictionary"),
        (pickle.dumps({}), "something else is where numbers should be"),
        (
            python3_batch(ROWS[:, :-1], ROW_LABELS),
            r"got an array of shape \(4, 3071\) of uint8, and 4 integers",
        ),
        (python3_batch(ROWS, ROW_LABELS[:3]), "and 3 integers"),
        (python3_batch(ROWS[:0], []), "and 0 integers"),
        (pickle.dumps({"data": [1], "labels": [1]}), r"shape \(1,\) of int64, and 1"),
        (pickle.dumps({"data": ROWS, "labels": "ab"}), "where numbers should be"),
        (
            pickle.dumps({"data": ROWS, "labels": [0, 1, 2, 0.5]}, 4),
            "numbers should be",
        ),
        (python3_batch(ROWS, [0, 1, 2, 10]), "expected 0 to 9, but got 10"),
        (python3_batch(ROWS, [0, 1, 2, -1]), "expected 0 to 9, but got -1"),
        (python3_batch(ROWS, [0, 1, 2, 10**30]), "int too large to convert"),
    ],
)
def test_bad_batch_of_the_python_version_is_named(tmp_path, content, message):
    write_python(tmp_path, content)
    with refused(tmp_path, f"data_batch_3 .*{message}"):
        load("cifar10", tmp_path)


TEXT = b"X\x10\x27\0\0" + 10_000 * b"x"
PAIRS = b"N" + 40 * b"q\0h\0\x86"  # of pairs of pairs: their hash takes 2^40 steps


@pytest.mark.parametrize(
    ("content", "message"),
    [
        # An index for which Python's own machine makes room, 8 bytes for each below.
        (b"r\0\0\0\x20.", "something else is in it"),
        (b"\x96" + (2**33).to_bytes(8, "little") + b".", "it ends early"),
        (b"\x8e" + (2**62).to_bytes(8, "little") + b".", "it ends early"),
        (b"}" + PAIRS + b"Ns.", "something else is where a string should be"),
        (b"}(" + PAIRS + b"Nu.", "something else is where a string should be"),
        (b"(" + PAIRS + b"Nd.", "something else is where a string should be"),
        (b"(" + PAIRS + b"\x91.", "asks for the instruction FROZENSET"),
        (b"}N" + 40 * b"2\x86" + b"Ns.", "asks for the instruction DUP"),
        # A text that is encoded again and again.
        (
            TEXT + b"q\0](" + 999 * b"c_codecs\nencode\nh\0X\6\0\0\0latin1\x86Re.",
            "something else is where a string should be",
        ),
        # Indices with the same hash, which are few once they are below a limit.
        (
            b"".join(b"p%d\n" % (1 + i * (2**61 - 1)) for i in range(9))
            + b"g4294967296\n.",
            "something else is in it",
        ),
        (b"c" + 10_000 * b"x" + b"\nx\n.", "asks for x{80}, which"),
    ],
)
def test_small_pickle_takes_little_time_and_memory(content, message):
    with little_memory(), pytest.raises(DataError, match=message) as raised:
        pickles.load(b"\x80\x02N" + content, "small", "data")
    assert len(str(raised.value)) < 400


def test_text_of_python_2_is_bytes():
    """As Python 2 writes it when it is asked for no protocol."""
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR("
        b"I1\n(I2\ntcnumpy\ndtype\n(S'u1'\nI0\nI1\ntR(I3\nS'|'\nNNNI-1\nI-1\nI0\ntb"
        b"I00\nS'\\xff\\n'\ntb"
    )
    content = b"(dS'labels'\n(lI7\nasS'data'\n" + array + b"s."
    data, labels = pickles.load(content, "text", "data", "labels")
    assert (data.tolist(), labels.tolist()) == ([255, 10], [7])


def test_number_of_instructions_has_a_limit(monkeypatch):
    content = pickle.dumps({"data": [1]}, 2)
    assert pickles.load(content, "whole", "data") == [[1]]
    monkeypatch.setattr(pickles, "MAX_INSTRUCTIONS", 3)
    with pytest.raises(DataError, match="it has more than 3 instructions"):
        pickles.load(content, "long", "data")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (binary_batch(ROWS, ROW_LABELS)[:-1], "records of 3,073 bytes, but its 12,291"),
        (b"", "but its 0 bytes are not a whole number of them"),
        (binary_batch(ROWS, [0, 1, 2, 10]), "expected 0 to 9, but got 10"),
    ],
)
def test_bad_batch_of_the_binary_version_is_named(tmp_path, content, message):
    write_cifar10(tmp_path)
    (tmp_path / "data_batch_3.bin").write_bytes(content)
    with refused(tmp_path, rf"data_batch_3\.bin .*{message}"):
        load("cifar10", tmp_path)


def test_missing_batch_is_named(tmp_path):
    write_cifar10(tmp_path)
    (tmp_path / "data_batch_5.bin").unlink()
    with refused(tmp_path, r"No data_batch_5\.bin file: CIFAR-10 was looked for in"):
        load("cifar10", tmp_path)
