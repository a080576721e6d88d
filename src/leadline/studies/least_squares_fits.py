"""What do least squares and maximum likelihood give for a linear model?"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import sympy

from leadline.claims import value_check
from leadline.claims.assertions import IdentityProcedure, Remark, decided, decisions_table, identity_check
from leadline.claims.identities import Decision
from leadline.claims.premises import Premises, Quantity, sizes
from leadline.studies.study import Exhibits, Settings, Study

# y ~ N(X w, s2); the constant -n/2 log(2 pi) is left out.
LINEAR_GAUSSIAN = Premises(
    quantities=(
        Quantity("X", ("n", "d")), Quantity("w", ("d",)), Quantity("y", ("n",)), Quantity("s2", domain="positive"),
    ),
    definitions=("squares = |X w - y|^2", "loglik = 0 - squares/(2 s2) - n/2 log(s2)"),
    small=(sizes(n=2, d=1), sizes(n=3, d=2)),
    large=(sizes(n=9, d=4), sizes(n=6, d=5)),
)  # fmt: skip
FEW_OBSERVATIONS = Premises(
    LINEAR_GAUSSIAN.quantities, LINEAR_GAUSSIAN.definitions, small=(sizes(n=2, d=3),), large=(sizes(n=4, d=9),)
)
LEAST_SQUARES = "(X'X)^-1 X'y"


@dataclass(frozen=True)
class Observed:
    """The XOR fit, exactly and by NumPy, and the decisions on the likelihood."""

    xor: dict[str, Any]
    xor_numeric: tuple[float, ...]
    decisions: tuple[tuple[str, Decision], ...]


def xor_fit() -> dict[str, Any]:
    """The one stationary point of the mean squared error of w'x + b on XOR, by SymPy."""
    w1, w2, b = unknowns = sympy.symbols("w1 w2 b")
    loss = sum((w1 * x1 + w2 * x2 + b - (x1 ^ x2)) ** 2 for x1 in (0, 1) for x2 in (0, 1)) / sympy.Integer(4)
    system, right = sympy.linear_eq_to_matrix([sympy.diff(loss, name) for name in unknowns], unknowns)
    *weights, bias = (float(value) for value in system.LUsolve(right))  # raises where the solution is not unique
    return {"w": weights, "b": bias}


def observe(settings: Settings) -> Observed:
    """Fit XOR; decide the formulas of the likelihood's maximum."""
    design = np.array([[x1, x2, 1] for x1 in (0, 1) for x2 in (0, 1)])
    numeric = np.linalg.lstsq(design, design[:, 0] ^ design[:, 1], rcond=None)[0]
    return Observed(xor_fit(), tuple(float(value) for value in numeric), tuple(decided(CHECKS)))


CHECKS = (
    value_check(
        "ds541.2",
        lambda observed: observed.xor,
        "SymPy solves gradient = 0 for the four points; the solution is unique.",
        altered={"w": [1, 1], "b": Decimal("0.0")},
    ),
    identity_check(
        "ds541.5.w",
        IdentityProcedure(
            premises=LINEAR_GAUSSIAN,
            # Stationary for the likelihood and for the squares, and above every other w.
            templates=(
                "at(grad(loglik, w), w, {0}) = 0",
                "at(grad(squares, w), w, {0}) = 0",
                "at(loglik, w, {0}) - loglik = |X (w - {0})|^2/(2 s2)",
            ),
            correct=(LEAST_SQUARES,),
            remarks=(Remark("With fewer observations than features", f"at(grad(loglik, w), w, {LEAST_SQUARES}) = 0",
                            FEW_OBSERVATIONS),),
        ),
        asserted=LEAST_SQUARES,
        altered="(X'X)^-1 X'y/n",
    ),
    identity_check(
        "ds541.5.sigma",
        IdentityProcedure(
            premises=LINEAR_GAUSSIAN,
            # Increasing below the asserted variance and decreasing above it, at every w.
            templates=("grad(loglik, s2) = n/(2 s2^2) ({} - s2)",),
            correct=("mean (X w - y)^2",),
        ),
        asserted="mean (X w - y)^2",
        altered="n/(n - 1) mean (X w - y)^2",
    ),
)  # fmt: skip


def exhibit(observation: Observed) -> Exhibits:
    """The decisions."""
    note = f"NumPy's least squares on XOR: {', '.join(f'{value:.3f}' for value in observation.xor_numeric)}."
    return Exhibits(tables=(decisions_table("Maximum of the likelihood", observation.decisions, caption=note),))


STUDY = Study(
    name="least-squares-fits",
    title="Least squares and maximum likelihood",
    question="Which weights and which variance do least squares and maximum likelihood give for a linear model?",
    observe=observe,
    checks=CHECKS,
    exhibit=exhibit,
)
