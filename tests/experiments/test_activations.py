"""What a norm layer does to activations: numbers by hand, files, the plot."""

from functools import partial

import numpy as np
import pytest
from matplotlib.figure import Figure

from experiments.config.arms import ARMS
from experiments.metrics import activation_file
from experiments.metrics.activation_summary import summarize
from experiments.report import plots, svg
from experiments.terminal.errors import DataError


def constant_maps(*channels, images=1):
    """Maps of 2x2 pixels, each channel with one value everywhere."""
    return np.broadcast_to(
        np.asarray(channels, np.float32), (images, 2, 2, len(channels))
    )


def test_energy_is_the_mean_square_of_a_map():
    before = np.zeros((2, 2, 2, 1), np.float32)
    before[1, :, :, 0] = [[1, 2], [3, 4]]
    result = summarize(before, 2 * before)
    assert result.energy_before.tolist() == [[0], [7.5]]
    assert result.energy_after.tolist() == [[0], [30]]


def test_gain_is_the_ratio_of_sizes_where_there_is_one():
    before = constant_maps(1, -2, 0, 4)
    after = constant_maps(3, -1, 5, 0)
    result = summarize(before, after)
    assert result.gains.tolist() == [3, 0.5, 0]
    assert result.median_gain == 0.5
    assert result.silent == 0.25


def test_suppressed_is_a_gain_below_half_of_the_median():
    # Gains 0.1, 0.49, 0.5, 1, 1, 2 and 3: the median is 1, two are below half of it.
    gains = np.array([1, 0.1, 2, 0.49, 3, 0.5, 1])
    before = constant_maps(1, 2, 3, 4, 5, 6, 7)
    result = summarize(before.astype(np.float64), before * gains)
    assert result.suppressed == pytest.approx(2 / 7)


def test_multiplying_by_a_constant_suppresses_nothing():
    before = np.random.default_rng(0).gamma(1, size=(3, 4, 4, 5))
    result = summarize(before, 0.001 * before)
    assert result.suppressed == 0
    assert result.median_gain == pytest.approx(0.001)


def test_silent_maps_have_neither_gain_nor_share():
    result = summarize(constant_maps(0, 0), constant_maps(0, 0))
    assert result.silent == 1
    assert result.median_gain is None
    assert result.suppressed is None
    _, before, after = result.energy_histogram()
    assert before.sum() == after.sum() == 0


def test_histograms_count_every_energy_that_is_not_zero():
    random = np.random.default_rng(0)
    before = random.normal(size=(4, 3, 3, 8)) * 10.0 ** np.arange(-4, 4)
    before[0, :, :, :3] = 0
    result = summarize(before, before / 7)
    edges, counts_before, counts_after = result.energy_histogram()
    assert counts_before.sum() == counts_after.sum() == 4 * 8 - 3
    assert len(edges) == len(counts_before) + 1
    assert edges[0] == pytest.approx(result.energy_after[result.energy_after > 0].min())
    assert edges[-1] == pytest.approx(result.energy_before.max())


def test_maps_are_the_first_images_from_the_strongest_channel_down():
    # Ten channels that are not silent: ranks 0, 1.8, 3.6, 5.4, 7.2 and 9 are rounded.
    strengths = [3, 0, 10, 1, 7, 5, 2, 9, 4, 8, 6, 0]
    before = constant_maps(*strengths, images=2).copy()
    before[1] = 100
    result = summarize(before, -before)
    shown = [strengths[channel] for channel in result.channels]
    assert shown == [10, 8, 6, 5, 3, 1]
    assert result.maps_before.shape == (6, 2, 2)
    assert result.maps_before[:, 0, 0].tolist() == shown
    assert result.maps_after[:, 1, 1].tolist() == [-value for value in shown]


