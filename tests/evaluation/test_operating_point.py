import math

import pytest
from sklearn.metrics import fbeta_score, precision_score, recall_score

from leadline.evaluation import OperatingPoint, rate_to_gain

TRUTH, CALLED = [1, 1, 1, 0, 0, 0, 0], [1, 0, 1, 1, 0, 0, 0]
POINT = OperatingPoint(threshold=0.5, true_positives=2, false_positives=1, false_negatives=1, true_negatives=3)


def test_rates_agree_with_scikit_learn():
    assert POINT.recall == recall_score(TRUTH, CALLED)
    assert POINT.precision == precision_score(TRUTH, CALLED)
    assert POINT.f_beta(2) == pytest.approx(fbeta_score(TRUTH, CALLED, beta=2))
    assert POINT.fpr == 0.25
    assert POINT.prevalence == 3 / 7
    assert POINT.precision_gain == pytest.approx(float(rate_to_gain(POINT.precision, 3 / 7)))
    assert POINT.recall_gain == pytest.approx(float(rate_to_gain(POINT.recall, 3 / 7)))


def test_where_nothing_is_called_positive_precision_is_undefined():
    point = OperatingPoint(threshold=9.0, true_positives=0, false_positives=0, false_negatives=3, true_negatives=4)
    assert math.isnan(point.precision)
    assert math.isnan(point.precision_gain)
    assert point.recall_gain == -math.inf
    assert point.f_beta() == 0
