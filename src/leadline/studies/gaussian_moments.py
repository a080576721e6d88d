"""Which moments of Gaussian inputs and rectified units do the teacher-student risk and He initialization rest on?"""

from dataclasses import dataclass

import numpy as np
import sympy

from leadline.claims import Check, Evidence, value_check
from leadline.claims.assertions import IdentityProcedure, Remark, decided, decisions_table, identity_check
from leadline.claims.identities import Decision
from leadline.claims.laws import STANDARD_NORMAL, Law
from leadline.claims.premises import Premises, Quantity, sizes
from leadline.studies.study import Exhibits, Settings, Study


def teacher_and_student(law: Law) -> Premises:
    """A linear student w and teacher v on inputs with independent entries of one law."""
    quantities = (Quantity("w", ("d",)), Quantity("v", ("d",)), Quantity("x", ("d",), law=law))
    return Premises(quantities, small=(sizes(d=1), sizes(d=3)), large=(sizes(d=4),))


def layer(second_moment: str) -> Premises:
    """Independent zero-mean weights of scale sigma on units r whose second moment is known and whose mean is free."""
    units = Law("units", ("m/2", second_moment))
    weights = Law("weights", ("0", "sigma^2"))
    quantities = (Quantity("m", domain="fraction"), Quantity("sigma", domain="positive"))
    return Premises((*quantities, Quantity("w", ("d",), law=weights), Quantity("r", ("d",), law=units)),
                    small=(sizes(d=1), sizes(d=3)), large=(sizes(d=2), sizes(d=3)))  # fmt: skip


@dataclass(frozen=True)
class Observed:
    """E[max(z,0)^2], exactly and by quadrature, and the decisions on the identities."""

    second_moment: sympy.Expr
    by_quadrature: float
    decisions: tuple[tuple[str, Decision], ...]


def observe(settings: Settings) -> Observed:
    """Integrate; decide the risk."""
    z = sympy.Symbol("z", real=True)
    density = sympy.exp(-(z**2) / 2) / sympy.sqrt(2 * sympy.pi)
    exact = sympy.integrate(z**2 * density, (z, 0, sympy.oo))
    nodes, weights = np.polynomial.legendre.leggauss(200)
    points = 6 * (nodes + 1)  # the density beyond 12 is below 1e-31
    numeric = 6 * float(weights @ (points**2 * np.exp(-(points**2) / 2))) / np.sqrt(2 * np.pi)
    return Observed(exact, numeric, tuple(decided(CHECKS)))


def decide_scale(observation: Observed, formula: str) -> Evidence:
    """With this standard deviation of the weights, is the variance of the next pre-activation 1?"""
    procedure = IdentityProcedure(
        premises=layer(str(observation.second_moment)),
        templates=("at(Var(w'r), sigma, {}) = 1",),
        correct=("sqrt(2/d)",),
    )
    return procedure(observation, formula)


WHITE = Law("any law of mean 0 and variance 1", ("0", "1"))
SHIFTED = Law("any law")
RISK = "E((w'x - v'x)^2) = |w - v|^2"

CHECKS = (
    identity_check(
        "dlhw2.1",
        IdentityProcedure(
            premises=teacher_and_student(STANDARD_NORMAL),
            remarks=(
                Remark("Independent entries of mean 0 and variance 1 are enough", RISK, teacher_and_student(WHITE)),
                Remark("Without them", RISK, teacher_and_student(SHIFTED)),
            ),
        ),
        asserted=RISK,
        altered="E((w'x - v'x)^2) = |w|^2 + |v|^2",
    ),
    value_check(
        "dlhw2.4.moment",
        lambda observed: float(observed.second_moment),
        "SymPy's integral of z^2 times the normal density over z > 0; Gauss-Legendre quadrature agrees.",
        altered=0.25,
        details=("A factor P(z > 0) in front of that integral, as in the source's first line, would halve it to 1/4.",),
    ),
    Check(claim="dlhw2.4.sigma", procedure=decide_scale, altered="sqrt(1/d)"),
)


def exhibit(observation: Observed) -> Exhibits:
    """The decisions."""
    caption = f"E[max(z,0)^2] = {observation.second_moment} exactly, {observation.by_quadrature:.12f} by quadrature."
    return Exhibits(tables=(decisions_table("Risk of a linear student", observation.decisions, caption=caption),))


STUDY = Study(
    name="gaussian-moments",
    title="Moments behind the teacher-student risk and He initialization",
    question="What do Gaussian inputs give for the risk of a linear student and for the weight scale under ReLU?",
    observe=observe,
    checks=CHECKS,
    exhibit=exhibit,
)
