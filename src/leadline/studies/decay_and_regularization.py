"""When is an L2 penalty the same as weight decay?"""

from leadline.claims.assertions import IdentityProcedure, Remark, decided, decisions_table, identity_check
from leadline.claims.identities import Decision
from leadline.claims.premises import Premises, Quantity, sizes
from leadline.studies.study import Exhibits, Settings, Study

FIRST_STEP = Premises(
    quantities=(
        Quantity("X", ("n", "d")), Quantity("w0", ("d",)), Quantity("t", ("n",)), Quantity("D", ("d", "d")),
        Quantity("eta", domain="positive"), Quantity("lam", domain="positive"), Quantity("lambda", domain="positive"),
    ),
    definitions=("loss = 1/n |X w0 - t|^2", "penalized = loss + lam |w0|^2"),
    small=(sizes(n=2, d=3), sizes(n=3, d=2)),
    large=(sizes(n=5, d=9), sizes(n=8, d=4)),
)  # fmt: skip
SAME_STEP = IdentityProcedure(
    premises=FIRST_STEP,
    templates=("at(w0 - eta grad(penalized, w0), lam, {}) = (1 - lambda) w0 - eta grad(loss, w0)",),
    correct=("lambda/(2 eta)",),
    remarks=(
        Remark(
            "Where a matrix D (an adaptive method's step sizes) takes the place of eta",
            "at(w0 - D grad(penalized, w0), lam, lambda/(2 eta)) = (1 - lambda) w0 - D grad(loss, w0)",
            FIRST_STEP,
        ),
    ),
)

CHECKS = (
    identity_check("csc413a.2.2.2", SAME_STEP, altered="lambda/2"),
    identity_check(
        "csc413b.2.3.1",
        IdentityProcedure(
            premises=FIRST_STEP,
            templates=("w0 - eta grad(penalized, w0) = {0}", "(1 - lam) w0 - eta grad(loss, w0) = {1}"),
        ),
        asserted=("w0 - (2 eta/n) X'(X w0 - t) - 2 eta lam w0", "(1 - lam) w0 - (2 eta/n) X'(X w0 - t)"),
        altered=("w0 - (2 eta/n) X'(X w0 - t) - eta lam w0", "(1 - lam) w0 - (2 eta/n) X'(X w0 - t)"),
    ),
    identity_check("csc413b.2.3.2", SAME_STEP, altered="lambda/(2 eta)"),
)


def observe(settings: Settings) -> list[tuple[str, Decision]]:
    """The decision on each first step."""
    return decided(CHECKS)


def exhibit(observation: list[tuple[str, Decision]]) -> Exhibits:
    """The decisions."""
    caption = "lam is the strength of the penalty lam |w|^2, lambda the rate of decay w (1 - lambda)."
    return Exhibits(tables=(decisions_table("First step under penalty and under decay", observation, caption=caption),))


STUDY = Study(
    name="decay-and-regularization",
    title="L2 penalty and weight decay",
    question="Which penalty strength makes gradient descent take the same step as weight decay?",
    observe=observe,
    checks=CHECKS,
    exhibit=exhibit,
)
