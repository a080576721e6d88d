"""The solution of least norm, against NumPy's pseudo-inverse."""

import numpy as np
import pytest
from tolerances import ALGEBRA, AUTOGRAD

from leadline.claims import Verdict
from leadline.studies.minimum_norm_solution import CHECKS, hessian, least_norm_of_example, run_sgd


def test_sgd_from_zero_reaches_it() -> None:
    run = run_sgd()
    assert run.residual < AUTOGRAD
    assert run.distance < AUTOGRAD


def test_the_example_agrees_with_the_pseudo_inverse() -> None:
    np.testing.assert_allclose(least_norm_of_example(), (np.linalg.pinv([[2.0, 1.0]]) * 2).ravel(), atol=ALGEBRA)


def test_the_hessian_is_that_of_one_observation() -> None:
    assert hessian().tolist() == (2 * np.outer([2, 1], [2, 1])).tolist()


@pytest.mark.parametrize(
    ("start", "limit", "verdict"),
    [
        ("X'c", "X'(XX')^-1 t", Verdict.HOLDS),  # any start in the row space will do
        ("u", "X'(XX')^-1 t", Verdict.FAILS),
        ("origin", "X't", Verdict.FAILS),
    ],
)
def test_start_and_limit(start: str, limit: str, verdict: Verdict) -> None:
    assert CHECKS[0].procedure(None, (start, limit)).verdict == verdict
