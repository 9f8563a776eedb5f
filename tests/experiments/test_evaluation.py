"""How images were classified: calibration by hand, hits as text, spread of gains."""

import numpy as np
import pytest

from experiments.metrics.evaluation import (
    Evaluation,
    Gains,
    calibration_error,
    gains,
    packed_hits,
    unpacked_hits,
)


def test_calibration_error_by_hand():
    # Two in the bin up to 10/15, one of them right; one in the last, right.
    confidence = np.array([10 / 15, 0.65, 1.0], np.float64)
    hits = np.array([True, False, True])
    expected = abs(1 - 10 / 15 - 0.65) / 3 + 0 / 3
    assert calibration_error(hits, confidence) == pytest.approx(expected)
    # Where every bin is as often right as it is sure, there is none.
    sure = np.full(4, 0.75)
    right = np.array([True, True, False, True])
    assert calibration_error(right, sure) == pytest.approx(0)
    assert calibration_error(~right, sure) == pytest.approx(0.5)


def test_evaluation_sums_up_its_images():
    hits = np.array([True, False, True, True])
    whole = Evaluation.of(np.array([1, 2, 3, 6], np.float32), hits, np.ones(4))
    assert whole.loss == 3
    assert whole.accuracy == 0.75
    assert whole.calibration_error == pytest.approx(0.25)


@pytest.mark.parametrize("number", [1, 8, 359])
def test_hits_come_back_from_their_text(number):
    hits = np.random.default_rng(number).random(number) < 0.5
    np.testing.assert_array_equal(unpacked_hits(packed_hits(hits), number), hits)
    with pytest.raises(ValueError, match="not one bit for each of"):
        unpacked_hits(packed_hits(hits), number + 8)


def test_gains_are_where_something_came_in():
    before = np.array([0, 1, -2, 4] * 100, np.float32)
    factors = np.array([9, 0.5, 0.5, 0.25] * 100, np.float32)
    found = gains({"norm1": (before, before * factors), "norm2": (0 * before, before)})
    assert found == {"norm1": Gains(0.25, 0.5, 0.5)}
    assert not found["norm1"].constant
    assert Gains(0.5, 0.501, 0.504).constant
    # Where a network has diverged there is nothing to say.
    assert gains({"norm1": (before, np.where(before > 1, np.inf, before))}) == {}
