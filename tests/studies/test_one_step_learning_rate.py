"""The loss after one step, against SciPy's minimizer."""

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from tolerances import FINITE_DIFFERENCE

from leadline.claims import Verdict
from leadline.core import numpy_generator
from leadline.studies.one_step_learning_rate import BEST_RATE, RIGHT_RATE, decide_convexity


def test_the_right_rate_is_the_minimizer() -> None:
    generator = numpy_generator("one step")
    X, w, t, n = generator.normal(size=(6, 4)), generator.normal(size=4), generator.normal(size=6), 6
    a = X @ w - t
    best: Any = minimize_scalar(lambda rate: np.mean((X @ (w - rate * 2 / n * X.T @ a) - t) ** 2), (0, 0.1))
    stated = n / 2 * np.sum((X.T @ a) ** 2) / np.sum((X @ X.T @ a) ** 2)
    assert stated == pytest.approx(best.x, abs=FINITE_DIFFERENCE)
    assert BEST_RATE(None, RIGHT_RATE).verdict == Verdict.HOLDS


@pytest.mark.parametrize(("relation", "verdict"), [(">=", Verdict.HOLDS), (">", Verdict.QUALIFIED)])
def test_convex_always_and_strictly_away_from_a_vanishing_gradient(relation: str, verdict: Verdict) -> None:
    assert decide_convexity(None, relation).verdict == verdict
