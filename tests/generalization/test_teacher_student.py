import numpy as np
import pytest
from tolerances import ALGEBRA, STANDARD_ERRORS

from leadline.core import InputError
from leadline.generalization import TeacherStudentRisk, teacher_student_risk
from leadline.generalization.resolvents import implicit_ridge

TEACHER = np.full(120, 1 / np.sqrt(120))
TWO_SCALES = np.repeat([1.0, 0.05], [80, 40])
SLOW_TEACHER = np.repeat([0.1, 0.4], [80, 40])


def agree(curve, finite_size):
    """Simulation meets theory up to standard errors and, where theory is a limit, a share of the risk."""
    finite = np.isfinite(curve.risk)
    slack = np.where(curve.exact[finite], 0.0, finite_size * curve.risk[finite])
    apart = np.abs(curve.simulated - curve.risk)[finite]
    assert (apart < STANDARD_ERRORS * curve.simulated_error[finite] + slack).all(), curve.to_frame().to_string()


def test_isotropic_least_squares_over_features_is_exact_and_peaks_at_the_samples():
    curve = teacher_student_risk(TEACHER, samples=40, features=[5, 20, 30, 40, 50, 60, 120], noise_variance=0.3,
                                 draws=300)  # fmt: skip
    assert curve.exact.all()
    assert curve.threshold == 40
    assert np.isinf(curve.risk[3])
    agree(curve, 0.0)
    p = 60  # by hand: unseen signal 1/2 counts as noise
    np.testing.assert_allclose(curve.risk[5], 0.3 + 0.5 + 0.5 * (1 - 40 / p) + 0.8 * 40 / (p - 41), rtol=ALGEBRA)


def test_anisotropic_least_squares():
    curve = teacher_student_risk(SLOW_TEACHER, spectrum=TWO_SCALES, samples=[30, 60, 90, 150, 200], noise_variance=0.5,
                                 draws=120)  # fmt: skip
    assert curve.exact.tolist() == [False, False, False, True, True]
    assert curve.threshold == 120
    agree(curve, 0.02)


@pytest.mark.parametrize("spectrum", [np.ones(120), TWO_SCALES], ids=["isotropic", "two scales"])
def test_ridge_and_its_optimum(spectrum):
    curve = teacher_student_risk(TEACHER, spectrum=spectrum, samples=100, noise_variance=0.5,
                                 ridge=10.0 ** np.arange(-2, 2.1, 0.5), draws=200)  # fmt: skip
    agree(curve, 0.01)
    assert not curve.exact.any()
    if spectrum is not TWO_SCALES:  # the optimum of isotropic ridge: noise p / (n |teacher|^2)
        best = teacher_student_risk(TEACHER, samples=100, noise_variance=0.5, ridge=0.6 * np.array([0.99, 1.0, 1.01]))
        assert best.best == 1


def test_optimal_ridge_has_no_peak():
    features = range(5, 121)
    spiked = teacher_student_risk(TEACHER, samples=40, features=features, noise_variance=0.1)
    tuned = [
        teacher_student_risk(TEACHER, samples=40, features=int(p), noise_variance=0.1,
                             ridge=(0.1 + 1 - p / 120) * 120 / 40).risk[0]  # noise p / (n signal seen)
        for p in features
    ]  # fmt: skip
    assert np.isinf(spiked.risk).any()
    assert (np.diff(tuned) < 0).all()


@pytest.mark.parametrize("samples", [60, 200])
@pytest.mark.parametrize("spectrum", [np.ones(120), TWO_SCALES], ids=["isotropic", "two scales"])
def test_gradient_flow_risk_along_training(spectrum, samples):
    curve = teacher_student_risk(SLOW_TEACHER, spectrum=spectrum, samples=samples, noise_variance=0.5,
                                 times=[0.0, 0.1, 1.0, 5.0, 30.0, 300.0, 3e4], draws=100)  # fmt: skip
    agree(curve, 0.01)
    assert curve.bias2[0] == pytest.approx(spectrum @ SLOW_TEACHER**2) and curve.variance[0] == 0
    end = teacher_student_risk(SLOW_TEACHER, spectrum=spectrum, samples=samples, noise_variance=0.5)
    assert curve.risk[-1] == pytest.approx(end.risk[0], rel=0.02)


def test_two_scales_descend_twice_along_training():
    spectrum, teacher = np.repeat([1.0, 0.05**2], [50, 40]), np.repeat([0.1, 2.2], [50, 40])
    risk = teacher_student_risk(teacher, spectrum=spectrum, samples=100, noise_variance=0.25,
                                times=10.0 ** np.arange(-1, 5, 0.25)).risk  # fmt: skip
    turns = np.flatnonzero(np.diff(np.sign(np.diff(risk))))
    assert len(turns) >= 2


def test_simulation_is_gradient_descent():
    # small steps of plain gradient descent on one drawn data set, against the filter of its singular values
    from leadline.generalization.teacher_student import _fitted, _Student

    generator = np.random.default_rng(0)
    X, y = generator.standard_normal((12, 5)), generator.standard_normal(12)
    weights, step = np.zeros(5), 1e-4
    for _ in range(20000):
        weights = weights - step * X.T @ (X @ weights - y) / 12
    student = _Student(features=5, samples=12, ridge=0.0, time=2.0)
    np.testing.assert_allclose(_fitted(np.linalg.svd(X, full_matrices=False), y, student), weights, atol=1e-4)


@pytest.mark.parametrize("samples", [3, 50])
def test_implicit_ridge_solves_its_equation(samples):
    strengths = np.array([1e-6, 0.3, 5.0])
    root = implicit_ridge(strengths, TWO_SCALES, samples)
    found = root * (1 - (TWO_SCALES / (TWO_SCALES + root[:, None])).sum(1) / samples)
    np.testing.assert_allclose(found, strengths, rtol=1e-8)


def test_result_says_tabulates_draws_and_travels():
    curve = teacher_student_risk(TEACHER, samples=40, features=[5, 39, 80], noise_variance=0.3, draws=5)
    assert "\n" not in curve.headline() and "interpolation threshold at 40" in curve.headline()
    plain = curve.to_dict()
    assert TeacherStudentRisk.from_dict(plain).to_dict() == plain
    axes = curve.plot()
    assert axes.get_xlabel() == "features of the student"
    assert curve.to_dict() == plain
    assert len(curve.to_frame()) == 3
    assert any("no finite variance" in caveat for caveat in curve.caveats)


WRONG = {
    "one sequence among": {"samples": [3, 4], "features": [2, 3]},
    "no ridge with times": {"samples": 3, "ridge": 1.0, "times": [1.0]},
    "1 to 120 features": {"samples": 3, "features": 121},
    "samples >= 1": {"samples": 0},
    "a positive spectrum": {"samples": 3, "spectrum": np.zeros(120)},
    "draws 0 or above 1": {"samples": 3, "draws": 1},
}


@pytest.mark.parametrize("message", WRONG)
def test_wrong_arguments(message):
    with pytest.raises(InputError, match=message):
        teacher_student_risk(TEACHER, **WRONG[message])
