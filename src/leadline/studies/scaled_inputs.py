"""What does multiplying inputs by a constant do to leaky ReLU and to a linear classifier?"""

from leadline.claims.assertions import Amendment, IdentityProcedure, Remark, decided, decisions_table, identity_check
from leadline.claims.identities import Decision
from leadline.claims.premises import Premises, Quantity, sizes
from leadline.studies.study import Exhibits, Settings, Study


def leaky_relu(factor: str) -> Premises:
    """f(x) = max(rho x, x) with 0 < rho < 1, and a factor c of the given domain."""
    quantities = (Quantity("x"), Quantity("c", domain=factor), Quantity("rho", domain="fraction"))
    return Premises(quantities, by_sign=("x", "c"))


def classifier(factor: str, bias: tuple[str, ...] = ()) -> Premises:
    """Decisions sign(w'x + b), and a factor c of the given domain; `bias` may define b."""
    free = () if bias else (Quantity("b"),)
    quantities = (Quantity("w", ("d",)), Quantity("x", ("d",)), Quantity("c", domain=factor), *free)
    return Premises(quantities, bias, small=(sizes(d=1), sizes(d=2)), large=(sizes(d=6), sizes(d=20)))


UNBIASED = ("b = 0",)
SAME_DECISION = "sign(w'(c x) + b) = sign(w'x + b)"

CHECKS = (
    identity_check(
        "dlhw2.5.1",
        IdentityProcedure(
            premises=leaky_relu("real"), amendment=Amendment("c is not negative (c >= 0)", leaky_relu("nonnegative"))
        ),
        asserted="max(rho c x, c x) = c max(rho x, x)",
        altered="max(rho c x, c x) = max(rho x, x)",
    ),
    identity_check(
        "dlhw2.5.4a",
        IdentityProcedure(
            premises=classifier("real"),
            amendment=Amendment("c > 0 and the bias is zero", classifier("positive", UNBIASED)),
            remarks=(
                Remark("With c > 0 but a bias", SAME_DECISION, classifier("positive")),
                Remark("With no bias but any c", SAME_DECISION, classifier("real", UNBIASED)),
                Remark("With the bias multiplied too", "sign(w'(c x) + c b) = sign(w'x + b)", classifier("positive")),
            ),
        ),
        asserted=SAME_DECISION,
        altered="sign(w'(c x) + b) = 0 - sign(w'x + b)",
    ),
)  # fmt: skip


def observe(settings: Settings) -> list[tuple[str, Decision]]:
    """The decision on each invariance."""
    return decided(CHECKS)


def exhibit(observation: list[tuple[str, Decision]]) -> Exhibits:
    """The decisions."""
    return Exhibits(tables=(decisions_table("Inputs multiplied by c", observation),))


STUDY = Study(
    name="scaled-inputs",
    title="Inputs multiplied by a constant",
    question="Which constants pass through leaky ReLU, and which leave a linear classifier's decisions alone?",
    observe=observe,
    checks=CHECKS,
    exhibit=exhibit,
)
