import numpy as np
import pytest
from matplotlib.figure import Figure
from tolerances import STANDARD_ERRORS

from leadline.core import InputError
from leadline.evaluation import BootstrapIntervals, auroc_interval, bootstrap_intervals

GENERATOR = np.random.default_rng(5)
LABELS = GENERATOR.random(400) < 0.3
SCORES = np.round(GENERATOR.normal(size=400) + LABELS, 1)


@pytest.fixture(scope="module")
def found():
    return bootstrap_intervals(LABELS, SCORES, replicates=400)


def test_intervals_hold_the_value_and_bands_the_curve(found):
    for one in found.intervals:
        assert one.low < one.value < one.high
    roc = found.bands[0]
    assert ((roc.low <= found.curves.roc.tpr_at(roc.x)) & (found.curves.roc.tpr_at(roc.x) <= roc.high)).mean() > 0.95


def test_the_standard_error_of_auroc_is_delong_s(found):
    expected = auroc_interval(LABELS, SCORES).standard_error
    relative = STANDARD_ERRORS / np.sqrt(2 * found.replicates)  # of a standard deviation estimated from so many
    assert found.interval("auroc").standard_error == pytest.approx(expected, rel=relative)


def test_the_same_seed_gives_the_same_intervals():
    first, second, other = (
        bootstrap_intervals(LABELS, SCORES, replicates=20, seed=seed).to_dict() for seed in (1, 1, 2)
    )
    assert first == second
    assert first["intervals"] != other["intervals"]


def test_it_covers_the_truth_about_as_often_as_it_says():
    covered = 0
    for _ in range(60):
        labels = GENERATOR.random(150) < 0.4
        scores = GENERATOR.normal(size=150) + labels
        one = bootstrap_intervals(labels, scores, replicates=100).interval("auroc")
        covered += one.low <= 0.7602 <= one.high  # Phi(1/sqrt 2)
    assert covered >= 60 * 0.95 - STANDARD_ERRORS * np.sqrt(60 * 0.95 * 0.05)


def test_it_is_a_result(found):
    assert "\n" not in found.headline()
    assert BootstrapIntervals.from_dict(found.to_dict()).to_dict() == found.to_dict()
    assert found.to_frame().shape == (5, 5)
    for space in ("roc", "precision_recall", "precision_recall_gain"):
        ax = Figure().subplots()
        found.draw_space(ax, space)
        assert len(ax.collections) == 1
    found.plot()


@pytest.mark.parametrize(
    ("options", "message"),
    [({"confidence": 1.0}, "expected 0 < confidence < 1"), ({"replicates": 1}, "expected at least 2 replicates")],
)
def test_a_plan_that_means_nothing_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        bootstrap_intervals(LABELS, SCORES, **options)
