"""The probability of never being drawn."""

from fractions import Fraction

import pytest

from leadline.studies import Settings
from leadline.studies.draws_with_replacement import decide_probability, never_drawn, observe


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_enumeration_gives_the_power(n: int) -> None:
    assert never_drawn(n) == Fraction(n - 1, n) ** n


@pytest.mark.parametrize(
    ("formula", "holds"), [("(1-1/n)^n", True), ("(n-1)^n/n^n", True), ("1/n", False), ("(1-1/n)^(n+1)", False)]
)
def test_any_form_of_the_formula(formula: str, holds: bool) -> None:
    evidence = decide_probability(observe(Settings()), formula)
    assert evidence.as_stated is holds
    assert (evidence.found == formula) is holds
