import numpy as np
import pytest
from tolerances import ALGEBRA

from leadline.studies import bias_variance_tradeoff as study
from leadline.studies.bias_variance_tradeoff import (
    STRENGTHS,
    at_bias2,
    directions,
    pattern,
)
from leadline.studies.polynomial_experiment import (
    ANEW,
    DATA_SETS,
    DEGREES,
    KEPT,
    NOISE,
    POINTS,
    TRAINING,
    held_out_errors,
    integration_points,
    ridge_path,
    share_interval,
    small_samples,
    split_over_degrees,
    target,
)
from leadline.studies.study import Settings


def test_held_out_errors_are_those_of_fits_by_numpy():
    from leadline.core import numpy_generator

    generator = numpy_generator("polynomial experiment", "held out", 3)
    x = generator.uniform(0, 10, (DATA_SETS, POINTS))
    y = target(x) + np.sqrt(NOISE) * generator.standard_normal(x.shape)
    errors = np.zeros((DATA_SETS, 9))
    for place in range(DATA_SETS):
        for degree in range(1, 10):
            fit = np.polynomial.Polynomial.fit(x[place, :TRAINING], y[place, :TRAINING], degree, domain=[0, 10])
            errors[place, degree - 1] = np.square(fit(x[place, TRAINING:]) - y[place, TRAINING:]).mean()
    np.testing.assert_allclose(held_out_errors(ANEW, 3)[:9], errors.mean(0), rtol=1e-8)


def test_distance_to_the_target_is_approximation_and_estimation():
    found = small_samples((1, 3), points=12, data_sets=5)
    best = np.polynomial.Polynomial.fit(integration_points(), target(integration_points()), 3)(integration_points())
    expected = np.square(best - target(integration_points())).mean()
    np.testing.assert_allclose(found.approximation[1], expected, rtol=ALGEBRA)
    assert (found.estimation > 0).all()
    assert (found.underfits + found.overfits <= 1).all()


def test_kept_inputs_vary_less():
    spread = {design: np.median([split_over_degrees(design, seed).variance[7] for seed in range(8)])
              for design in (ANEW, KEPT)}  # fmt: skip
    assert spread[KEPT] < spread[ANEW]


def test_share_interval_is_wilsons():
    low, high = share_interval(30, 100)
    z = 1.959963984540054
    centre, half = (0.3 + z**2 / 200) / (1 + z**2 / 100), z / (1 + z**2 / 100) * np.sqrt(0.21 / 100 + z**2 / 40000)
    np.testing.assert_allclose((low, high), (centre - half, centre + half), rtol=1e-9)


def test_directions_are_told_only_where_most_repetitions_agree():
    none = np.zeros((60, 1))
    moves = np.column_stack([none, none - 1, np.where(np.arange(60) % 2, 1.0, -1.0), none + 1, none + 1])
    found = directions({"error": moves}, "error")
    assert found == ["falls", "", "rises", "rises"]
    assert pattern(found) == ["falls", "rises"]


def test_strength_of_a_bias_is_interpolated():
    steps = np.arange(len(STRENGTHS), dtype=float)
    strength, variance, error = at_bias2({"bias2": steps, "variance": 10 - steps, "error": 2 * steps}, 4.5)
    assert STRENGTHS[4] < strength < STRENGTHS[5]
    assert (variance, error) == pytest.approx((5.5, 9.0))


@pytest.mark.slow
def test_verdicts_do_not_hang_on_the_seeds(monkeypatch):
    monkeypatch.setattr(study, "split_over_degrees", lambda design, seed: split_over_degrees(design, 10_000 + seed))
    monkeypatch.setattr(study, "held_out_errors", lambda design, seed: held_out_errors(design, 10_000 + seed))
    monkeypatch.setattr(
        study, "ridge_path", lambda design, penalty, path, seed: ridge_path(design, penalty, path, 10_000 + seed)
    )
    monkeypatch.setattr(study, "REPETITIONS", {"quick": 60})
    monkeypatch.setattr(study, "PATHS", {"quick": 25})
    found = study.observe(Settings())
    verdicts = [check.evidence(found).verdict for check in study.STUDY.checks]
    assert verdicts == ["holds", "qualified", "holds", "qualified"]
    winners = [DEGREES[int(counts.argmax())] for counts in found.wins.values()]
    assert winners == [6, 6, 8, 8]
