import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, Ridge

from leadline.core import numpy_generator
from leadline.generalization.ridge_paths import ridge_path


@pytest.mark.parametrize("shape", [(30, 5), (8, 20)])
def test_is_scikit_learns_ridge(shape):
    generator = numpy_generator("ridge path")
    X, y = generator.standard_normal(shape) + 2, generator.standard_normal(shape[0]) + 5
    path = ridge_path(X, y, np.array([0.0, 0.01, 2.0]))
    for place, strength in enumerate(path.strengths):
        model = Ridge(alpha=shape[0] * strength) if strength else LinearRegression()
        model.fit(X, y)
        np.testing.assert_allclose(path.weights[place], model.coef_, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(path.biases[place], model.intercept_, rtol=1e-8)
        half = np.square(model.predict(X) - y).mean() / 2
        np.testing.assert_allclose(path.half_mse(X, y)[place], half, atol=1e-12)
        np.testing.assert_allclose(
            path.objective(X, y)[place], half + strength / 2 * np.square(model.coef_).sum(), atol=1e-12
        )
