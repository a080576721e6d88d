"""The Gaussian fit against the normal equations, SciPy's line and likelihood, and its own promise to cover."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest, chi2, linregress, norm, t
from tolerances import ALGEBRA, STANDARD_ERRORS

from leadline.core import InputError, numpy_generator
from leadline.data import embedded_set
from leadline.generalization import linear_gaussian_fit


def drawn(*name, rows=60):
    generator = numpy_generator("gaussian likelihood", *name)
    X = generator.standard_normal((rows, 3)) @ np.array([[1.0, 0.5, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 20.0]])
    return X, X @ [1.0, -2.0, 0.1] + 4 + 1.5 * generator.standard_normal(rows)


@pytest.mark.parametrize("intercept", [True, False])
def test_is_the_textbook_s_closed_form(intercept):
    X, y = drawn()
    fit = linear_gaussian_fit(X, y, intercept=intercept, level=0.9)
    D = np.column_stack([X, np.ones(60)]) if intercept else X
    gram = np.linalg.inv(D.T @ D)
    w = gram @ D.T @ y
    squares, free = ((y - D @ w) ** 2).sum(), 60 - D.shape[1]
    np.testing.assert_allclose(fit.weights, w, rtol=1e-10)
    np.testing.assert_allclose([fit.variance_ml, fit.variance], [squares / 60, squares / free], rtol=ALGEBRA)
    errors = np.sqrt(squares / free * np.diag(gram))
    np.testing.assert_allclose(fit.standard_errors, errors, rtol=1e-10)
    np.testing.assert_allclose(fit.intervals[:, 1], w + t.ppf(0.95, free) * errors, rtol=1e-10)
    ends = squares / chi2.ppf([0.95, 0.05], free)
    np.testing.assert_allclose([fit.variance_low, fit.variance_high], ends, rtol=ALGEBRA)
    likelihood = norm.logpdf(y, D @ w, np.sqrt(squares / 60)).sum()
    np.testing.assert_allclose(fit.log_likelihood, likelihood, rtol=ALGEBRA)


def test_one_feature_is_scipy_s_regression_line():
    X, y = drawn()
    fit = linear_gaussian_fit(X[:, :1], y)
    line: Any = linregress(X[:, 0], y)
    np.testing.assert_allclose(fit.weights, [line.slope, line.intercept], rtol=1e-10)
    np.testing.assert_allclose(fit.standard_errors, [line.stderr, line.intercept_stderr], rtol=1e-10)


def test_no_other_weights_or_variance_are_as_likely():
    X, y = drawn()
    fit = linear_gaussian_fit(X, y)
    D, generator = np.column_stack([X, np.ones(60)]), numpy_generator("surroundings")
    for w in fit.weights + 0.05 * generator.standard_normal((20, 4)):
        assert norm.logpdf(y, D @ w, np.sqrt(fit.variance_ml)).sum() < fit.log_likelihood
    for factor in (0.98, 1.02):
        assert norm.logpdf(y, D @ fit.weights, factor * np.sqrt(fit.variance_ml)).sum() < fit.log_likelihood


def test_intervals_cover_as_often_as_they_say():
    true, runs = np.array([1.0, -2.0, 0.1, 4.0]), 1500
    hits = np.zeros(5)
    for run in range(runs):
        fit = linear_gaussian_fit(*drawn(run, rows=12), level=0.8)
        low, high = fit.intervals.T
        hits += [*((low <= true) & (true <= high)), fit.variance_low <= 2.25 <= fit.variance_high]
    assert (np.abs(hits / runs - 0.8) < STANDARD_ERRORS * np.sqrt(0.16 / runs)).all()
    assert binomtest(int(hits[0]), runs, 0.9).pvalue < 1e-6  # so many runs would tell 0.8 from 0.9


def test_features_far_from_unit_size_lose_no_digits():
    X, y = drawn()
    scale = np.array([1e-7, 1.0, 1e7])
    small, plain = linear_gaussian_fit(X * scale, y), linear_gaussian_fit(X, y)
    np.testing.assert_allclose(small.standard_errors[:3] * scale, plain.standard_errors[:3], rtol=1e-9)


def test_says_and_draws_its_features():
    from matplotlib.figure import Figure

    X, y = drawn()
    fit = linear_gaussian_fit(X, y, names=["age", "income", "height"])
    assert fit.names == ("age", "income", "height", "intercept")
    assert "noise variance" in fit.headline() and "income" in fit.headline()
    ax = Figure().subplots()
    fit.plot(ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["age", "income", "height"]
    assert "units" in ax.get_xlabel()
    assert type(fit).from_dict(fit.to_dict()).to_dict() == fit.to_dict()
    assert list(fit.to_frame()["feature"]) == list(fit.names)


def test_columns_that_depend_on_each_other_are_refused():
    inputs = embedded_set("diabetes-regression").inputs
    refused: tuple[tuple[np.ndarray, np.ndarray, dict[str, Any], str], ...] = (
        (np.column_stack([inputs, inputs[:, 0] + inputs[:, 1]]), inputs[:, 3], {}, "rank 11 of 12"),
        (np.ones((9, 1)), np.arange(9.0), {}, "or are constant"),
        (np.zeros((9, 1)), np.arange(9.0), {"intercept": False}, "rank 0 of 1"),
        (inputs[:11], inputs[:11, 0], {}, "more rows than weights, got 11 rows, 11 weights"),
        (inputs, inputs[:, 0], {"level": 1.0}, "a level between 0 and 1"),
        (inputs, inputs[:, 0], {"names": ["a"]}, "10 different names"),
        (np.full((5, 1), np.nan), np.arange(5.0), {}, "finite X"),
    )
    for X, y, options, said in refused:
        with pytest.raises(InputError, match=said):
            linear_gaussian_fit(X, y, **options)
