"""What are the gradients of squared and absolute error of a linear prediction?"""

from leadline.claims.assertions import Amendment, IdentityProcedure, Remark, decided, decisions_table, identity_check
from leadline.claims.identities import Decision
from leadline.claims.premises import Premises, Quantity, sizes
from leadline.studies.study import Exhibits, Settings, Study

_PARAMETERS = (Quantity("w", ("d",)), Quantity("b"), Quantity("y", ("n",)), Quantity("alpha"), Quantity("rate"))
_LOSSES = (
    "loss = 1/(2n) sum (yhat - y)^2",
    "penalized = loss + alpha/2 |w|^2",
    "absolute = 1/n sum abs(yhat - y)",
    "over = positive(yhat - y)",
    "under = positive(y - yhat)",
    "n_plus = sum over",
    "n_minus = sum under",
)
ROWS = Premises(
    quantities=(Quantity("X", ("n", "d")), *_PARAMETERS),
    definitions=("yhat = X w + b", *_LOSSES),
    small=(sizes(n=2, d=3), sizes(n=3, d=2)),
    large=(sizes(n=7, d=4), sizes(n=5, d=9)),
)
COLUMNS = Premises(
    quantities=(Quantity("X", ("d", "n")), *_PARAMETERS),
    definitions=("yhat = X'w + b", *_LOSSES),
    small=ROWS.small,
    large=ROWS.large,
)
SQUARE = Premises(ROWS.quantities, ROWS.definitions, small=(sizes(n=2, d=2),), large=(sizes(n=5, d=5),))
# Whole numbers, so that some predictions meet their target exactly, where |t| has its corner.
TIES = Premises(ROWS.quantities, ROWS.definitions, ROWS.small, (sizes(n=40, d=2), sizes(n=25, d=3)), whole=True)

CHECKS = (
    identity_check(
        "ds541.3.gradient",
        IdentityProcedure(
            premises=ROWS,
            templates=("grad(penalized, w) = {}",),
            correct=("X'(yhat - y)/n + alpha w",),
            amendment=Amendment("X holds one observation per column (d x n), predictions being X'w + b", COLUMNS),
            remarks=(
                Remark("With n = d the product exists, yet", "grad(penalized, w) = X(yhat - y)/n + alpha w", SQUARE),
                Remark("The bias gradient of the same code", "grad(penalized, b) = mean (yhat - y)", ROWS),
            ),
        ),
        asserted="X(yhat - y)/n + alpha w",
        altered="X'(yhat - y)/n + alpha w",
    ),
    identity_check(
        "ds541.3.unregularised",
        IdentityProcedure(
            premises=ROWS,
            templates=("{} = 1/2 mean (yhat - y)^2", "grad({}, alpha) = 0"),
            correct=("1/(2n) sum (yhat - y)^2",),
        ),
        altered="1/n sum (yhat - y)^2",
    ),
    identity_check(
        "ds541.4a",
        IdentityProcedure(
            premises=TIES,
            templates=("grad(absolute, b) = {}",),
            correct=("(n_plus - n_minus)/n",),
            remarks=(Remark("With |t|' = 0 at t = 0, exact hits count for neither side",
                            "grad(absolute, b) = mean sign(yhat - y)", TIES),),
        ),
        altered="(2 n_plus - n)/n",
    ),
    identity_check(
        "ds541.4b",
        IdentityProcedure(premises=TIES, templates=("grad(absolute, w) = {}",), correct=("X'(over - under)/n",)),
        asserted="(X'over - X'under)/n",
        altered="(X'over + X'under)/n",
    ),
    identity_check(
        "ds541.4c",
        IdentityProcedure(premises=TIES, templates=("b - rate grad(absolute, b) = {}",),
                          correct=("b - rate (n_plus - n_minus)/n",)),
        asserted="b - rate (n_plus - n_minus)/n",
        altered="b + rate (n_plus - n_minus)/n",
    ),
)  # fmt: skip


def observe(settings: Settings) -> list[tuple[str, Decision]]:
    """The decision on each gradient."""
    return decided(CHECKS)


def exhibit(observation: list[tuple[str, Decision]]) -> Exhibits:
    """The decisions."""
    caption = "Rows of X are observations; `over` and `under` mark predictions above and below their targets."
    return Exhibits(tables=(decisions_table("Gradients of a linear prediction", observation, caption=caption),))


STUDY = Study(
    name="linear-regression-gradients",
    title="Gradients of squared and absolute error",
    question="Are the gradients given for linear regression with squared and with absolute error right?",
    observe=observe,
    checks=CHECKS,
    exhibit=exhibit,
)
