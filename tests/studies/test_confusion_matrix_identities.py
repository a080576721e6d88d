"""Confusion matrices against scikit-learn, and the points that several of them share."""

import pytest
from sklearn.metrics import confusion_matrix, precision_score, recall_score

from leadline.claims import Verdict
from leadline.studies.confusion_matrix_identities import Matrix, decide_bijection, matrices, shared_point


@pytest.mark.parametrize("matrix", list(matrices(3, 4)))
def test_points_agree_with_scikit_learn(matrix: Matrix) -> None:
    truth = [1] * (matrix.tp + matrix.fn) + [0] * (matrix.fp + matrix.tn)
    called = [1] * matrix.tp + [0] * matrix.fn + [1] * matrix.fp + [0] * matrix.tn
    assert confusion_matrix(truth, called).ravel().tolist() == [matrix.tn, matrix.fp, matrix.fn, matrix.tp]
    rate, recall = matrix.roc()
    assert float(recall) == pytest.approx(recall_score(truth, called))
    assert float(1 - rate) == pytest.approx(recall_score(truth, called, pos_label=0))
    point = matrix.precision_recall()
    if point is not None:
        assert float(point[1]) == pytest.approx(precision_score(truth, called))


def test_only_recall_zero_is_shared() -> None:
    assert shared_point("ROC", smallest_tp=0) is None
    assert shared_point("PR", smallest_tp=1) is None
    clash = shared_point("PR", smallest_tp=0)
    assert clash is not None
    one, other = (Matrix(**counts) for counts in clash["matrices"])
    assert one != other
    assert one.precision_recall() == other.precision_recall() == (0, 0)
    assert one.tp + one.fn == other.tp + other.fn


@pytest.mark.parametrize(("curves", "verdict"), [(("ROC",), Verdict.HOLDS), (("PR",), Verdict.QUALIFIED)])
def test_verdicts_on_the_curves(curves: tuple[str, ...], verdict: Verdict) -> None:
    assert decide_bijection(None, curves).verdict == verdict
