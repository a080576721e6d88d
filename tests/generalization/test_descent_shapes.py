import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import median_filter

from leadline.generalization.descent_shapes import descent_shape, median_ratio, running_median

CURVES = arrays(float, st.integers(3, 12), elements=st.integers(0, 20).map(float))


@settings(derandomize=True, max_examples=60, deadline=None)
@given(CURVES)
def test_the_peak_is_that_of_a_search_over_all_triples(curve):
    shape = descent_shape(curve)
    places = range(len(curve))
    best = max(min(curve[j] - curve[i], curve[j] - curve[k]) for i in places for j in places[i:] for k in places[j:])
    assert shape.strength == best
    assert shape.before <= shape.peak <= shape.after
    assert (curve[shape.before], curve[shape.peak], curve[shape.after]) == (
        shape.low_before, shape.high, shape.low_after,
    )  # fmt: skip


@settings(derandomize=True, max_examples=30, deadline=None)
@given(CURVES)
def test_mirrored_curves_have_mirrored_strength(curve):
    assert descent_shape(curve).strength == descent_shape(curve[::-1].copy()).strength


@pytest.mark.parametrize("curve", [[5, 4, 3, 1], [1, 2, 3], [4, 1, 6], [2, 2, 2], [0, 0, 0]])
def test_no_peak_without_both_valleys(curve):
    shape = descent_shape(np.array(curve, dtype=float))
    assert (shape.strength, shape.ratio, shape.shown) == (0, 1, False)


def test_a_peak_between_valleys_of_zero_is_shown():
    shape = descent_shape(np.array([1.0, 0.0, 0.5, 0.0]))
    assert shape.ratio == np.inf
    assert shape.shown


def test_spikes_of_single_places_do_not_count():
    curve = np.linspace(2, 1, 21)
    curve[10] = 5
    assert descent_shape(curve).shown
    assert not descent_shape(curve, smoothing=5).shown
    bump = curve.copy()
    bump[8:14] = 5
    assert descent_shape(bump, smoothing=5).shown


def test_running_median_is_scipys_and_width_one_changes_nothing():
    curve = np.array([3.0, 9.0, 1.0, 4.0, 4.0, 8.0, 2.0])
    np.testing.assert_array_equal(running_median(curve, 3), median_filter(curve, 3, mode="nearest"))
    assert running_median(curve, 3).tolist() == [3, 3, 4, 4, 4, 4, 2]
    assert running_median(curve, 1) is curve


def test_the_ratio_of_a_median_curve_and_its_interval():
    curves = np.array([[1.0, 2.0, 1.0], [1.0, 4.0, 2.0], [1.0, 3.0, 1.5]])
    ratio, low, high = median_ratio(curves)
    assert ratio == 2.0  # 3 over 1.5
    every = [
        np.median(curves[list(drawn)], axis=0) for drawn in itertools.product(range(3), repeat=3)
    ]  # all samples with replacement, equally likely
    exact = np.quantile([curve[1] / max(curve[0], curve[2]) for curve in every], [0.025, 0.975])
    np.testing.assert_allclose([low, high], exact)
    assert median_ratio(curves) == (ratio, low, high)
