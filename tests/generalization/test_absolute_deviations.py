"""Least absolute deviations against scikit-learn, brute force over vertices, the dual's certificate, and coverage."""

from itertools import combinations

import numpy as np
import pytest
from sklearn.linear_model import QuantileRegressor
from tolerances import STANDARD_ERRORS

from leadline.core import InputError, numpy_generator
from leadline.data import embedded_set
from leadline.generalization import least_absolute_deviations, linear_gaussian_fit

TRUE = np.array([1.0, -2.0, 4.0])
NOISES = {"laplace": lambda generator, rows: generator.laplace(size=rows),
          "normal": lambda generator, rows: generator.standard_normal(rows),
          "student": lambda generator, rows: generator.standard_t(3, rows)}  # fmt: skip


def drawn(noise, *name, rows=40):
    generator = numpy_generator("absolute deviations", noise, *name)
    X = generator.standard_normal((rows, 2))
    return X, X @ TRUE[:2] + TRUE[2] + NOISES[noise](generator, rows)


@pytest.mark.parametrize("noise", NOISES)
def test_is_the_best_of_all_vertices(noise):
    X, y = drawn(noise, rows=18)
    D = np.column_stack([X, np.ones(18)])
    fit = least_absolute_deviations(X, y)
    corners = [np.linalg.solve(D[list(some)], y[list(some)]) for some in combinations(range(18), 3)]
    best = min(corners, key=lambda w: np.abs(y - D @ w).mean())
    np.testing.assert_allclose(fit.weights, best, rtol=1e-8)
    np.testing.assert_allclose(fit.mae, np.abs(y - D @ best).mean(), rtol=1e-10)


def test_is_scikit_learn_s_median_regression_on_diabetes():
    diabetes = embedded_set("diabetes-regression")
    fit = least_absolute_deviations(diabetes.inputs, diabetes.targets)
    model = QuantileRegressor(quantile=0.5, alpha=0.0, solver="highs").fit(diabetes.inputs, diabetes.targets)
    theirs = np.abs(model.predict(diabetes.inputs) - diabetes.targets).mean()
    np.testing.assert_allclose(fit.mae, theirs, rtol=1e-9)
    assert fit.optimality_gap < 1e-9 * fit.mae


def test_the_slopes_prove_that_no_weights_are_better():
    X, y = drawn("laplace")
    fit = least_absolute_deviations(X, y)
    D = np.column_stack([X, np.ones(len(X))])
    error = D @ fit.weights - y
    np.testing.assert_allclose(D.T @ fit.slopes, 0, atol=1e-8)
    apart = np.abs(error) > 1e-8
    assert (~apart).sum() == 3  # a vertex meets as many rows as it has weights
    np.testing.assert_allclose(fit.slopes[apart], np.sign(error[apart]), atol=1e-9)
    assert (np.abs(fit.slopes) <= 1 + 1e-9).all()
    least_squares = linear_gaussian_fit(X, y)
    assert fit.mae < np.abs(y - D @ least_squares.weights).mean()


def test_the_intercept_alone_is_the_median():
    y = numpy_generator("median").standard_normal(21)
    fit = least_absolute_deviations(np.ones((21, 1)), y, intercept=False)
    np.testing.assert_allclose(fit.weights, [np.median(y)])


def test_scaling_targets_and_features_scales_the_weights():
    X, y = drawn("normal")
    plain, scaled = least_absolute_deviations(X, y), least_absolute_deviations(X * [1e-6, 1e6], 1e5 * y)
    np.testing.assert_allclose(scaled.weights, plain.weights * 1e5 * [1e6, 1e-6, 1], rtol=1e-6)
    np.testing.assert_allclose(scaled.standard_errors, plain.standard_errors * 1e5 * [1e6, 1e-6, 1], rtol=1e-6)


@pytest.mark.parametrize("noise", NOISES)
def test_intervals_cover_at_least_about_as_often_as_they_say(noise):
    runs, level = 250, 0.95
    hits, densities = 0, []
    for run in range(runs):
        fit = least_absolute_deviations(*drawn(noise, run, rows=80), level=level)
        low, high = fit.intervals.T
        hits += ((low <= TRUE) & (high >= TRUE)).sum()
        densities.append(fit.density)
    spread = STANDARD_ERRORS * np.sqrt(level * (1 - level) / (3 * runs))
    assert level - spread < hits / (3 * runs) < 0.99  # heavy tails: a little too wide


def test_the_density_is_that_of_the_noise():
    X, y = drawn("normal", rows=4000)
    assert least_absolute_deviations(X, y).density == pytest.approx(1 / np.sqrt(2 * np.pi), rel=0.1)
    assert least_absolute_deviations(X, 10 * y).density == pytest.approx(0.1 / np.sqrt(2 * np.pi), rel=0.1)


def test_one_outlier_moves_nothing():
    X, y = drawn("laplace")
    fit = least_absolute_deviations(X, y)
    far = y.copy()
    far[np.argmax(y - X @ TRUE[:2])] += 1e4
    np.testing.assert_allclose(least_absolute_deviations(X, far).weights, fit.weights, rtol=1e-6)


def test_without_noise_there_is_no_width_and_a_caveat():
    X, _ = drawn("normal")
    fit = least_absolute_deviations(X, X @ TRUE[:2] + TRUE[2])
    np.testing.assert_allclose(fit.weights, TRUE, rtol=1e-9)
    np.testing.assert_array_equal(fit.standard_errors, 0)
    assert "most residuals are zero" in fit.caveats[-1]
    assert type(fit).from_dict(fit.to_dict()).to_dict() == fit.to_dict()


def test_bad_arrays_are_refused():
    with pytest.raises(InputError, match="least_absolute_deviations: expected more rows than weights"):
        least_absolute_deviations(np.ones((2, 2)), np.ones(2))
