"""Batched fits of nested features against scikit-learn's and against the same fits one by one."""

import numpy as np
import pytest
from generalization.regression_sets import regression_data, rows_of
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures
from tolerances import ALGEBRA, AUTOGRAD

from leadline.core import InputError
from leadline.generalization import LinearFamily, bias_variance, polynomial_family


def test_batched_polynomials_are_scikit_learns():
    train, test = regression_data()
    rows = rows_of(*train)
    grid = {"degree": range(1, 11)}

    def pipeline(degree):
        return make_pipeline(PolynomialFeatures(degree), LinearRegression())

    slow = bias_variance(pipeline, train, test=test, grid=grid, resampling=rows)
    fast = bias_variance(polynomial_family((-1, 1)), train, test=test, grid=grid, resampling=rows)
    for name in ("error", "bias2", "variance", "bias2_plugin", "variance_plugin", "training_error", "point_prediction",
                 "point_bias2", "point_variance", "error_replicates", "bias2_replicates"):  # fmt: skip
        np.testing.assert_allclose(getattr(fast, name), getattr(slow, name), rtol=1e-8, atol=AUTOGRAD, err_msg=name)
    np.testing.assert_allclose(fast.error, slow.error, rtol=AUTOGRAD)


@pytest.mark.parametrize("penalty", ["monomials", "scaled monomials", "legendre"])
@pytest.mark.parametrize("outputs", [1, 2])
def test_batched_ridge_path_is_the_family_called_point_by_point(penalty, outputs):
    train, test = regression_data(outputs)
    family = polynomial_family((-1.5, 1), penalty=penalty)
    grid = {"degree": [2, 5], "ridge": [0.0, 1e-3, 1.0, 1e3]}
    arguments = {"test": test, "grid": grid, "resampling": rows_of(*train)}
    fast, slow = bias_variance(family, train, **arguments), bias_variance(lambda **p: family(**p), train, **arguments)
    assert fast.grid_points == slow.grid_points == tuple((d, r) for d in grid["degree"] for r in grid["ridge"])
    for name in ("error", "bias2", "variance", "training_error", "point_prediction"):
        np.testing.assert_allclose(getattr(fast, name), getattr(slow, name), rtol=1e-9, err_msg=name)


def test_ridge_of_monomials_is_scikit_learns():
    train, test = regression_data()
    arguments = {"test": test, "grid": {"degree": [4], "ridge": [0.1, 5.0]}, "resampling": rows_of(*train)}

    def pipeline(degree, ridge):
        return make_pipeline(PolynomialFeatures(degree, include_bias=False), Ridge(ridge))

    slow = bias_variance(pipeline, train, **arguments)
    fast = bias_variance(polynomial_family((0, 1), penalty="monomials"), train, **arguments)
    np.testing.assert_allclose(fast.error, slow.error, rtol=1e-9)
    np.testing.assert_allclose(fast.variance, slow.variance, rtol=1e-9)


def test_fewer_rows_than_columns_give_the_minimum_norm_fit_and_say_so():
    generator = np.random.default_rng(0)
    X, X_test = generator.standard_normal((12, 30)), generator.standard_normal((9, 30))
    family = LinearFamily(features=lambda inputs, size: inputs[:, :size])
    rows = np.stack([generator.permutation(12)[:10] for _ in range(5)])
    arguments = {"test": (X_test, X_test[:, 0]), "grid": {"columns": [4, 10, 25]}, "resampling": rows}
    fast = bias_variance(family, (X, X[:, 0]), **arguments)
    slow = bias_variance(lambda columns: family(columns=columns), (X, X[:, 0]), **arguments)
    np.testing.assert_allclose(fast.error, slow.error, rtol=1e-8, atol=ALGEBRA)
    assert fast.training_error[2] < ALGEBRA
    assert any("columns 25: 5 training sets" in caveat for caveat in fast.caveats)


def test_grids_and_inputs_that_a_family_does_not_have():
    train = regression_data()[0]
    with pytest.raises(InputError, match="a grid over degree and, if wanted, ridge, got columns"):
        bias_variance(polynomial_family((0, 1)), train, grid={"columns": [1]})
    for ridge in (-1.0, np.nan, np.inf):
        with pytest.raises(InputError, match="ridge: one or more finite numbers of at least 0"):
            bias_variance(polynomial_family((0, 1)), train, grid={"degree": [1], "ridge": [ridge]})
    for degree in (-1, 1.5):
        with pytest.raises(InputError, match="degree: one or more whole numbers of at least 0"):
            bias_variance(polynomial_family((0, 1)), train, grid={"degree": [degree]})
    with pytest.raises(InputError, match=r"finite features of shape \(1200, 2\) for inputs of shape \(1200, 2\)"):
        bias_variance(polynomial_family((0, 1)), (np.zeros((16, 2)), np.zeros(16)), grid={"degree": [1]})
    with pytest.raises(InputError, match=r"domain: an interval \(low, high\), got \(1, 0\)"):
        polynomial_family((1, 0))
    with pytest.raises(InputError, match=r"a penalty among legendre.*, got 'lasso'"):
        polynomial_family((0, 1), penalty="lasso")
