"""Least squares and the Gaussian likelihood, against NumPy and SciPy."""

import numpy as np
import pytest
from scipy.stats import norm
from tolerances import STANDARD_ERRORS

from leadline.core import numpy_generator
from leadline.studies.least_squares_fits import CHECKS, NOISES, simulated


@pytest.mark.parametrize("noise", NOISES)
def test_each_loss_wins_under_its_own_noise_and_both_cover(noise: str) -> None:
    found = simulated(noise, 120)
    ratio = found.absolute_variance / found.squared_variance
    assert (ratio > 1) == (found.limit > 1)
    assert abs(np.log(ratio / found.limit)) < 0.4
    for coverage in (found.squared_coverage, found.absolute_coverage):
        assert abs(coverage - 0.95) < STANDARD_ERRORS * np.sqrt(0.95 * 0.05 / 120)


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
    assert CHECKS[0].procedure(None, formula).as_stated is holds
