"""Statistics against values worked out by hand, by brute force and by simulation."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from experiments.config.significance import SIGNIFICANCE, fewest_seeds, smallest_p_value
from experiments.metrics.evaluation import packed_hits
from experiments.report.intervals import Sample, over_seeds_and_images, sample
from experiments.report.sign_flip import seeds_needed, sign_flip_p_value
from experiments.report.statistics import holm, summarize

from .runs import ACCURACIES, make_run, make_runs


def test_sample_has_students_interval():
    result = sample([1.0, 2.0, 3.0])
    assert result.mean == 2
    assert result.deviation == 1
    # 4.303 from a table of Student's t: two degrees of freedom, 95%.
    assert result.interval is not None
    assert result.interval.low == pytest.approx(2 - 4.303 / math.sqrt(3), rel=1e-3)
    assert result.interval.high == pytest.approx(2 + 4.303 / math.sqrt(3), rel=1e-3)


def test_single_value_has_no_spread():
    assert sample([0.5]) == Sample(0.5, None, None)


def test_equal_values_have_no_interval():
    result = sample([0.3 - 0.2, 0.1, 0.4 - 0.3])
    assert result.interval is None
    assert result.deviation == pytest.approx(0, abs=1e-9)


def share_that_holds_the_mean(interval, draw, number=2000):
    """How often an interval for values with a mean of 0 holds it."""
    random = np.random.default_rng(0)
    found = [interval(draw(random)) for _ in range(number)]
    return np.mean([each.low <= 0 <= each.high for each in found])


@pytest.mark.parametrize("pairs", [5, 8, 12])
def test_students_interval_holds_the_mean_as_often_as_it_says(pairs):
    share = share_that_holds_the_mean(
        lambda values: sample(values).interval, lambda random: random.normal(size=pairs)
    )
    assert share == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / 2000))


@pytest.mark.parametrize(
    ("seeds", "deviations"),
    [
        (8, (0.05, 1, 1)),  # of seeds, of images, of the rest
        (8, (0.02, 0.3, 1)),
        (8, (0.05, 0, 1)),
        (5, (0.02, 0.3, 1)),
    ],
)
def test_interval_over_seeds_and_images_holds_the_mean(seeds, deviations):
    images = 500

    def draw(random):
        shapes = ((seeds, 1), (1, images), (seeds, images))
        return sum(map(random.normal, (0, 0, 0), deviations, shapes))

    share = share_that_holds_the_mean(over_seeds_and_images, draw, 1000)
    assert 0.93 <= share <= 0.98


def test_interval_over_seeds_and_images_by_hand():
    # Means by seed 1 and 3, by image 0, 1 and 5; the rest is +-1, +-0, -+1.
    values = [[0.0, 0.0, 3.0], [0.0, 2.0, 7.0]]
    # Mean squares: 3 (1 + 1) / 1 = 6, 2 (4 + 1 + 9) / 2 = 14, 4 / 2 = 2. Then the
    # variance is (6 + 14 - 2) / 6 = 3, with 18^2 / (36 / 1 + 196 / 2 + 4 / 2) = 2.38
    # degrees of freedom; but over the seeds alone it is 1, with t = 12.706.
    narrow = over_seeds_and_images(values)
    assert narrow is not None
    assert narrow.low == pytest.approx(2 - 12.706, rel=1e-3)
    # Images that differ more: 2 (40^2 + 10^2 + 50^2) / 2 = 4200, and 4204 / 6 = 700.7
    # with 4204^2 / (36 + 4200^2 / 2 + 2) = 2.004 degrees of freedom, t = 4.296.
    values = np.add(values, [[-38.0, -9.0, 47.0]])
    wide = over_seeds_and_images(values)
    assert wide is not None
    assert wide.high == pytest.approx(2 + 4.296 * math.sqrt(700.7), rel=1e-3)


def test_seeds_and_images_have_no_interval_without_one_over_the_seeds():
    assert over_seeds_and_images([[0.0, 1.0, 1.0]]) is None
    assert over_seeds_and_images([[0.0, 1.0], [1.0, 0.0]]) is None


PAIRS = [("lrn", "none"), ("batch_norm", "none")]


def test_differences_are_taken_seed_by_seed():
    summary = summarize(make_runs(), [*ACCURACIES], PAIRS)
    lrn, batch_norm = summary.contrasts
    assert lrn.mean == pytest.approx(0, abs=1e-9)
    # Of the eight differences of about 0.05, not of the accuracies.
    assert batch_norm.interval is not None
    assert 0.049 < batch_norm.interval.low < 0.05
    assert 0.05 < batch_norm.interval.high < 0.051
    accuracy = summary.arms[2].accuracy
    assert accuracy is not None
    assert accuracy.interval is not None
    assert accuracy.interval.high - accuracy.interval.low > 0.015
    assert summary.arms[2].cost.epoch_seconds == pytest.approx((0.6, 0.7, 0.8))


def test_p_values_are_corrected_over_the_contrasts():
    lrn, batch_norm = summarize(make_runs(), [*ACCURACIES], PAIRS).contrasts
    assert batch_norm.p_value == 2 / 2**8
    assert batch_norm.corrected_p_value == 4 / 2**8
    assert batch_norm.smallest_p_value == 4 / 2**8
    assert batch_norm.shown
    assert lrn.corrected_p_value == 1
    assert not lrn.shown
    assert lrn.can_be_shown


def test_what_is_no_contrast_is_exploratory():
    summary = summarize(make_runs(), [*ACCURACIES], [("lrn", "batch_norm")])
    (contrast,) = summary.contrasts
    assert contrast.mean == pytest.approx(-0.05)
    assert contrast.corrected_p_value == contrast.p_value
    arms = [(each.arm, each.other) for each in summary.exploratory]
    assert arms == [("lrn", "none"), ("batch_norm", "none")]


def test_contrasts_without_a_run_count_in_the_correction():
    pairs = [*PAIRS, ("lrn_within", "none")]
    summary = summarize(make_runs(), [*ACCURACIES, "lrn_within"], pairs)
    assert summary.missing == [("lrn_within", "none")]
    assert summary.contrasts[1].corrected_p_value == 6 / 2**8
    assert summary.contrasts[1].comparisons == 3


def test_seeds_missing_in_one_arm_are_left_out_of_its_differences():
    runs = make_runs({"none": (0.5, 0.6, 0.7), "lrn": (0.4, 0.8, 0.8)})
    runs[3] = replace(runs[3], status="diverged")
    summary = summarize(runs, ["none", "lrn"], [("lrn", "none")])
    assert summary.arms[1].num_runs == 2
    assert summary.contrasts[0].by_seed == pytest.approx({1: 0.2, 2: 0.1})
    assert summary.contrasts[0].mean == pytest.approx((0.2 + 0.1) / 2)


def test_other_metrics_are_compared_where_every_run_has_them():
    recipe = {"target_accuracy": 0.86}

    def runs(norm, accuracy, **end):
        made = [make_run(norm, seed, accuracy, recipe=recipe) for seed in range(3)]
        return [replace(run, end=run.end | end) for run in made]

    # Validation accuracies are 0.1, 0.05 and 0.033 below: none is there in time, LRN in
    # the third epoch, BatchNorm in the first.
    arms = {"none": 0.88, "lrn": 0.9, "batch_norm": 0.98}
    made = [run for norm, accuracy in arms.items() for run in runs(norm, accuracy)]
    made[3:6] = runs("lrn", 0.9, test_loss=0.3, test_calibration_error=0.01)
    made[6:9] = runs("batch_norm", 0.98, test_calibration_error=0.03)
    pairs = [("lrn", "none"), ("lrn", "batch_norm")]
    summary = summarize(made, [*arms], pairs)
    to_none, to_batch_norm = (each.secondary for each in summary.contrasts)
    assert [*to_none] == ["loss"]
    assert to_none["loss"].mean == pytest.approx(0.2)
    assert to_none["loss"].p_value == 2 / 2**3
    assert to_batch_norm["calibration_error"].mean == pytest.approx(-0.02)
    assert to_batch_norm["epochs_to_target"].mean == 2
    assert summary.arms[0].values["epochs_to_target"] == {}
    assert summary.arms[0].sample("calibration_error") is None


def test_hits_that_do_not_fit_each_other_give_no_interval():
    def interval(*images):
        made = [make_run(arm, seed, 0.5) for seed in (0, 1) for arm in ("none", "lrn")]
        random = np.random.default_rng(0)
        for run, number in zip(made, images, strict=True):
            if number:
                hits = packed_hits(random.random(number) < 0.5)
                run.end.update(test_images=number, test_hits=hits)
        (contrast,) = summarize(made, ["none", "lrn"], [("lrn", "none")]).contrasts
        return contrast.over_images

    assert interval(9, 9, 9, 9) is not None
    assert interval(9, 9, 9, None) is None
    assert interval(9, 9, 9, 10) is None


def p_value_by_brute_force(differences: list[float]) -> float:
    """The share of all sign combinations whose mean is at least as far from 0."""
    signs = np.array(list(itertools.product((1, -1), repeat=len(differences))))
    observed = abs(sum(differences))
    return float(np.mean(np.abs(signs @ differences) >= observed - 1e-9))


@pytest.mark.parametrize(
    "differences",
    [
        [0.02],
        [0.01, 0.02],
        [0.01, -0.02, 0.03, 0.015],
        [0.01, 0.01, -0.01, 0.02, 0.02, 0.02],  # ties
        [0.0, 0.0, 0.01, -0.01],  # mean 0
        [0.003, 0.011, 0.007, -0.002, 0.009, 0.013, 0.004, 0.001, -0.006, 0.010],
    ],
)
def test_sign_flip_p_value_equals_brute_force(differences):
    expected = p_value_by_brute_force(differences)
    assert sign_flip_p_value(differences) == pytest.approx(expected, abs=1e-12)


def test_sign_flip_p_value_by_hand():
    # Of the eight sums of (+-1, +-2, +-3), 6 and -6, 4 and -4 are at least as far out
    # as 4 = -1 + 2 + 3.
    assert sign_flip_p_value([-0.01, 0.02, 0.03]) == 0.5


def test_sign_flip_p_value_of_a_mean_of_zero_is_one():
    assert sign_flip_p_value([0.0] * 4) == 1
    # Hits among 6000 images: 1 + 3 + 2 - 1 - 3 - 2 more. In floating point neither the
    # sum of these differences is 0, nor that of others which should be.
    hits = [(5828, 5827), (5891, 5888), (5829, 5827)]
    hits += [(5880, 5881), (5824, 5827), (5864, 5866)]
    assert sign_flip_p_value([a / 6000 - b / 6000 for a, b in hits]) == 1


@pytest.mark.parametrize("pairs", [1, 2, 5, 7, 14])
def test_differences_of_one_sign_give_the_smallest_p_value(pairs):
    differences = [0.01 + 0.001 * i for i in range(pairs)]
    assert sign_flip_p_value(differences) == smallest_p_value(pairs) == 2 / 2**pairs


def test_sign_flip_test_of_many_pairs_draws_signs_at_random():
    random = np.random.default_rng(3)
    differences = random.normal(0.5, 1, 16).tolist()
    p_value = sign_flip_p_value(differences)
    assert p_value == sign_flip_p_value(differences)
    assert p_value == pytest.approx(p_value_by_brute_force(differences), rel=0.1)
    # One sign of 30 alike: a p-value of 0 would claim what no sampling can.
    assert 0 < sign_flip_p_value([0.01 + 0.001 * i for i in range(30)]) < 1e-4


def test_sign_flip_test_errs_no_more_often_than_it_says():
    random = np.random.default_rng(0)
    rejected = sum(
        sign_flip_p_value(random.normal(0, 1, 8).tolist()) <= 0.05 for _ in range(400)
    )
    # At most 12 of 256 combinations: 4.7%; five standard errors above that.
    assert 0 < rejected / 400 < 0.047 + 5 * math.sqrt(0.047 * 0.953 / 400)


def test_holm_on_a_worked_example():
    # Times 4, 3, 2, 1 in ascending order, and none below the one before it:
    # 0.005 * 4 = 0.02; 0.01 * 3 = 0.03; 0.03 * 2 = 0.06; 0.04 * 1 = 0.04 -> 0.06.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_stays_below_one_and_leaves_one_value_alone():
    assert holm([0.04]) == [0.04]
    assert holm([0.6, 0.7]) == [1, 1]
    assert holm([]) == []


def test_arms_that_are_alike_are_seldom_shown_to_differ():
    random = np.random.default_rng(0)
    # By chance, with the arms in any order: four arms less a fifth, over 8 seeds.
    arms = random.normal(size=(1000, 5, 8))
    differences = arms[:, 1:] - arms[:, :1]
    p_values = [[sign_flip_p_value(each) for each in four] for four in differences]
    shown = np.mean([min(holm(four)) <= SIGNIFICANCE for four in p_values])
    assert 0 < shown <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 1000)


def test_seeds_needed_agrees_with_tables_of_the_paired_t_test():
    # Standardized differences 1 and 0.5, two-sided 5%, power 80%: 10 and 34 pairs in
    # the usual tables (G*Power: t-test of matched pairs).
    assert seeds_needed(0.01, 0.01, comparisons=1) == 10
    assert seeds_needed(0.005, 0.01, comparisons=1) == 34
    assert seeds_needed(-0.005, 0.01, comparisons=1) == 34


@pytest.mark.parametrize(("effect", "comparisons"), [(1.5, 9), (1.43, 1), (0.95, 3)])
def test_seeds_needed_give_the_power_and_no_more_than_that(effect, comparisons):
    pairs = seeds_needed(effect / 100, 0.01, comparisons)
    assert pairs is not None
    random = np.random.default_rng(1)

    def power(pairs: int) -> float:
        """Of the sign-flip test, in 300 experiments."""
        values = random.normal(effect, 1, (300, pairs))
        signs = np.array(list(itertools.product((1, -1), repeat=pairs)))
        sums = np.abs(values @ signs.T)
        p_values = (sums >= sums[:, :1] - 1e-9).mean(axis=1)
        return float((p_values <= 0.05 / comparisons).mean())

    # Three standard errors of a share of 300.
    assert power(pairs) > 0.8 - 0.07
    assert power(pairs - 1) < 0.8 + 0.07


def test_seeds_needed_are_never_too_few_for_the_sign_flip_test():
    # A difference without any noise: what counts is 2 / 2^n <= 0.05 / comparisons.
    assert seeds_needed(0.01, 0.0, comparisons=1) == 6
    assert seeds_needed(0.01, 0.0, comparisons=3) == 7
    assert seeds_needed(0.01, 1e-6, comparisons=9) == 9


@pytest.mark.parametrize(("comparisons", "pairs"), [(1, 6), (3, 7), (4, 8), (9, 9)])
def test_fewest_seeds_are_just_enough_for_the_sign_flip_test(comparisons, pairs):
    assert fewest_seeds(comparisons) == pairs
    assert smallest_p_value(pairs) <= 0.05 / comparisons < smallest_p_value(pairs - 1)


def test_seeds_needed_is_none_where_no_number_is_enough():
    assert seeds_needed(0.0, 0.01, comparisons=1) is None
    assert seeds_needed(0.0, 0.0, comparisons=1) is None
    assert seeds_needed(0.0001, 0.01, comparisons=1) is None
