"""Which differences are tested: by default, as named, and after going on."""

import pytest

from experiments.config.contrasts import default, parse, united
from experiments.metrics import contrasts_of
from experiments.terminal.errors import UserError

from .runs import make_run


@pytest.mark.parametrize(
    ("arms", "expected"),
    [
        (
            "none scaled lrn batch_norm lrn_batch_norm whole_map",
            "lrn-none lrn-scaled lrn-batch_norm lrn_batch_norm-batch_norm",
        ),
        ("whole_map none batch_norm", "none-whole_map batch_norm-whole_map"),
        ("none", ""),
        # An arm of a sweep, and tuned arms beside untuned ones.
        ("none lrn-alpha=1e-4 lrn-alpha=1", "lrn-alpha=1e-4-none lrn-alpha=1-none"),
        ("none lrn none-tuned lrn-tuned", "lrn-none lrn-tuned-none-tuned"),
        ("none none-tuned", "none-tuned-none"),
        (
            "none rms_norm none-tuned rms_norm-tuned",
            "rms_norm-none none-tuned-none rms_norm-tuned-none-tuned",
        ),
        ("none-epochs=1 none-epochs=2", "none-epochs=2-none-epochs=1"),
    ],
)
def test_default_contrasts_ask_what_lrn_does(arms, expected):
    found = default(arms.split())
    assert ["-".join(each) for each in found] == expected.split()
    if found:  # and can be named
        assert parse(expected.split(), arms.split()) == found


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("lrn-layer", "two of the arms none, lrn, but got lrn-layer."),
        ("lrn-lrn", "two of the arms none, lrn, but got lrn-lrn."),
        ("lrn", "two of the arms none, lrn, but got lrn."),
        ("lrn-none none-lrn", "different from one another, but got lrn-none none-lrn."),
    ],
)
def test_contrasts_that_cannot_be_are_refused(texts, message):
    with pytest.raises(UserError, match=f"^`contrasts` must be .*{message}$"):
        parse(texts.split(), ["none", "lrn"])


def test_contrasts_of_trained_arms_are_fixed():
    recorded = [("lrn", "none")]
    more = [("lrn", "scaled")]
    assert united(recorded, more, ["none", "lrn"]) == recorded + more
    assert united(recorded, [], ["none", "lrn", "scaled"]) == recorded
    with pytest.raises(UserError, match="lrn-scaled was not among lrn-none"):
        united(recorded, more, ["none", "lrn", "scaled"])


def test_runs_without_contrasts_have_the_default_ones():
    earlier = make_run("lrn", 0, 0.5, arms=["none", "lrn"])
    later = make_run("lrn", 1, 0.5, contrasts=[["lrn", "none"], ["lrn", "scaled"]])
    assert contrasts_of([earlier]) == [("lrn", "none")]
    assert contrasts_of([earlier, later]) == [("lrn", "none"), ("lrn", "scaled")]
