import numpy as np
import pytest
from tolerances import ALGEBRA

from leadline.core import InputError
from leadline.generalization import TeacherStudentRisk, teacher_student_risk
from leadline.generalization.descent_shapes import descent_shape
from leadline.generalization.resolvents import gradient_flow_risk, implicit_ridges, ridge_risk

STANDARD_ERRORS = 3.0  # fewer than elsewhere: the draws are named, so that this cannot fail by chance
QUADRATURE = 1e-7  # of the contour integral
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
    shape = descent_shape(risk)
    assert shape.high > 1.15 * shape.low_before
    assert shape.high > 1.15 * shape.low_after
    assert 0 < shape.before < shape.peak < shape.after


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


@pytest.mark.parametrize("samples", [3, 50, 120, 500])
def test_implicit_ridge_solves_its_equation(samples):
    strengths = np.array([1e-6, 0.3, 5.0])
    root = implicit_ridges(strengths, TWO_SCALES, samples).roots
    found = root * (1 - (TWO_SCALES / (TWO_SCALES + root[:, None])).sum(1) / samples)
    np.testing.assert_allclose(found, strengths, rtol=1e-8)


@pytest.mark.parametrize("strength", [1e-14, 1e-9, 1e-3, 1.0])
@pytest.mark.parametrize(("features", "samples"), [(200, 200), (200, 199), (60, 200), (200, 60)])
def test_isotropic_implicit_ridge_is_the_root_of_a_quadratic(features, samples, strength):
    slack = (features - samples) / samples + strength  # k^2 - slack k - strength = 0, without cancellation
    width = np.hypot(slack, 2 * np.sqrt(strength))
    root = (slack + width) / 2 if slack > 0 else 2 * strength / (width - slack)
    found = implicit_ridges(np.array([strength]), np.ones(features), samples)
    np.testing.assert_allclose(found.roots, root, rtol=1e-11)
    bias2, variance = ridge_risk(strength, power=np.ones(features), spectrum=np.ones(features), samples=samples)
    np.testing.assert_allclose(found.gaps[0, 0], width / (1 + root), rtol=1e-11)
    np.testing.assert_allclose(variance, features / samples / (1 + root) / width, rtol=1e-11)
    np.testing.assert_allclose(bias2, features * np.square(root) / (1 + root) / width, rtol=1e-11)


@pytest.mark.parametrize("spectrum", [np.ones(200), np.repeat([1.0, 0.05], [150, 50])], ids=["isotropic", "two scales"])
@pytest.mark.parametrize("samples", [150, 199, 201, 300])
def test_gradient_flow_ends_at_least_squares_however_long_it_runs(spectrum, samples):
    setting = {"power": spectrum / 200, "spectrum": spectrum, "samples": samples}
    end = ridge_risk(0.0, **setting)
    for time in (1e12, 1e15, 1e100):
        np.testing.assert_allclose(gradient_flow_risk(time, **setting), end, rtol=QUADRATURE, atol=QUADRATURE)


def test_flow_of_as_many_samples_as_features_grows_with_the_root_of_time():
    times = np.array([1e7, 1e9, 1e13])
    variance = teacher_student_risk(np.ones(200), samples=200, times=times, noise_variance=1.0).variance
    np.testing.assert_allclose(variance / np.sqrt(times), (2 - np.sqrt(2)) * 2 / np.sqrt(np.pi), rtol=1e-3)


@pytest.mark.parametrize("samples", [110, 120, 130])
def test_theory_meets_simulation_near_the_threshold_and_at_long_times(samples):
    flow = teacher_student_risk(SLOW_TEACHER, samples=samples, noise_variance=0.5, draws=100, times=[1.0, 10.0, 100.0])
    agree(flow, 0.01)
    tuned = teacher_student_risk(SLOW_TEACHER, samples=samples, noise_variance=0.5, draws=100, ridge=[1e-2, 0.1, 1.0])
    agree(tuned, 0.01)


def test_what_is_only_a_limit_says_so():
    few = teacher_student_risk(np.ones(8), samples=12, times=[1.0])
    assert any("limit for many samples and features (here as few as 8)" in caveat for caveat in few.caveats)
    assert teacher_student_risk(np.ones(8), samples=12).caveats == ()


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
    "features: one or more finite numbers of at most 120": {"samples": 3, "features": 121},
    "samples: one or more whole numbers of at least 1, got .0": {"samples": 0},
    "samples: one or more whole numbers of at least 1, got .10.7": {"samples": [10.7, 30.2]},
    "times: one or more finite numbers of at least 0, got .inf": {"samples": 3, "times": [np.inf]},
    "ridge: one or more finite": {"samples": 3, "ridge": np.nan},
    "spectrum: one or more finite numbers above 0": {"samples": 3, "spectrum": np.zeros(120)},
    "spectrum: one or more .* got .inf": {"samples": 3, "spectrum": np.full(120, np.inf)},
    "a variance for each of 120 inputs, got spectrum of 3": {"samples": 3, "spectrum": np.ones(3)},
    "noise_variance: a finite number of at least 0, got nan": {"samples": 3, "noise_variance": np.nan},
    "draws: 0 or at least 2": {"samples": 3, "draws": 1},
}


@pytest.mark.parametrize("message", WRONG)
@pytest.mark.usefixtures("types_unchecked")
def test_wrong_arguments(message):
    with pytest.raises(InputError, match=message):
        teacher_student_risk(TEACHER, **WRONG[message])


def test_a_teacher_that_is_not_finite_is_refused():
    with pytest.raises(InputError, match="teacher: one or more finite numbers"):
        teacher_student_risk(np.array([1.0, np.nan]), samples=3)
