"""Does stochastic gradient descent from zero find the interpolating solution of least norm?"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import sympy

from leadline.claims import Check, Evidence, Figure, value_check
from leadline.claims.assertions import IdentityProcedure, Remark, decided, decisions_table, identity_check
from leadline.claims.identities import Decision
from leadline.claims.premises import Premises, Quantity, sizes
from leadline.core import numpy_generator
from leadline.studies.pictures import FAINT, SERIES, picture
from leadline.studies.study import Exhibits, Settings, Study

# More features than observations. M weighs observations: a mini-batch is a diagonal M of zeros and equal entries.
OVERPARAMETERIZED = Premises(
    quantities=(
        Quantity("X", ("n", "d")), Quantity("t", ("n",)), Quantity("c", ("n",)), Quantity("u", ("d",)),
        Quantity("M", ("n", "n")), Quantity("eta"),
    ),
    definitions=(
        "P = X'(XX')^-1 X",  # projection on the row space
        "origin = 0 u",
        "v = X'c",  # any point of the row space
        "z = u - P u",  # any vector with X z = 0
        "wstar = X'(XX')^-1 t",
    ),
    small=(sizes(n=1, d=2), sizes(n=2, d=3)),
    large=(sizes(n=4, d=9), sizes(n=6, d=13)),
)  # fmt: skip
# The observations in two halves: the batch B with targets r, the others C with targets s.
TWO_BATCHES = Premises(
    quantities=(
        Quantity("B", ("b", "d")), Quantity("r", ("b",)), Quantity("C", ("b", "d")), Quantity("s", ("b",)),
        Quantity("w", ("d",)),
    ),
    definitions=(
        "first = 2/b B'(B w - r)",
        "second = 2/b C'(C w - s)",
        "loss = 1/(2b) (|B w - r|^2 + |C w - s|^2)",
        "full = grad(loss, w)",
    ),
    small=(sizes(b=1, d=3), sizes(b=2, d=3)),
    large=(sizes(b=3, d=9),),
)  # fmt: skip
MINIMUM_NORM = "X'(XX')^-1 t"
EXAMPLE = ((2, 1), 2)  # the one observation and target of the sources' example


@dataclass(frozen=True)
class Observed:
    """The decisions, and an SGD run beside the solution of least norm."""

    decisions: tuple[tuple[str, Decision], ...]
    distance: float  # |w - w*| after the run
    residual: float  # |X w - t|


def run_sgd(*, steps: int = 4000) -> Observed:
    """Mini-batch SGD from zero on 5 random observations of 12 features, batches of 2 without replacement."""
    generator = numpy_generator("minimum norm")
    X, t = generator.normal(size=(5, 12)), generator.normal(size=5)
    w = np.zeros(12)
    for _ in range(steps):
        batch = generator.choice(5, 2, replace=False)
        w = w - 0.03 * 2 / 2 * X[batch].T @ (X[batch] @ w - t[batch])
    least = X.T @ np.linalg.solve(X @ X.T, t)
    return Observed((), float(np.linalg.norm(w - least)), float(np.linalg.norm(X @ w - t)))


def observe(settings: Settings) -> Observed:
    """Decide the identities; run SGD once for comparison."""
    run = run_sgd()
    return Observed(tuple(decided(CHECKS)), run.distance, run.residual)


def hessian() -> sympy.Matrix:
    """Second derivatives of (2 w1 + w2 - 2)^2."""
    w1, w2 = sympy.symbols("w1 w2")
    (x1, x2), target = EXAMPLE
    return sympy.hessian((x1 * w1 + x2 * w2 - target) ** 2, (w1, w2))


def decide_definiteness(observation: Observed, asserted: str) -> Evidence:
    """Is the example's Hessian "positive definite" or "positive semi-definite"?"""
    exact = hessian()
    eigenvalues = sorted(float(value) for value in exact.eigenvals(multiple=True))
    numeric = np.linalg.eigvalsh(np.array(exact.tolist(), dtype=float))
    flat = exact.nullspace()
    positive = exact.is_positive_definite and numeric[0] > SMALLEST_EIGENVALUE
    nonnegative = exact.is_positive_semidefinite and numeric[0] > -SMALLEST_EIGENVALUE
    return Evidence(
        as_stated=bool({"positive definite": positive, "positive semi-definite": nonnegative}[asserted]),
        found={"eigenvalues": eigenvalues, "flat direction": [str(entry) for entry in flat[0]] if flat else "none"},
        how="Eigenvalues of the exact Hessian by SymPy, and by NumPy.",
        details=("With d > n the Hessian 2/n X'X always has such directions; the loss is convex but not strictly so.",),
    )


