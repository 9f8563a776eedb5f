"""Where data may come from: what a Source and a Recipe refuse."""

from typing import get_args

import pytest

from experiments.config.config import Recipe
from experiments.data import TITLES, DatasetName, Source
from experiments.data.catalogue import CATALOGUE
from experiments.terminal.errors import DataError, UserError


def test_message_is_one_printable_line_whatever_it_quotes():
    message = str(DataError("a\r\nb  \x1b[31m\udc80 \u00e9"))
    assert (
        message == "a b \N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER} \u00e9"
    )


def test_every_data_set_has_a_title_and_its_files_an_entry():
    assert set(TITLES) == set(get_args(DatasetName))
    assert set(CATALOGUE) == set(TITLES) - {"digits", "folder"}
    assert len(set(TITLES.values())) == len(TITLES)
    assert TITLES["cifar10-jpeg"] == "CIFAR-10-JPEG (lossy)"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"dataset": "imagenet"}, "`dataset` must be one of digits, .* but got image"),
        ({"data_dir": "somewhere"}, "`data-dir` must not be given for digits"),
        ({"dataset": "folder"}, "`data-dir` must name .* but was not given"),
        (
            {"dataset": "folder", "data_dir": "a", "image_size": 0},
            "`image-size` must be at least 1, but got 0",
        ),
        (
            {"dataset": "folder", "data_dir": "a", "image_size": 10**6},
            "`image-size` must be at most 4096, but got 1000000",
        ),
        *(
            (
                {"dataset": "mnist", name: value},
                rf"must not .* for mnist, .* got {value}",
            )
            for name, value in (
                ("image_size", 32),
                ("val_dir", "a"),
                ("test_dir", "b"),
                ("skip_damaged", True),
            )
        ),
    ],
)
def test_impossible_source_is_refused(values, message):
    with pytest.raises(UserError, match=message):
        Source(**values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 0}, "`epochs` must be at least 1, but got 0"),
        ({"batch_size": 0}, "`batch-size` must be at least 1, but got 0"),
        ({"learning_rate": 0.0}, "`learning-rate` must be greater than 0"),
        ({"learning_rate": float("nan")}, "`learning-rate` .* but got nan"),
        ({"dropout_rate": 1.0}, "`dropout-rate` must be at least 0 and less than 1"),
        ({"data_dir": "somewhere"}, "`data-dir` must not be given for digits"),
    ],
)
def test_impossible_recipe_is_refused(values, message):
    with pytest.raises(UserError, match=message):
        Recipe(**values)
