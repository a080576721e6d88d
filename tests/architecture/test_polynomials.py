import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadline.architecture.polynomials import evaluate, interpolate
from leadline.core import NotPolynomialError

GRID = {"a": range(1, 12), "b": range(1, 24, 2)}
exponents = st.tuples(st.integers(0, 3), st.integers(0, 2))
rationals = st.fractions(-50, 50, max_denominator=12)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.dictionaries(exponents, rationals.filter(bool), max_size=6))
def test_recovers_any_polynomial_exactly(coefficients):
    scale = math.lcm(*(one.denominator for one in coefficients.values()), 1)

    def value_at(point):
        return int(scale * evaluate(coefficients, point))

    found = interpolate(value_at, GRID, "test")
    assert {powers: one / scale for powers, one in found.coefficients.items()} == coefficients
    assert found.confirmed > 0


@pytest.mark.parametrize(
    "count",
    [
        lambda point: 2 ** point[0],
        lambda point: point[0] // 2,
        lambda point: min(point[0], 4) * point[1],
        lambda point: math.factorial(point[0]) + point[1],
        lambda point: abs(point[0] - point[1]),
    ],
)
def test_refuses_what_is_no_polynomial(count):
    with pytest.raises(NotPolynomialError, match=r"predict .* at a=\d+, b=\d+\), got"):
        interpolate(count, GRID, "test")


def test_a_range_too_short_to_confirm_says_so():
    with pytest.raises(NotPolynomialError, match="4 points, which agree with no degree up to 1; widen the range"):
        interpolate(lambda point: point[0] ** 2, {"a": range(1, 5)}, "test")


def test_degrees_hidden_on_the_first_line_are_found():
    # On the line through the middle of b's range the cross term vanishes.
    middle = GRID["b"][len(GRID["b"]) // 2]
    found = interpolate(lambda point: point[0] ** 2 * (point[1] - middle) + point[0], GRID, "test")
    assert found.coefficients == {(2, 1): 1, (2, 0): -middle, (1, 0): 1}


def test_evaluates_rational_coefficients():
    assert evaluate({(1, 1): Fraction(1, 2), (0, 0): Fraction(1)}, (3, 5)) == Fraction(17, 2)