def test_half_precision_is_summed_up_in_more():
    before = np.full((1, 32, 32, 1), 300, np.float16)  # whose square is no float16
    result = summarize(before, before)
    assert result.energy_before.item() == 90_000
    assert result.median_gain == 1


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (np.ones((2, 3)), np.ones((2, 3)), r"`before` must have .* shape is \(2, 3\)"),
        (np.ones((0, 2, 2, 1)), np.ones((0, 2, 2, 1)), "`before` must .* hold some"),
        (np.ones((1, 2, 2, 3)), np.ones((1, 2, 2, 1)), "`after` must have the shape"),
        (np.ones((1, 2, 2, 1)), np.full((1, 2, 2, 1), np.nan), "`after` must be fin"),
    ],
)
def test_other_arrays_are_refused(before, after, message):
    with pytest.raises(ValueError, match=message):
        summarize(before, after)


@pytest.fixture
def some():
    before = np.random.default_rng(0).gamma(0.5, size=(3, 5, 5, 8))
    return summarize(before, before / (1 + before.sum(-1, keepdims=True)))


def test_files_come_back_as_saved(some, tmp_path):
    path = activation_file.path_of(tmp_path, "lrn")
    assert path.name == "activations-lrn.npz"
    activation_file.save(path, some)
    loaded = activation_file.load(path)
    for name, array in vars(some).items():
        np.testing.assert_array_equal(getattr(loaded, name), array)


def flipped(path):
    data = bytearray(path.read_bytes())
    data[300] ^= 255
    path.write_bytes(data)


def with_array(**arrays):
    """Returns what replaces arrays in a file by others."""

    def damage(path):
        with np.load(path) as loaded:
            kept = dict(loaded)
        np.savez(path, **(kept | arrays))

    return damage


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.unlink(), "No such file"),
        (lambda path: path.write_text("something"), ""),
        (lambda path: path.write_bytes(path.read_bytes()[:-30]), ""),
        (flipped, ""),
        (lambda path: np.savez(path, energy_before=np.ones(3)), "channels"),
        (with_array(energy_after=np.ones((3, 7), np.float32)), r"of float32 \(3, 7\)"),
        (with_array(energy_after=np.ones((3, 8))), r"of float64 \(3, 8\)"),
        (with_array(maps_before=np.ones(3, np.float32)), "too many indices"),
        (with_array(energy_after=np.full((3, 8), np.nan, np.float32)), "not finite"),
        (with_array(energy_before=-np.ones((3, 8), np.float32)), "a negative energy"),
        (with_array(maps_after=np.zeros(2**24, np.float32)), "bytes of memory"),
    ],
)
def test_other_files_are_refused(damage, message, some, tmp_path):
    path = activation_file.path_of(tmp_path, "lrn")
    activation_file.save(path, some)
    damage(path)
    expected = rf"activations-lrn\.npz does not hold activations: .*{message}"
    with pytest.raises(DataError, match=expected):
        activation_file.load(path)


@pytest.mark.parametrize(
    ("gains", "constant"),
    [([0.5, 0.502, 0.498], 0.5), ([0.5, 0.51, 0.49], None), ([0, 0, 0], None)],
)
def test_constant_is_a_gain_that_is_the_same_everywhere(gains, constant):
    before = constant_maps(1, 2, 3)
    result = summarize(before, before * np.asarray(gains))
    assert result.constant == (constant and pytest.approx(constant))


def test_plot_is_drawn_of_any_activations(some):
    silent = summarize(constant_maps(0), constant_maps(0))
    lost = summarize(constant_maps(1, 2), constant_maps(0, 0))
    for norm, summary in {"none": silent, "lrn": lost, "some_other": some}.items():
        paint = partial(plots.around_norm, norm, ARMS["lrn"].look, summary)
        assert svg.draw(paint).count("<image") == 2


def test_maps_say_what_is_dark_and_what_is_bright():
    figure = Figure()
    summary = summarize(constant_maps(1, 4), constant_maps(-1, 2))
    plots.around_norm("lrn", ARMS["lrn"].look, summary, figure)
    before, after, *_ = (axes.get_title(loc="left") for axes in figure.axes)
    assert before == "2 maps before LRN: 1 (dark) to 4 (bright)"
    assert after == "after it: -1 (dark) to 2 (bright)"
