from dataclasses import astuple

import numpy as np
import pytest
from evaluation.labelled_rows import LAW, labelled_rows
from hypothesis import given
from hypothesis import strategies as st
from tolerances import ALGEBRA

from leadline.evaluation import score_curves
from leadline.evaluation.resampling import GRID, SortedRows, _draw, _measure, resample


@LAW
@given(labelled_rows(weighted=True), st.integers(0, 10))
def test_replicates_measure_what_the_curves_of_the_repeated_rows_do(rows, seed):
    labels, scores, weights = rows
    multiplicity = np.random.default_rng(seed).integers(0, 3, (3, labels.size))
    multiplicity[:, labels.argmax()], multiplicity[:, (~labels).argmax()] = 1, 2
    areas, heights = _measure(*SortedRows.by_score(scores, labels, weights).paths(multiplicity))
    for replicate in range(3):
        repeated = np.repeat(np.arange(labels.size), multiplicity[replicate])
        curves = score_curves(labels[repeated], scores[repeated], sample_weight=weights[repeated])
        assert areas[:, replicate] == pytest.approx(astuple(curves.areas), abs=1e3 * ALGEBRA)
        inside = GRID[1:-1] + 1e-7  # off the points, where rounding decides on which side of a jump one is
        np.testing.assert_allclose(heights[0, replicate, [0, -1]], curves.roc.tpr_at(np.array([0.0, 1.0])), atol=1e-9)
        assert (heights[0, replicate, 1:-1] <= curves.roc.tpr_at(inside) + 1e-6).all()
        assert (heights[0, replicate, 1:-1] >= curves.roc.tpr_at(GRID[1:-1] - 1e-7) - 1e-6).all()


def test_heights_are_those_of_the_curves():
    generator = np.random.default_rng(3)
    labels = generator.random(200) < 0.37
    scores = generator.normal(size=200) + labels
    _, heights = _measure(*SortedRows.by_score(scores, labels, None).paths(np.ones((1, 200), np.int64)))
    curves = score_curves(labels, scores)
    off = GRID[1:-1]
    np.testing.assert_allclose(heights[0, 0, 1:-1], curves.roc.tpr_at(off), atol=1e-9)
    np.testing.assert_allclose(heights[1, 0, 1:-1], curves.precision_recall.precision_at(off), atol=1e-9)
    np.testing.assert_allclose(heights[2, 0, 1:-1], curves.precision_recall_gain.precision_gain_at(off), atol=1e-9)


def test_every_draw_has_all_rows_and_both_classes():
    labels = np.arange(12) == 3
    rows = SortedRows.by_score(np.arange(12.0), labels, None)
    drawn = _draw(np.random.default_rng(0), 500, labels, rows)
    assert (drawn.sum(axis=1) == 12).all()
    assert (drawn[:, 3] > 0).all()
    assert (drawn[:, ~labels].sum(axis=1) > 0).all()


def test_scores_are_drawn_together():
    labels, scores = np.arange(30) < 10, np.random.default_rng(1).random(30)
    rows = [SortedRows.by_score(scores, labels, None), SortedRows.by_score(scores, labels, None)]
    drawn = resample(rows, replicates=10, generator=np.random.default_rng(0))
    assert np.array_equal(drawn.areas[0], drawn.areas[1])
    assert drawn.heights.shape == (2, 3, 10, 101)
