"""Least squares and the Gaussian likelihood, against NumPy and SciPy."""

import numpy as np
import pytest
from scipy.stats import norm
from tolerances import ALGEBRA

from leadline.core import numpy_generator
from leadline.studies import Settings
from leadline.studies.least_squares_fits import CHECKS, observe


def test_xor_agrees_with_numpy() -> None:
    observed = observe(Settings())
    np.testing.assert_allclose(observed.xor_numeric, [*observed.xor["w"], observed.xor["b"]], atol=ALGEBRA)


def test_the_stated_maximum_is_above_its_surroundings() -> None:
    generator = numpy_generator("likelihood")
    X, y = generator.normal(size=(20, 3)), generator.normal(size=20)
    w = np.linalg.solve(X.T @ X, X.T @ y)
    s2 = float(np.mean((X @ w - y) ** 2))

    def likelihood(w: np.ndarray, s2: float) -> float:
        return float(norm.logpdf(y, X @ w, np.sqrt(s2)).sum())

    for shift in 0.1 * generator.normal(size=(50, 3)):
        assert likelihood(w + shift, s2) < likelihood(w, s2)
    assert max(likelihood(w, 0.99 * s2), likelihood(w, 1.01 * s2)) < likelihood(w, s2)


@pytest.mark.parametrize(("formula", "holds"), [("(X'X)^-1 X'y", True), ("X'(XX')^-1 y", False), ("X'y", False)])
def test_only_the_normal_equations_hold(formula: str, holds: bool) -> None:
    assert CHECKS[1].procedure(None, formula).as_stated is holds
