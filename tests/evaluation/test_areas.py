import numpy as np
import pytest
from evaluation.labelled_rows import LAW, labelled_rows, thresholded
from hypothesis import given
from scipy.integrate import quad
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_auc_score
from tolerances import ALGEBRA

from leadline.evaluation import score_curves
from leadline.evaluation.packed_keys import BLOCK

QUADRATURE = 1e-9  # adaptive integration of smooth pieces


@LAW
@given(labelled_rows(weighted=True))
def test_areas_agree_with_scikit_learn(rows):
    labels, scores, weights = rows
    areas = score_curves(labels, scores, sample_weight=weights).areas
    assert areas.auroc == pytest.approx(roc_auc_score(labels, scores, sample_weight=weights), abs=ALGEBRA)
    expected = average_precision_score(labels, scores, sample_weight=weights)
    assert areas.average_precision == pytest.approx(expected, abs=ALGEBRA)
    precision, recall, _ = precision_recall_curve(labels, scores, sample_weight=weights)
    assert areas.aupr_trapezoid == pytest.approx(auc(recall, precision), abs=ALGEBRA)


@LAW
@given(labelled_rows())
def test_exact_areas_agree_with_numerical_integration(rows):
    labels, scores = rows
    areas = score_curves(labels, scores).areas
    _, tp, fp = thresholded(labels, scores)
    positives, negatives = tp[-1], fp[-1]
    odds, crossing = positives / negatives, positives**2 / (positives + negatives)
    aupr = auprg = 0.0
    for tp0, fp0, tp1, fp1 in zip(tp[:-1], fp[:-1], tp[1:], fp[1:], strict=True):
        if tp1 == tp0:
            continue

        def false(t, tp0=tp0, fp0=fp0, slope=(fp1 - fp0) / (tp1 - tp0)):
            return fp0 + slope * (t - tp0)

        aupr += quad(lambda t: t / (t + false(t)), tp0, tp1, limit=200)[0] / positives
        start = max(tp0, crossing)
        if start < tp1:  # recall gain is 1 - odds (P/t - 1): its derivative is odds P/t²
            auprg += quad(lambda t: (1 - odds * false(t) / t) * odds * positives / t**2, start, tp1)[0]
    assert areas.aupr == pytest.approx(aupr, abs=QUADRATURE)
    assert areas.auprg == pytest.approx(auprg, abs=QUADRATURE * max(1, abs(auprg)))


def test_three_areas_of_one_curve_that_sources_mix_up():
    areas = score_curves([1, 1, 1, 0, 0, 0, 0, 0, 0, 0], [5, 0, 0, 0, 0, 0, 0, 0, 0, 0]).areas
    assert round(areas.aupr_trapezoid, 4) == 0.7667
    assert round(areas.average_precision, 4) == 0.5333
    assert round(areas.aupr, 4) == 0.6141


@LAW
@given(labelled_rows())
def test_monotone_maps_of_the_scores_change_nothing(rows):
    labels, scores = rows
    areas = score_curves(labels, scores).areas
    assert score_curves(labels, np.exp(3 * scores) - 7).areas == areas


@pytest.mark.parametrize("positives", [1, 30, 199])
def test_constant_scores_have_the_areas_of_chance(positives):
    labels = np.arange(200) < positives
    areas = score_curves(labels, np.ones(200)).areas
    assert areas.auroc == 0.5
    assert areas.aupr == pytest.approx(positives / 200, abs=ALGEBRA)
    assert areas.average_precision == positives / 200
    assert areas.auprg == pytest.approx(0, abs=ALGEBRA)


def test_a_perfect_ranking_has_area_1_in_every_space():
    areas = score_curves([0, 0, 0, 1, 1], [1, 2, 3, 4, 5]).areas
    assert vars(areas) == pytest.approx(dict.fromkeys(vars(areas), 1.0), abs=ALGEBRA)


def test_gain_area_is_unbounded_below():
    last = [np.arange(n) == n - 1 for n in (10, 100, 1000)]  # the one positive tied with many, half way down
    areas = [score_curves(label, -(np.arange(label.size) > label.size // 3).astype(int)).areas.auprg for label in last]
    assert areas == sorted(areas, reverse=True)
    assert areas[2] < -1


def test_gain_area_of_a_random_ranking_is_near_0():
    generator = np.random.default_rng(2)
    labels = generator.random(20_000) < 0.3
    areas = [score_curves(labels, generator.random(labels.size)).areas.auprg for _ in range(20)]
    assert abs(np.mean(areas)) < 0.02


def test_a_million_pairs_do_not_overflow_and_blocks_join_up():
    rows = 4 * BLOCK + 3
    labels = np.arange(rows) % 2 == 0
    scores = np.where(np.arange(rows) < rows // 2, 1.0, 0.0) + np.arange(rows) * 1e-9
    areas = score_curves(labels, scores).areas
    assert areas.auroc == pytest.approx(roc_auc_score(labels, scores), abs=ALGEBRA)
    assert areas.average_precision == pytest.approx(average_precision_score(labels, scores), abs=ALGEBRA)
