import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from tolerances import ALGEBRA

from leadline.core import InputError
from leadline.evaluation import AurocInterval, auroc_difference, auroc_interval

GENERATOR = np.random.default_rng(7)
LABELS = np.arange(60) < 25
FIRST = np.round(GENERATOR.normal(size=60) + LABELS, 1)
SECOND = np.round(GENERATOR.normal(size=60) + 0.4 * LABELS, 1)


def placements(scores):
    """Share of pairs won by each positive and by each negative, by a loop over all pairs."""
    wins = np.array([[(p > n) + 0.5 * (p == n) for n in scores[~LABELS]] for p in scores[LABELS]])
    return wins.mean(axis=1), wins.mean(axis=0)


def covariance(first, second):
    parts = zip(placements(first), placements(second), strict=True)
    return sum(np.cov(one, other)[0, 1] / one.size for one, other in parts)


def test_one_area_and_its_variance_by_all_pairs():
    found = auroc_interval(LABELS, FIRST)
    assert found.value == pytest.approx(roc_auc_score(LABELS, FIRST), abs=ALGEBRA)
    assert found.standard_error**2 == pytest.approx(covariance(FIRST, FIRST), abs=ALGEBRA)
    assert 0 < found.low < found.value < found.high < 1


def test_the_difference_and_its_variance_by_all_pairs():
    found = auroc_difference(LABELS, FIRST, SECOND)
    assert found.value == pytest.approx(roc_auc_score(LABELS, FIRST) - roc_auc_score(LABELS, SECOND), abs=ALGEBRA)
    expected = covariance(FIRST, FIRST) + covariance(SECOND, SECOND) - 2 * covariance(FIRST, SECOND)
    assert found.standard_error**2 == pytest.approx(expected, abs=ALGEBRA)
    assert found.p_value is not None
    assert (found.p_value < 0.05) == (found.low > 0 or found.high < 0)


def test_a_score_does_not_differ_from_itself():
    found = auroc_difference(LABELS, FIRST, FIRST)
    assert (found.value, found.standard_error, found.p_value) == (0, 0, 1)


def test_a_perfect_ranking_says_that_its_variance_says_nothing():
    found = auroc_interval(LABELS, LABELS.astype(float))
    assert (found.low, found.high) == (1, 1)
    assert "variance 0" in found.caveats[0]


def test_it_is_a_result():
    found = auroc_difference(LABELS, FIRST, SECOND)
    assert AurocInterval.from_dict(found.to_dict()).to_dict() == found.to_dict()
    assert "p = " in found.headline()
    assert len(found.to_frame()) == 1
    found.plot()


@pytest.mark.parametrize(
    ("labels", "scores", "options", "message"),
    [
        ([0, 1, 1], [1, 2, 3], {}, "at least two rows of each class, got 2 positive, 1 negative"),
        ([0, 0, 1, 1], [1, 2, 3], {}, "one score per label"),
        ([0, 0, 1, 1], [1, 2, 3, np.nan], {}, "finite scores, got nan"),
        ([0, 0, 1, 1], [1, 2, 3, 4], {"confidence": 0.0}, "0 < confidence < 1"),
    ],
)
def test_bad_input_is_named(labels, scores, options, message):
    with pytest.raises(InputError, match=message):
        auroc_interval(labels, scores, **options)


def test_two_perfect_scores_differ_by_nothing_without_variance():
    found = auroc_difference([0, 1] * 5, [0, 1] * 5, [0, 2] * 5)
    assert found.standard_error == 0
    assert "variance 0" in found.caveats[0]
