"""How does the variance of one SGD step change with batch size and learning rate?"""

from fractions import Fraction
from itertools import combinations

from leadline.claims import Table
from leadline.claims.assertions import IdentityProcedure, Remark, decided, decisions_table, identity_check
from leadline.claims.identities import Decision
from leadline.claims.laws import Law
from leadline.claims.premises import Premises, Quantity, sizes
from leadline.studies.study import Exhibits, Settings, Study

GRADIENT = Law("gradient of one observation")  # any law: no moment is given
BATCHES = Premises(
    quantities=(
        Quantity("g", ("n",), law=GRADIENT),  # independent draws for a batch of n ...
        Quantity("h", ("m",), law=GRADIENT),  # ... and for one of m = k n
        Quantity("rate", domain="positive"),
    ),
    small=(sizes(n=1, k=2, m=2), sizes(n=2, k=2, m=4), sizes(n=2, k=3, m=6)),
    large=(sizes(n=3, k=2, m=6), sizes(n=1, k=5, m=5)),
)
LARGER = "Var(mean h) = Var(mean g)"
POPULATION = (3, 1, 4, 1, 5, 9, 2, 6)  # one-dimensional gradients of eight observations

CHECKS = (
    identity_check(
        "ds541.1e",
        IdentityProcedure(premises=BATCHES, templates=(LARGER + " ({})",), correct=("1/k",)),
        altered="1/k^2",
    ),
    identity_check(
        "ds541.1f.linear",
        IdentityProcedure(
            premises=BATCHES,
            templates=("Var(k rate mean h) = Var(rate mean g) ({})",),
            correct=("k",),
            remarks=(Remark("It is not constant", "Var(k rate mean h) = Var(rate mean g)", BATCHES),),
        ),
        asserted="k",
        altered="1",
    ),
    identity_check(
        "ds541.1f.sqrt",
        IdentityProcedure(
            premises=BATCHES, templates=("Var(({}) rate mean h) = Var(rate mean g)",), correct=("sqrt(k)",)
        ),
        altered="k",
    ),
)


def observe(settings: Settings) -> list[tuple[str, Decision]]:
    """The decision on each scaling."""
    return decided(CHECKS)


def exhibit(observation: list[tuple[str, Decision]]) -> Exhibits:
    """The decisions, and what sampling without replacement changes."""
    return Exhibits(tables=(decisions_table("Variance of a step", observation), _without_replacement()))


def _without_replacement() -> Table:
    size = len(POPULATION)
    mean = Fraction(sum(POPULATION), size)
    variance = sum((value - mean) ** 2 for value in POPULATION) / size
    rows = []
    for batch in range(1, size + 1):
        draws = [Fraction(sum(drawn), batch) for drawn in combinations(POPULATION, batch)]
        without = sum((drawn - mean) ** 2 for drawn in draws) / len(draws)
        rows.append((batch, float(variance / batch), float(without), str(without / (variance / batch))))
    return Table(
        title="The same batches drawn without replacement",
        columns=("batch size n", "with replacement", "without, all batches enumerated", "ratio (N-n)/(N-1)"),
        rows=tuple(rows),
        caption=f"Eight observations; the 1/k law is that of independent draws. N = {size}.",
    )


STUDY = Study(
    name="minibatch-gradient-variance",
    title="Batch size, learning rate and the variance of a step",
    question="By which factor does the variance of one SGD step change when the batch grows k-fold?",
    observe=observe,
    checks=CHECKS,
    exhibit=exhibit,
)
