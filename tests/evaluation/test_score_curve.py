import numpy as np
import pytest
from evaluation.labelled_rows import LAW, labelled_rows, thresholded
from hypothesis import given
from sklearn.metrics import confusion_matrix

from leadline.core import InputError
from leadline.evaluation import precision_recall_curve, precision_recall_gain_curve, roc_curve


@LAW
@given(labelled_rows())
def test_the_point_at_a_threshold_is_its_confusion_matrix(rows):
    labels, scores = rows
    curve = roc_curve(labels, scores)
    for threshold in np.concatenate([scores, scores + 0.01, scores - 0.01, [np.inf, -np.inf]]):
        point = curve.point_at(float(threshold))
        found = [[point.true_negatives, point.false_positives], [point.false_negatives, point.true_positives]]
        assert np.array_equal(found, confusion_matrix(labels, scores >= threshold, labels=[False, True]))


@LAW
@given(labelled_rows())
def test_the_threshold_for_a_demand_is_the_best_of_all(rows):
    labels, scores = rows
    curve = precision_recall_curve(labels, scores)
    thresholds, tp, fp = thresholded(labels, scores)
    recall, fpr = tp / tp[-1], fp / fp[-1]
    for demand in (0.0, 0.3, 0.5, 1.0):
        assert curve.threshold_for(recall=demand) == thresholds[recall >= demand].max()
        assert curve.threshold_for(fpr=demand) == thresholds[fpr <= demand].min()
        precise = (tp + fp > 0) & (tp >= demand * (tp + fp))
        if precise.any():
            assert curve.threshold_for(precision=demand) == thresholds[precise].min()
        else:
            with pytest.raises(InputError, match="at some threshold, got at most"):
                curve.threshold_for(precision=demand)


@pytest.mark.parametrize("demand", [{}, {"recall": 0.5, "fpr": 0.5}, {"recall": 1.5}, {"fpr": float("nan")}])
def test_a_demand_must_be_one(demand):
    with pytest.raises(InputError, match=r"one of recall, fpr and precision, in \[0, 1\]"):
        roc_curve([0, 1], [0, 1]).threshold_for(**demand)


def test_nan_is_no_threshold():
    with pytest.raises(InputError, match="expected a threshold, got nan"):
        roc_curve([0, 1], [0, 1]).point_at(float("nan"))


@LAW
@given(labelled_rows())
def test_the_map_between_spaces_is_one_to_one_exactly_where_recall_is_positive(rows):
    curve = roc_curve(*rows)
    assert np.array_equal(curve.one_to_one, curve.recall > 0)
    assert np.array_equal(curve.to_precision_recall().one_to_one, curve.recall > 0)


def test_one_to_one_with_weights_and_with_many_rows():
    generator = np.random.default_rng(0)
    labels = generator.random(100_000) < 1e-3
    scores, weights = generator.random(labels.size), generator.random(labels.size)
    for sample_weight in (None, weights):
        curve = roc_curve(labels, scores, sample_weight=sample_weight)
        assert np.array_equal(curve.one_to_one, curve.recall > 0)


@LAW
@given(labelled_rows())
def test_the_hull_is_nowhere_lower_in_any_space(rows):
    labels, scores = rows
    roc, gain = roc_curve(labels, scores), precision_recall_gain_curve(labels, scores)
    places = np.linspace(0, 1, 21)
    assert (roc.convex_hull().tpr_at(places) >= roc.tpr_at(places) - 1e-12).all()
    assert (gain.convex_hull().precision_gain_at(places) >= gain.precision_gain_at(places) - 1e-9).all()
    inside = places[1:]
    achievable = roc.to_precision_recall().convex_hull()
    assert (achievable.precision_at(inside) >= roc.to_precision_recall().precision_at(inside) - 1e-12).all()
    for name in ("auroc", "aupr", "auprg"):
        assert getattr(achievable.areas, name) >= getattr(roc.areas, name) - 1e-9


@LAW
@given(labelled_rows())
def test_corners_alone_give_the_same_curve_and_areas(rows):
    labels, scores = rows
    whole, corners = roc_curve(labels, scores), roc_curve(labels, scores, drop_collinear=True)
    assert corners.thresholds.size <= whole.thresholds.size
    assert corners.areas == whole.areas
    places = np.linspace(0, 1, 33)
    np.testing.assert_allclose(corners.tpr_at(places), whole.tpr_at(places), atol=1e-12)
    assert "points between corners dropped" in corners.caveats[0]
