"""Which learning rate makes the loss smallest after one gradient-descent step on least squares?"""

from typing import Any

import numpy as np

from leadline.claims import Check, Evidence, Figure
from leadline.claims.assertions import IdentityProcedure, Remark, decided, decisions_table, identity_check
from leadline.claims.identities import Decision, decide, plain
from leadline.claims.premises import Premises, Quantity, sizes
from leadline.core import numpy_generator
from leadline.studies.pictures import INK, SERIES, picture
from leadline.studies.study import Exhibits, Settings, Study

ONE_STEP = Premises(
    quantities=(
        Quantity("X", ("n", "d")), Quantity("w0", ("d",)), Quantity("t", ("n",)),
        Quantity("eta", domain="positive"), Quantity("h"),
    ),
    definitions=(
        "I = eye(n)",
        "a = X w0 - t",
        "J0 = 1/n |X w0 - t|^2",
        "w1 = w0 - eta grad(J0, w0)",
        "J1 = 1/n |X w1 - t|^2",
        "second_difference = at(J1, eta, eta + h) - 2 J1 + at(J1, eta, eta - h)",
    ),
    small=(sizes(n=2, d=3), sizes(n=3, d=1)),
    large=(sizes(n=5, d=11), sizes(n=12, d=4)),
)  # fmt: skip
RIGHT_RATE = "n/2 |X'a|^2 / |XX'a|^2"
# The second derivative of the loss by eta times h^2: the loss is quadratic in eta.
CURVATURE = "second_difference = 8 h^2/n^3 |XX'a|^2"
# Where the curvature vanishes, X'a does too: |X'a|^2 is a'(XX'a).
FLAT_ONLY_AT_MINIMUM = "a'XX'a = |X'a|^2"

BEST_RATE = IdentityProcedure(
    premises=ONE_STEP,
    templates=("at(grad(J1, eta), eta, {}) = 0",),
    correct=(RIGHT_RATE,),
    remarks=(Remark("The loss is a parabola in eta that opens upward, so this is its minimum", CURVATURE, ONE_STEP),),
)


def decide_convexity(observation: Any, relation: str) -> Evidence:
    """Is the second derivative `relation` (">=" or ">") zero for all data?"""
    proof = decide(CURVATURE, ONE_STEP)
    generator = numpy_generator("convexity")
    X = generator.integers(-2, 3, (3, 1)).astype(float)
    left_null = np.linalg.svd(X.T)[2][-1]  # a with X'a = 0: every rate leaves the loss as it is
    curvatures = [float(8 / 27 * np.sum((X @ X.T @ a) ** 2)) for a in (*generator.normal(size=(20, 3)), left_null)]
    curvatures = [round(value, 12) for value in curvatures]
    compare = {">=": lambda value: value >= 0, ">": lambda value: value > 0}[relation]
    away_from_zero = [compare(value) for value in curvatures[:-1]]
    return Evidence(
        as_stated=proof.holds and all(map(compare, curvatures)),
        amended=proof.holds and all(away_from_zero) and decide(FLAT_ONLY_AT_MINIMUM, ONE_STEP).holds,
        condition="X'a is not zero: the first gradient does not vanish",
        found={"second derivative": "8/n^3 |XX'a|^2", "smallest seen": min(curvatures), "at": {"X": plain(X)}},
        how=f"The second derivative is a square: {proof.how}.",
        details=("It is zero where X'a = 0, and only there; the loss is then constant in eta, still convex.",),
    )


CHECKS = (
    identity_check(
        "csc413a.2.1.1",
        IdentityProcedure(premises=ONE_STEP, templates=("J1 = {}",)),
        asserted="(1/n) a'(I - (2 eta/n) XX')^2 a",
        altered="(1/n) a'(I - (eta/n) XX')^2 a",
    ),
    identity_check("csc413a.2.1.3", BEST_RATE, altered="n |X'a|^2 / |XX'a|^2"),
    identity_check(
        "csc413b.2.2.1",
        IdentityProcedure(premises=ONE_STEP, templates=("J1 = {}",)),
        asserted="(1/n)(a'a - (4 eta/n) a'XX'a + (4 eta^2/n^2) a'XX'XX'a)",
        altered="(1/n)(a'a - (2 eta/n) a'XX'a + (4 eta^2/n^2) a'XX'XX'a)",
    ),
    Check(claim="csc413b.2.2.2", procedure=decide_convexity, asserted=">=", altered=">"),
    identity_check("csc413b.2.2.3.generated", BEST_RATE, altered=RIGHT_RATE),
    identity_check("csc413b.2.2.3.own", BEST_RATE, altered="n/4 |X'a|^2/|XX'a|^2"),
)


def observe(settings: Settings) -> list[tuple[str, Decision]]:
    """The decision on every asserted formula."""
    return decided(CHECKS)


def exhibit(observation: list[tuple[str, Decision]]) -> Exhibits:
    """The decisions, and the parabola with the rates that the sources propose."""
    return Exhibits(
        tables=(decisions_table("Formulas for the loss and its best rate", observation),), figures=(_parabola(),)
    )


def _parabola() -> Figure:
    generator = numpy_generator("parabola")
    X, t = generator.normal(size=(6, 3)), generator.normal(size=6)
    a, n = -t, len(t)  # w0 = 0
    best = n / 2 * np.sum((X.T @ a) ** 2) / np.sum((X @ X.T @ a) ** 2)
    generated = n / 4 * a @ X @ X.T @ a

    def draw(ax: Any) -> None:
        rates = np.linspace(-0.2 * best, 2.4 * best, 200)
        losses = [np.sum((a - 2 * rate / n * X @ X.T @ a) ** 2) / n for rate in rates]
        ax.plot(rates, losses, color=SERIES[0])
        ax.axvline(best, color=INK, linestyle="--", linewidth=1)
        ax.annotate(f"n/2 |X'a|²/|XX'a|² = {best:.3f}", (best, max(losses)), xytext=(4, -8), textcoords="offset points")
        ax.set(xlabel="learning rate of the one step", ylabel="loss after it")

    caption = (
        "Six random observations of three features, from w = 0. The generated formula n/4 a'XX'a gives"
        f" {generated:.1f}, far to the right of the minimum at {best:.3f}."
    )
    return picture("Loss after one step", draw, caption=caption)


STUDY = Study(
    name="one-step-learning-rate",
    title="The best learning rate for one step",
    question="What is the loss of least squares after one gradient step, and which learning rate makes it smallest?",
    observe=observe,
    checks=CHECKS,
    exhibit=exhibit,
)
