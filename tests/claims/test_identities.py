"""The engine that decides identities: true ones, false ones with their counterexample, ones that need a premise."""

import math

import numpy as np
import pytest
import sympy
from tolerances import ALGEBRA

from leadline.claims import Verdict
from leadline.claims.assertions import Amendment, IdentityProcedure, Remark, identity_check
from leadline.claims.identities import DisagreementError, decide
from leadline.claims.laws import STANDARD_NORMAL, Law, finite_law
from leadline.claims.premises import Premises, Quantity, sizes
from leadline.claims.vanishing import vanishes
from leadline.core import InputError, numpy_generator

MATRICES = Premises(
    quantities=(Quantity("X", ("n", "d")), Quantity("w", ("d",)), Quantity("y", ("n",))),
    definitions=("loss = |X w - y|^2",),
    small=(sizes(n=2, d=3), sizes(n=3, d=2)),
    large=(sizes(n=7, d=4), sizes(n=4, d=9)),
)
REAL = Premises((Quantity("c"),), by_sign=("c",))
NONNEGATIVE = Premises((Quantity("c", domain="nonnegative"),), by_sign=("c",))


def test_a_true_identity_is_proven_and_confirmed() -> None:
    decision = decide("grad(loss, w) = 2 X'(X w - y)", MATRICES)
    assert decision.holds
    assert decision.counterexample is None
    assert "SymPy proof (n=2, d=3; n=3, d=2)" in decision.how


def test_a_false_identity_has_a_counterexample_that_is_one() -> None:
    decision = decide("grad(loss, w) = X'(X w - y)", MATRICES)
    assert not decision.holds
    found = decision.counterexample
    assert found is not None
    X = np.reshape(found["X"], (found["n"], found["d"]))
    right = X.T @ (X @ np.ravel(found["w"]) - np.ravel(found["y"]))
    np.testing.assert_allclose(found["right side"], right, rtol=ALGEBRA)
    np.testing.assert_allclose(found["left side"], 2 * right, rtol=ALGEBRA)
    assert np.any(right != 0)


def test_shapes_that_do_not_fit_make_it_false() -> None:
    decision = decide("grad(loss, w) = 2 X(X w - y)", MATRICES)
    assert not decision.holds
    assert decision.reason == "2 x 3 and 2 x 1 have no product"


def test_a_matrix_that_is_always_singular_makes_it_false() -> None:
    wide = Premises(MATRICES.quantities, (), small=(sizes(n=2, d=3),), large=(sizes(n=4, d=9),))
    assert "singular" in decide("(X'X)^-1 X'y = w", wide).reason


@pytest.mark.parametrize(
    ("asserted", "verdict"),
    [("|c| = c", Verdict.QUALIFIED), ("|c|^2 = c^2", Verdict.HOLDS), ("|c| = 2 c + 1", Verdict.FAILS)],
)
def test_a_condition_qualifies(asserted: str, verdict: Verdict) -> None:
    procedure = IdentityProcedure(premises=REAL, amendment=Amendment("c >= 0", NONNEGATIVE))
    evidence = procedure(None, asserted)
    assert evidence.verdict == verdict
    assert (evidence.condition == "c >= 0") == (verdict == Verdict.QUALIFIED)


def test_the_right_formula_must_be_right() -> None:
    right = IdentityProcedure(premises=REAL, templates=("c c = {}",), correct=("c^2",))
    assert right(None, "c").found["right"] == "c^2"
    wrong = IdentityProcedure(premises=REAL, templates=("c c = {}",), correct=("c^3",))
    with pytest.raises(DisagreementError, match="a true formula, c\\^3"):
        wrong(None, "c")


def test_a_stated_formula_is_read_from_the_statements() -> None:
    premises = Premises((Quantity("k", domain="positive"),))
    procedure = IdentityProcedure(
        premises=premises, templates=("{} k = 1",), remarks=(Remark("Also", "k = 1", premises),)
    )
    evidence = identity_check("ds541.1e", procedure, altered="k").evidence(None)
    assert evidence.found == "1/k"
    assert evidence.verdict == Verdict.HOLDS
    assert evidence.details[0].startswith("Also: k = 1 is false (k = ")


def test_proof_and_numbers_that_disagree_are_an_error() -> None:
    # True for the drawn numbers only: the size is 1 in the proof and 2 in the draws.
    premises = Premises((Quantity("w", ("d",)),), small=(sizes(d=1),), large=(sizes(d=2),))
    with pytest.raises(DisagreementError, match="one outcome"):
        decide("d = 2", premises)


@pytest.mark.parametrize(("equation", "complaint"), [("c", "left = right"), ("c = q", "unknown name 'q'")])
def test_equations_that_cannot_be_read(equation: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        decide(equation, REAL)


def test_an_unknown_domain_is_refused() -> None:
    with pytest.raises(InputError, match="got imaginary"):
        Quantity("c", domain="imaginary")


@pytest.mark.parametrize(
    ("equation", "holds"),
    [
        ("E(g e) = E(g) E(e)", True),
        ("E(g^2) = E(g)^2", False),
        ("Var(g + e) = Var(g) + Var(e)", True),
        ("E(e) = 0", True),
        ("E(z^4) = 3", True),
        ("E(z^2 g) = E(g)", True),
    ],
)
def test_expectations_of_independent_quantities(equation: str, holds: bool) -> None:
    quantities = (
        Quantity("g", law=Law("free")), Quantity("e", law=Law("centred", ("0",))), Quantity("z", law=STANDARD_NORMAL),
    )  # fmt: skip
    assert decide(equation, Premises(quantities)).holds is holds


def test_quantities_of_one_group_may_depend() -> None:
    quantities = tuple(Quantity(name, law=Law(name), group="pair") for name in ("g", "e"))
    assert not decide("E(g e) = E(g) E(e)", Premises(quantities)).holds


@pytest.mark.parametrize("moments", [(), (0.0,), (0.25, 2.0)])
def test_finite_laws_have_their_moments(moments: tuple[float, ...]) -> None:
    law = Law("given", tuple(map(str, moments)))
    points, weights = finite_law(law, list(moments), numpy_generator("moments"))
    assert math.isclose(weights.sum(), 1, rel_tol=ALGEBRA)
    for order, moment in enumerate(moments, 1):
        assert math.isclose(weights @ points**order, moment, abs_tol=ALGEBRA)


def test_vanishing_over_roots_and_fractions() -> None:
    x, y = sympy.symbols("x y", positive=True)
    assert vanishes(sympy.sqrt(x) ** 2 - x)
    assert vanishes((x + y) ** 3 / (x + y) - (x + y) ** 2)
    assert vanishes(sympy.sin(x) ** 2 + sympy.cos(x) ** 2 - 1)
    assert not vanishes(sympy.sqrt(x) - x)
    assert not vanishes(1 / x - 1 / y)
    assert vanishes(0) and not vanishes(2)
