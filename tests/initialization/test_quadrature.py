"""Expectations against closed forms, kinks and jumps at awkward places included."""

import math

import numpy as np
import pytest
from scipy.stats import norm
from tolerances import ALGEBRA

from leadline.initialization.quadrature import expectation


@pytest.mark.parametrize(
    ("integrand", "exact"),
    [
        (lambda z: z**8, 105.0),
        (lambda z: np.maximum(z, 0) ** 2, 0.5),
        (lambda z: np.abs(z - 0.3), 0.3 * (2 * norm.cdf(0.3) - 1) + 2 * norm.pdf(0.3)),
        (lambda z: (z > 1 / 3).astype(float), norm.sf(1 / 3)),
        (lambda z: np.exp(2 * z), math.exp(2)),
        (lambda z: np.exp(z * z / 3), 3**0.5),  # heavier than any polynomial, still integrable
        (lambda z: np.cos(50 * z), math.exp(-1250)),
    ],
)
def test_closed_forms(integrand, exact) -> None:
    found = expectation(lambda z: integrand(z)[None])
    assert abs(found.values[0] - exact) <= ALGEBRA * max(1, exact)
    assert abs(found.values[0] - exact) <= found.errors[0] + ALGEBRA * max(1, exact)


@pytest.mark.parametrize("integrand", [lambda z: np.abs(z) ** -1.5, lambda z: 1 / z**2])
def test_an_integral_that_does_not_exist_shows_in_its_error(integrand) -> None:
    found = expectation(lambda z: integrand(z)[None])
    assert found.errors[0] > abs(found.values[0]) / 10
