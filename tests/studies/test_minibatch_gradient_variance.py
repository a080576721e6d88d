"""Variance of mini-batch means."""

from fractions import Fraction

import pytest

from leadline.claims import Check, Verdict
from leadline.studies import Settings
from leadline.studies.minibatch_gradient_variance import CHECKS, POPULATION, exhibit, observe


def test_without_replacement_the_finite_population_factor_appears() -> None:
    table = exhibit(observe(Settings())).tables[1]
    size = len(POPULATION)
    for batch, _, _, ratio in table.rows:
        assert Fraction(ratio) == Fraction(size - batch, size - 1)


@pytest.mark.parametrize(
    ("check", "factor"),
    list(zip(CHECKS, ("1/(k^2 - 2)", "k^2 - 2", "sqrt(k^2 - 2)"), strict=True)),
    ids=("batch", "linear", "sqrt"),
)
def test_a_factor_that_is_right_at_k_equal_2_only_is_refused(check: Check, factor: str) -> None:
    assert check.procedure(None, factor).verdict == Verdict.FAILS
