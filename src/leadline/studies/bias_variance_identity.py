"""Does squared error split into bias, variance and noise, and can the reported figures be such a split?"""

from decimal import Decimal
from typing import Any

from leadline.claims import Check, Evidence, Table, last_digit
from leadline.claims.assertions import IdentityProcedure, Remark, decided, decisions_table, identity_check
from leadline.claims.identities import Decision
from leadline.claims.laws import Law
from leadline.claims.premises import Premises, Quantity
from leadline.studies.study import Exhibits, Settings, Study

TARGET = Quantity("f")  # the noiseless value at one point
PREDICTION = Quantity("g", law=Law("prediction"))  # random through the training sample
NOISE = Quantity("e", law=Law("noise", ("0",)))  # of the test value
INDEPENDENT = Premises((TARGET, PREDICTION, NOISE))
DEPENDENT = Premises(
    (
        TARGET,
        Quantity("g", law=Law("prediction"), group="one draw"),
        Quantity("e", law=Law("noise", ("0",)), group="one draw"),
    )
)
BIASED_NOISE = Premises((TARGET, PREDICTION, Quantity("e", law=Law("noise"))))
DECOMPOSITION = "E((f + e - g)^2) = (E(g) - f)^2 + Var(g) + Var(e)"


def decide_consistency(observation: Any, figures: dict[str, Decimal]) -> Evidence:
    """Is the noise that the three figures leave room for at least zero, up to the last printed digits?"""
    noise = figures["mse"] - figures["bias2"] - figures["variance"]
    rounding = sum(last_digit(value) for value in figures.values())
    return Evidence(
        as_stated=noise + rounding >= 0,
        found={"noise variance left over": noise, "smallest possible mse": figures["bias2"] + figures["variance"]},
        how="The noise variance is mse - bias^2 - variance and cannot be negative.",
        details=(
            f"The mse is {figures['mse'] / figures['variance']:.2g} of the variance, of which it is a sum with others.",
        ),
    )


CHECKS = (
    identity_check(
        "e6998.1.1",
        IdentityProcedure(
            premises=INDEPENDENT,
            remarks=(
                Remark(
                    "Were the noise to depend on the prediction (error on the training sample itself)",
                    DECOMPOSITION,
                    DEPENDENT,
                ),
                Remark(
                    "With 2 Cov(g, e) taken off it holds again", DECOMPOSITION + " - 2 (E(g e) - E(g) E(e))", DEPENDENT
                ),
                Remark("Were the mean of the noise not zero", DECOMPOSITION, BIASED_NOISE),
            ),
        ),
        asserted=DECOMPOSITION,
        altered="E((f + e - g)^2) = (E(g) - f)^2 + Var(e)",
    ),
    Check(
        claim="e6998.1.5.consistent",
        procedure=decide_consistency,
        altered={"bias2": Decimal("0.0004488"), "variance": Decimal("0.2616879"), "mse": Decimal("0.5621367")},
    ),
)


def observe(settings: Settings) -> list[tuple[str, Decision]]:
    """The decision on the decomposition."""
    return decided(CHECKS)


def exhibit(observation: list[tuple[str, Decision]]) -> Exhibits:
    """The decomposition, and the reported figures against it."""
    evidence = CHECKS[1].evidence(observation)
    figures = Table(
        title="What the reported figures leave for the noise",
        columns=("quantity", "value"),
        rows=tuple(evidence.found.items()),
        caption="A mean squared error is never below the variance that is part of it.",
    )
    return Exhibits(tables=(decisions_table("Bias, variance, noise", observation), figures))


STUDY = Study(
    name="bias-variance-identity",
    title="Bias, variance and noise as an identity",
    question="Under which conditions does expected squared error split into squared bias, variance and noise?",
    observe=observe,
    checks=CHECKS,
    exhibit=exhibit,
)
