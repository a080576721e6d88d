import numpy as np
import pytest
from sklearn.linear_model import Ridge
from tolerances import STANDARD_ERRORS

from leadline.core import numpy_generator
from leadline.generalization.random_features import feature_fits, relu_features

SOLVER = 1e-8  # two solvers of one least-squares problem, float64


def problem(samples, count):
    generator = numpy_generator("random features", samples, count)
    return (generator.standard_normal(shape) for shape in ((samples, count), (samples, 3), (15, count)))


@pytest.mark.parametrize("count", [3, 19, 20, 21, 60])  # by Gram matrices of both sides, and by singular values
def test_fits_of_least_norm_are_lstsqs(count):
    features, targets, test = problem(20, count)
    fits = feature_fits(features, targets, test)
    weights = np.linalg.lstsq(features, targets)[0]
    np.testing.assert_allclose(fits.on_test(), test @ weights, rtol=SOLVER, atol=SOLVER)
    np.testing.assert_allclose(fits.on_training(), features @ weights, rtol=SOLVER, atol=SOLVER)


@pytest.mark.parametrize("count", [3, 20, 60])
def test_ridge_fits_are_scikit_learns(count):
    features, targets, test = problem(20, count)
    model = Ridge(alpha=0.3 * 20, fit_intercept=False).fit(features, targets)
    fits = feature_fits(features, targets, test)
    np.testing.assert_allclose(fits.on_test(0.3), model.predict(test), rtol=SOLVER, atol=SOLVER)
    np.testing.assert_allclose(fits.on_training(0.3), model.predict(features), rtol=SOLVER, atol=SOLVER)


@pytest.mark.parametrize("count", [12, 20, 60])
def test_repeated_rows_are_fitted_by_their_mean(count):
    features, targets, test = problem(10, count)
    fits = feature_fits(np.vstack([features, features]), np.vstack([targets, -targets]), test)
    np.testing.assert_allclose(fits.on_test(), 0, atol=SOLVER)


def test_mean_square_of_features_is_that_of_inputs():
    generator = numpy_generator("random features", "scale")
    inputs = generator.standard_normal((3, 5))
    squares = np.square(relu_features(inputs, generator.standard_normal((5, 20000))))
    spread = squares.std(1) / np.sqrt(squares.shape[1])
    assert (np.abs(squares.mean(1) - np.square(inputs).sum(1)) < STANDARD_ERRORS * spread).all()
