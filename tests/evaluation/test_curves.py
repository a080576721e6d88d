import math
from itertools import pairwise

import numpy as np
import pytest
import sklearn.metrics
from evaluation.labelled_rows import LAW, labelled_rows, thresholded
from hypothesis import given
from matplotlib.figure import Figure
from tolerances import ALGEBRA

from leadline.evaluation import (
    PrecisionRecallCurve,
    PrecisionRecallGainCurve,
    RocCurve,
    precision_recall_curve,
    precision_recall_gain_curve,
    roc_curve,
)

CURVES = (roc_curve, precision_recall_curve, precision_recall_gain_curve)


@LAW
@given(labelled_rows(weighted=True))
def test_roc_agrees_with_scikit_learn(rows):
    labels, scores, weights = rows
    curve = roc_curve(labels, scores, sample_weight=weights)
    fpr, tpr, thresholds = sklearn.metrics.roc_curve(labels, scores, sample_weight=weights, drop_intermediate=False)
    np.testing.assert_allclose(curve.fpr, fpr, atol=ALGEBRA)
    np.testing.assert_allclose(curve.tpr, tpr, atol=ALGEBRA)
    assert np.array_equal(curve.thresholds, thresholds)


@LAW
@given(labelled_rows(weighted=True))
def test_precision_recall_agrees_with_scikit_learn_at_every_threshold(rows):
    labels, scores, weights = rows
    curve = precision_recall_curve(labels, scores, sample_weight=weights)
    precision, recall, thresholds = sklearn.metrics.precision_recall_curve(labels, scores, sample_weight=weights)
    np.testing.assert_allclose(curve.precision[:0:-1], precision[:-1], atol=ALGEBRA)
    np.testing.assert_allclose(curve.recall[:0:-1], recall[:-1], atol=ALGEBRA)
    assert np.array_equal(curve.thresholds[:0:-1], thresholds)


@LAW
@given(labelled_rows(weighted=True))
def test_gains_agree_with_a_loop_over_thresholds(rows):
    labels, scores, weights = rows
    curve = precision_recall_gain_curve(labels, scores, sample_weight=weights)
    thresholds, tp, fp = thresholded(labels, scores, weights)
    prevalence = tp[-1] / (tp[-1] + fp[-1])
    for place in range(1, thresholds.size):
        recall, precision = tp[place] / tp[-1], tp[place] / (tp[place] + fp[place])
        for rate, gain in ((recall, curve.recall_gain[place]), (precision, curve.precision_gain[place])):
            expected = (rate - prevalence) / ((1 - prevalence) * rate) if rate > 0 else -math.inf
            assert gain == pytest.approx(expected, abs=1e3 * ALGEBRA)
    assert np.array_equal(curve.thresholds, thresholds)


def test_always_positive_sits_at_the_corners():
    labels, scores = np.arange(20) < 5, np.zeros(20)
    roc = roc_curve(labels, scores)
    precision_recall = roc.to_precision_recall()
    gain = precision_recall.to_precision_recall_gain()
    assert (roc.fpr[-1], roc.tpr[-1]) == (1, 1)
    assert (precision_recall.recall[-1], precision_recall.precision[-1]) == (1, 0.25)
    assert (gain.recall_gain[-1], gain.precision_gain[-1]) == (1, 0)


@LAW
@given(labelled_rows())
def test_gain_curve_is_straight_between_thresholds(rows):
    labels, scores = rows
    curve = precision_recall_gain_curve(labels, scores)
    x = curve.recall_gain
    for left, right in pairwise(x[1:]):
        if np.isfinite(left) and right > left:
            heights = curve.precision_gain_at(np.array([left, (left + right) / 2, right]))
            best_left = curve.precision_gain[1:][x[1:] == left].min()  # from the last point above that recall gain
            best_right = curve.precision_gain[1:][x[1:] == right].max()
            assert heights[1] == pytest.approx((best_left + best_right) / 2, abs=1e3 * ALGEBRA)


@LAW
@given(labelled_rows())
def test_interpolated_precision_is_that_of_mixed_classifiers(rows):
    labels, scores = rows
    curve = precision_recall_curve(labels, scores)
    tp, fp = curve.counts.true_positives, curve.counts.false_positives
    for i in range(tp.size - 1):
        if tp[i + 1] > tp[i]:
            mixed_tp, mixed_fp = (tp[i] + 3 * tp[i + 1]) / 4, (fp[i] + 3 * fp[i + 1]) / 4
            found = curve.precision_at(np.array([mixed_tp / tp[-1]]))
            assert found[0] == pytest.approx(mixed_tp / (mixed_tp + mixed_fp), abs=ALGEBRA)


def test_conversions_share_the_counts_and_lead_back():
    curve = roc_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    there = curve.to_precision_recall()
    assert isinstance(there, PrecisionRecallCurve)
    assert isinstance(there.to_precision_recall_gain(), PrecisionRecallGainCurve)
    back = there.to_precision_recall_gain().to_roc()
    assert isinstance(back, RocCurve)
    assert back.counts is curve.counts
    assert back.to_dict() == curve.to_dict()


@pytest.mark.parametrize("measure", CURVES)
def test_every_curve_is_a_result(measure):
    curve = measure([0, 1, 1, 0, 1], [0.2, 0.7, 0.2, 0.1, 0.4])
    assert "\n" not in curve.headline()
    assert len(curve.to_frame()) == curve.thresholds.size
    assert curve.sources
    before = curve.to_dict()
    ax = Figure().subplots()
    assert curve.plot(ax) is ax
    curve.mark(ax, 0.3)
    assert curve.to_dict() == before
    assert type(curve).from_dict(before).to_dict() == before
    assert len(ax.lines) == 3  # the reference, the curve, the operating point
    assert ax.lines[-1].get_label() == "threshold 0.4"


def test_a_picture_of_many_scores_is_small():
    generator = np.random.default_rng(0)
    labels = generator.random(300_000) < 0.3
    curve = roc_curve(labels, generator.normal(size=labels.size) + labels)
    for drawn in (curve, curve.to_precision_recall(), curve.to_precision_recall().to_precision_recall_gain()):
        ax = drawn.plot(Figure().subplots())
        assert np.asarray(ax.lines[1].get_path().vertices).shape[0] < 2000


def test_isometrics_are_straight_lines_of_slope_minus_beta_squared():
    ax = Figure().subplots()
    precision_recall_gain_curve([0, 1], [0, 1]).draw_isometrics(ax, beta=2)
    for line in ax.lines:
        assert np.diff(line.get_ydata()) / np.diff(line.get_xdata()) == pytest.approx(-4)
