"""Formulas as papers write them mean what they should, against NumPy."""

import numpy as np
import pytest
from tolerances import ALGEBRA

from leadline.claims.arithmetic import Floats
from leadline.claims.formulas import NoValueError, Scope, evaluate
from leadline.claims.notation import parse
from leadline.core import InputError, numpy_generator

GENERATOR = numpy_generator("notation")
X, A = GENERATOR.normal(size=(4, 3)), GENERATOR.normal(size=(3, 3))
a, w = GENERATOR.normal(size=(4, 1)), GENERATOR.normal(size=(3, 1))
VALUES = {"X": X, "A": A, "a": a, "w": w, "n": 4.0, "eta": 0.3, "n_plus": 7.0}


def value(formula: str) -> object:
    names = frozenset(VALUES)
    return evaluate(parse(formula, names), Scope(VALUES, {"twice": parse("2 X w", names)}, Floats({}, "")))


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("n/2 |X^T a|^2 / |X X^T a|^2", 2 * np.sum((X.T @ a) ** 2) / np.sum((X @ X.T @ a) ** 2)),
        ("a'XX'a", np.sum((X.T @ a) ** 2)),
        ("-eta/2 * n", -0.6),
        ("1/(2n) sum (X w - a)^2", np.sum((X @ w - a) ** 2) / 8),
        ("2 - 3 - 1", -2),
        ("(eye(3) - eta A)^2", np.linalg.matrix_power(np.eye(3) - 0.3 * A, 2)),
        ("A^-1 w", np.linalg.solve(A, w)),
        ("det(A)", np.linalg.det(A)),
        ("mean positive(a) - mean positive(0 - a)", np.mean(np.sign(a))),
        ("max(eta, 1) + |eta - 1|", 1.7),
        ("grad(|X w - a|^2, w)", 2 * X.T @ (X @ w - a)),
        ("at(eta^2 n_plus, eta, 2)", 28),
        ("n (eta + 1)", 5.2),
    ],
)
def test_formulas_agree_with_numpy(formula: str, expected: object) -> None:
    np.testing.assert_allclose(
        np.asarray(value(formula), float), np.asarray(expected, float), rtol=ALGEBRA, atol=ALGEBRA
    )


@pytest.mark.parametrize("formula", ["X (X w - a)", "X + A", "A^2 + 1", "|A|", "1/w", "(w w')^-1"])
def test_formulas_without_a_value(formula: str) -> None:
    with pytest.raises(NoValueError, match=r"sum|product|norm|divided|singular"):
        value(formula)


@pytest.mark.parametrize(
    ("formula", "complaint"),
    [
        ("X q", "unknown name 'q'"),
        ("(X w", "'the end'"),
        ("X w)", "should end"),
        ("2 + ", "'a value'"),
        ("w & a", "'&'"),
    ],
)
def test_formulas_that_cannot_be_read(formula: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        value(formula)
