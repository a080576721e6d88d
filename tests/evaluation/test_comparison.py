import numpy as np
import pytest

from leadline.core import InputError
from leadline.evaluation import ScoreComparison, auroc_difference, bootstrap_intervals, compare_scores

GENERATOR = np.random.default_rng(11)
LABELS = GENERATOR.random(300) < 0.35
SCORES = {"a": GENERATOR.normal(size=300) + 2 * LABELS, "b": GENERATOR.normal(size=300)}


@pytest.fixture(scope="module")
def compared():
    return compare_scores(LABELS, SCORES, replicates=300)


def test_auroc_differences_are_delong_s_and_the_others_paired_draws(compared):
    methods = {one.area: one.method for one in compared.differences}
    assert methods == {"auroc": "DeLong"} | dict.fromkeys(
        ("aupr", "average_precision", "aupr_trapezoid", "auprg"), "bootstrap"
    )
    expected = auroc_difference(LABELS, SCORES["a"], SCORES["b"])
    first = next(one for one in compared.differences if one.area == "auroc")
    assert (first.difference, first.low, first.high) == (expected.value, expected.low, expected.high)
    for one in compared.differences:
        assert 0 < one.low < one.difference < one.high


def test_a_score_does_not_differ_from_itself():
    compared = compare_scores(LABELS, {"a": SCORES["a"], "same": SCORES["a"]}, replicates=20)
    assert {(one.low, one.high) for one in compared.differences} == {(0.0, 0.0)}


def test_intervals_are_those_of_one_classifier_up_to_the_draws(compared):
    alone = bootstrap_intervals(LABELS, SCORES["a"], replicates=300)
    for together, single in zip(compared.intervals[0], alone.intervals, strict=True):
        assert together.value == single.value
        assert together.standard_error == pytest.approx(single.standard_error, rel=0.3)


def test_weights_leave_all_differences_to_the_bootstrap():
    compared = compare_scores(LABELS, SCORES, sample_weight=np.ones(300), replicates=30)
    assert {one.method for one in compared.differences} == {"bootstrap"}
    assert len(compared.differences) == 5


def test_too_many_rows_say_so(monkeypatch):
    monkeypatch.setattr("leadline.evaluation.comparison._MOST_DRAWS", 50 * 300)
    compared = compare_scores(LABELS, SCORES)
    assert compared.replicates == 0
    assert "no bootstrap intervals" in compared.caveats[0]
    assert [one.area for one in compared.differences] == ["auroc"]
    assert "auroc_low" not in compared.to_frame()
    compared.plot()


def test_it_is_a_result(compared):
    assert compared.headline() == "2 classifiers on 300 rows; highest auroc a, aupr a, auprg a"
    assert ScoreComparison.from_dict(compared.to_dict()).to_dict() == compared.to_dict()
    assert compared.to_frame()["classifier"].tolist() == ["a", "b"]
    assert len(compared.differences_frame()) == 5


def test_three_plots_side_by_side(compared):
    before = compared.to_dict()
    axes = compared.plot_all()
    assert len(axes) == 3
    for ax in axes:
        assert len(ax.lines) == 3  # one reference, two curves
        assert len(ax.collections) == 2  # two bands
    assert compared.to_dict() == before
    assert len(compared.plot().lines) == 3


def test_there_must_be_a_score():
    with pytest.raises(InputError, match="at least one score"):
        compare_scores(LABELS, {})


def test_intervals_of_a_perfect_score_say_that_they_say_nothing():
    found = compare_scores([0, 1] * 20, {"perfect": [0, 1] * 20, "other": list(range(40))}, replicates=100)
    assert found.caveats[0].startswith("intervals of no width (perfect)")
