import numpy as np
import pytest

from leadline.core import InputError
from leadline.evaluation import precision_recall_to_roc, roc_to_precision_recall

TOTALS = {"positives": 7, "negatives": 11}


def test_there_and_back_gives_every_confusion_matrix_with_recall_above_0():
    tp, fp = (grid.ravel() for grid in np.mgrid[0:8, 0:12])
    recall, precision, reversible = roc_to_precision_recall(fp / 11, tp / 7, **TOTALS)
    fpr, tpr, determined = precision_recall_to_roc(recall, precision, **TOTALS)
    assert np.array_equal(reversible, tp > 0)
    assert np.array_equal(determined, tp > 0)
    assert np.array_equal(np.rint(fpr[determined] * 11), fp[determined])
    assert np.array_equal(np.rint(tpr * 7), tp)
    assert np.isnan(fpr[~determined]).all()


def test_at_recall_0_the_points_of_one_space_share_one_of_the_other():
    _, precision, _ = roc_to_precision_recall(np.array([0.1, 0.5, 1.0]), np.zeros(3), **TOTALS)
    assert precision.tolist() == [0, 0, 0]


@pytest.mark.parametrize("convert", [roc_to_precision_recall, precision_recall_to_roc])
def test_the_map_needs_both_class_totals(convert):
    with pytest.raises(InputError, match="expected positives > 0 and negatives > 0, got 0 and 3"):
        convert(np.ones(1), np.ones(1), positives=0, negatives=3)
