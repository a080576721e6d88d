import numpy as np
import pytest
from evaluation.labelled_rows import LAW, labelled_rows
from hypothesis import given
from tolerances import ALGEBRA

from leadline.evaluation import count_confusion
from leadline.evaluation.path import display_path, false_positives_where, true_positives_where


@LAW
@given(labelled_rows())
def test_places_on_the_path(rows):
    counts = count_confusion(*rows)
    tp, fp = counts.true_positives, counts.false_positives
    reached = np.unique(tp)
    fewest = [fp[tp == value].min() for value in reached[1:]]
    found = false_positives_where(counts, reached.astype(float))
    assert found[1:] == pytest.approx(fewest, abs=ALGEBRA)
    assert found[0] == fp[tp == 0].max()  # from above: the negatives that come before any positive
    most = [tp[fp == value].max() for value in np.unique(fp)]
    assert true_positives_where(counts, np.unique(fp).astype(float)) == pytest.approx(most, abs=ALGEBRA)


@LAW
@given(labelled_rows())
def test_what_is_drawn_lies_on_the_path_and_holds_all_thresholds(rows):
    counts = count_confusion(*rows)
    tp, fp = display_path(counts)
    called = counts.true_positives + counts.false_positives
    assert np.allclose(np.interp(tp + fp, called, counts.true_positives), tp)
    shown = set(zip(tp.round(9), fp.round(9), strict=True))
    assert set(zip(counts.true_positives.astype(float), counts.false_positives.astype(float), strict=True)) <= shown
    assert np.isclose(tp, counts.positives**2 / counts.total).any()  # recall gain 0
