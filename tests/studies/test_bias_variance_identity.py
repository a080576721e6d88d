"""The decomposition and the consistency of three figures."""

from decimal import Decimal

import numpy as np
import pytest
from tolerances import FINITE_DIFFERENCE

from leadline.claims.identities import decide
from leadline.studies.bias_variance_identity import DECOMPOSITION, DEPENDENT, decide_consistency


def test_dependence_costs_twice_the_covariance() -> None:
    found = decide(DECOMPOSITION, DEPENDENT).counterexample
    assert found is not None
    g, e, weights = map(np.array, (found["g"]["values"], found["e"]["values"], found["g"]["probabilities"]))
    covariance = weights @ (g * e) - (weights @ g) * (weights @ e)
    assert found["left side"] - found["right side"] == pytest.approx(-2 * covariance, abs=10 * FINITE_DIFFERENCE)


@pytest.mark.parametrize(("mse", "possible"), [("0.30", True), ("0.29", True), ("0.25", False)])
def test_mse_cannot_be_below_bias_and_variance(mse: str, possible: bool) -> None:
    figures = {"bias2": Decimal("0.10"), "variance": Decimal("0.20"), "mse": Decimal(mse)}
    evidence = decide_consistency([], figures)
    assert evidence.as_stated is possible
    assert evidence.found["smallest possible mse"] == Decimal("0.30")
