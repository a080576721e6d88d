from dataclasses import asdict

import numpy as np
import pytest
from evaluation.labelled_rows import LAW, labelled_rows
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from leadline.core import InputError
from leadline.evaluation import BinnedAreas, ScoreHistogram, score_curves

ROUNDING = 1e-12


@LAW
@given(labelled_rows(), st.sampled_from([10, 11, 14]))
def test_exact_areas_lie_within_the_bounds(rows, bits):
    labels, scores = rows
    noisy = scores + np.random.default_rng(0).normal(scale=0.05, size=scores.size)
    for each in (scores, noisy, 1e3 * noisy):
        histogram = ScoreHistogram(bits=bits)
        histogram.update(labels, each, pos_label=True)
        found = histogram.areas()
        exact = asdict(score_curves(labels, each).areas)
        for area in ("auroc", "aupr", "average_precision", "auprg"):
            low, high = getattr(found.lowest, area), getattr(found.highest, area)
            slack = ROUNDING * (1 + abs(exact[area]))
            assert low - slack <= exact[area] <= high + slack
            assert abs(exact[area] - getattr(found.estimate, area)) <= found.error_bound(area) + slack


def test_batches_and_their_order_do_not_matter():
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 2, 5000)
    scores = generator.normal(size=5000) + labels
    whole, first, second = ScoreHistogram(), ScoreHistogram(), ScoreHistogram()
    whole.update(labels, scores)
    for place, batch in enumerate(np.array_split(generator.permutation(5000), 7)):
        (first if place % 2 else second).update(labels[batch], scores[batch])
    first.merge(second)
    assert first.areas().to_dict() == whole.areas().to_dict()


def test_the_error_is_far_below_the_bound_for_many_rows():
    generator = np.random.default_rng(0)
    labels = generator.random(200_000) < 0.1
    scores = 1 / (1 + np.exp(-generator.normal(size=labels.size) - labels))
    histogram = ScoreHistogram()
    histogram.update(labels, scores)
    found = histogram.areas()
    assert found.error_bound("auroc") < 1e-3
    assert abs(found.estimate.auroc - roc_auc_score(labels, scores)) < 1e-6


def test_scores_of_float16_are_exact():
    generator = np.random.default_rng(0)
    labels, scores = np.arange(3000) % 3 == 0, generator.normal(size=3000).astype(np.float16)
    histogram = ScoreHistogram()
    histogram.update(labels, scores)
    assert histogram.areas().estimate == score_curves(labels, scores).areas
    edges, thresholds = histogram.areas().counts.thresholds, score_curves(labels, scores).counts.thresholds
    assert np.array_equal(edges[thresholds >= 0], thresholds[thresholds >= 0])
    assert (edges <= thresholds).all()  # lower edges of bins below 0


def test_scores_beyond_float32_share_a_bin():
    histogram = ScoreHistogram()
    histogram.update([0, 1, 0, 1], [-1e300, 1e300, 1e299, 0.0])
    found = histogram.areas()
    assert found.lowest.auroc <= 0.75 <= found.highest.auroc


def test_it_is_a_result():
    histogram = ScoreHistogram()
    histogram.update(["n", "p", "n"], [0.1, 0.9, 0.95], pos_label="p")
    found = histogram.areas()
    assert BinnedAreas.from_dict(found.to_dict()).to_dict() == found.to_dict()
    assert len(found.to_frame()) == 5
    found.plot()


def test_bad_input_is_named():
    histogram = ScoreHistogram()
    with pytest.raises(InputError, match="rows of both classes, got 0 positive, 0 negative"):
        histogram.areas()
    with pytest.raises(InputError, match="one score per label"):
        histogram.update([0, 1], [0.5])
    with pytest.raises(InputError, match="finite scores, got nan"):
        histogram.update([0, 1], [0.5, np.nan])
    with pytest.raises(InputError, match="labels of two values"):
        histogram.update([0, 1, 2], [0.5, 0.5, 0.5])
    with pytest.raises(InputError, match="expected 20 bits, got 12"):
        histogram.merge(ScoreHistogram(bits=12))
    with pytest.raises(InputError, match="10 to 32 bits"):
        ScoreHistogram(bits=40)