SMALLEST_EIGENVALUE = 1e-12


def least_norm_of_example() -> list[float]:
    """The solution of least norm of 2 w1 + w2 = 2, exactly computed."""
    x, t = sympy.Matrix([EXAMPLE[0]]), sympy.Matrix([EXAMPLE[1]])
    return [float(entry) for entry in x.T * (x * x.T).inv() * t]


CHECKS = (
    identity_check(
        "csc413a.1.1.1",
        IdentityProcedure(
            premises=OVERPARAMETERIZED,
            templates=(
                "P ({0}) = {0}",  # the start lies in the row space,
                "P (v - eta X'M(X v - t)) = v - eta X'M(X v - t)",  # no step leaves it,
                "at({1}, t, X v) = v",  # its one interpolating point is the asserted limit,
                "X z = 0",
                "|{1} + z|^2 = |{1}|^2 + |z|^2",  # and every other solution is longer
            ),
        ),
        asserted=("origin", MINIMUM_NORM),
        altered=("u", MINIMUM_NORM),
    ),
    identity_check(
        "csc413b.1.1.1.generated.inverse",
        IdentityProcedure(
            premises=OVERPARAMETERIZED,
            templates=("at({0}, t, X v) = v", "X ({0}) = t"),
            correct=(MINIMUM_NORM,),
            remarks=(Remark("With d > n", "det(X'X) = 0", OVERPARAMETERIZED),),
        ),
        asserted="(X'X)^-1 X't",
        altered=MINIMUM_NORM,
    ),
    identity_check(
        "csc413b.1.1.1.generated.same",
        IdentityProcedure(
            premises=TWO_BATCHES,
            templates=("({0}) |full|^2 = full (full'({0}))",),  # parallel to the full gradient
            remarks=(Remark("Only the mean over the batches of an epoch is the full update",
                            "1/2 (first + second) = full", TWO_BATCHES),),
        ),
        asserted="first",
        altered="first + second",
    ),
    identity_check(
        "csc413b.1.1.1.own",
        IdentityProcedure(
            premises=OVERPARAMETERIZED,
            templates=("X ({0} + z) = t", "({0})'(({0}) - ({0} + z)) = 0", "|{0} + z|^2 = |{0}|^2 + |z|^2"),
        ),
        asserted=MINIMUM_NORM,
        altered="wstar + X'c",
    ),
    Check(
        claim="csc413b.1.2.1.generated.hessian",
        procedure=decide_definiteness,
        asserted="positive definite",
        altered="positive semi-definite",
    ),
    value_check(
        "csc413b.1.2.1.generated.minnorm",
        lambda observation: least_norm_of_example(),
        "X'(XX')^-1 t for the one observation (2, 1) with target 2.",
        altered=[Decimal("0.8"), Decimal("0.4")],
        details=("(1/3, 4/3) fits the observation as well, but its squared norm is 17/9; that of (4/5, 2/5) is 4/5.",),
    ),
)  # fmt: skip


def exhibit(observation: Observed) -> Exhibits:
    """The decisions, and the example's solutions in the plane."""
    caption = (
        f"An SGD run (5 observations, 12 features, batches of 2) ends {observation.distance:.0e} from the solution of"
        f" least norm with residual {observation.residual:.0e}."
    )
    table = decisions_table("Row space and least norm", observation.decisions, caption=caption)
    return Exhibits(tables=(table,), figures=(_solutions(),))


def _solutions() -> Figure:
    (x1, x2), target = EXAMPLE
    least = least_norm_of_example()

    def draw(ax: Any) -> None:
        w1 = np.linspace(-0.1, 1.1, 2)
        ax.plot(w1, (target - x1 * w1) / x2, color=SERIES[0], label="all solutions of 2 w1 + w2 = 2")
        ax.plot([0, least[0]], [0, least[1]], color=SERIES[1], label="gradient descent from 0")
        for point, name in ((least, "(4/5, 2/5), least norm"), ((1 / 3, 4 / 3), "(1/3, 4/3)")):
            ax.plot(*point, "o", color=SERIES[1] if point is least else FAINT)
            ax.annotate(name, point, xytext=(8, 0), textcoords="offset points")
        ax.set(xlabel="w1", ylabel="w2", aspect="equal", xlim=(-0.6, 3.4), ylim=(-0.3, 2.3))
        ax.legend(loc="upper right", fontsize=8)

    return picture("Solutions of one equation in two weights", draw)


STUDY = Study(
    name="minimum-norm-solution",
    title="Gradient descent and the solution of least norm",
    question="Does SGD from zero converge to the interpolating weights of least norm, and which formula gives them?",
    observe=observe,
    checks=CHECKS,
    exhibit=exhibit,
)
