"""Moments of rectified Gaussian units."""

import numpy as np
import pytest
from tolerances import ALGEBRA, STANDARD_ERRORS

from leadline.core import numpy_generator
from leadline.studies import Settings
from leadline.studies.gaussian_moments import Observed, decide_scale, observe


@pytest.fixture(scope="module")
def observed() -> Observed:
    return observe(Settings())


def test_integral_and_quadrature_agree(observed: Observed) -> None:
    assert float(observed.second_moment) == pytest.approx(observed.by_quadrature, abs=ALGEBRA)


@pytest.mark.parametrize(("formula", "holds"), [("sqrt(2/d)", True), ("1/sqrt(d/2)", True), ("sqrt(2)/d", False)])
def test_the_scale_that_keeps_variance_one(observed: Observed, formula: str, holds: bool) -> None:
    assert decide_scale(observed, formula).as_stated is holds


def test_that_scale_by_simulation() -> None:
    generator = numpy_generator("relu layer")
    units = np.maximum(generator.normal(size=(20_000, 8)), 0)
    outputs = np.sum(units * generator.normal(scale=np.sqrt(2 / 8), size=units.shape), axis=1)
    squares = outputs**2
    assert abs(squares.mean() - 1) < STANDARD_ERRORS * squares.std() / np.sqrt(len(squares))
