"""How likely is an observation never to be drawn in an epoch of draws with replacement?"""

import itertools
import math
from fractions import Fraction
from typing import Any

import sympy

from leadline.claims import Check, Evidence, Figure, Table, value_check
from leadline.claims.arithmetic import Symbols
from leadline.claims.formulas import Scope, evaluate
from leadline.claims.notation import parse
from leadline.studies.pictures import FAINT, SERIES, picture
from leadline.studies.study import Exhibits, Settings, Study

ENUMERATED = range(1, 7)  # all n^n sequences of draws; 46656 at n = 6


def never_drawn(n: int) -> Fraction:
    """The share of the n^n sequences of draws in which the first observation does not occur."""
    sequences = itertools.product(range(n), repeat=n)
    return Fraction(sum(0 not in sequence for sequence in sequences), n**n)


def observe(settings: Settings) -> dict[int, Fraction]:
    """The exact probability for small n, by enumeration."""
    return {n: never_drawn(n) for n in ENUMERATED}


def formula_at(formula: str, n: Any) -> sympy.Expr:
    """A formula in n at a number or a symbol."""
    return evaluate(parse(formula, frozenset({"n"})), Scope({"n": n}, {}, Symbols({})))


def decide_probability(observation: dict[int, Fraction], formula: str) -> Evidence:
    """Does the formula give the enumerated shares, and the ratio of counts for every n?"""
    stated = {n: formula_at(formula, sympy.Integer(n)) for n in observation}
    differing = [
        n for n, share in observation.items() if stated[n] != sympy.Rational(share.numerator, share.denominator)
    ]
    any_n = sympy.Symbol("n", integer=True, positive=True)
    # (n-1)^n of the n^n sequences avoid one observation.
    in_general = sympy.simplify(formula_at(formula, any_n) / ((any_n - 1) / any_n) ** any_n) == 1
    counterexample = [{"n": n, "share": str(observation[n]), "formula": str(stated[n])} for n in differing[:1]]
    return Evidence(
        as_stated=not differing and bool(in_general),
        found=counterexample[0] if counterexample else formula,
        how=f"All sequences of n draws for n = 1 to {max(observation)}, and SymPy on (n-1)^n / n^n for any n.",
    )


def limit(observation: dict[int, Fraction]) -> float:
    """The limit of the probability, by SymPy."""
    n = sympy.Symbol("n", positive=True)
    return float(sympy.limit((1 - 1 / n) ** n, n, sympy.oo))


CHECKS = (
    Check(claim="ds541.1a", procedure=decide_probability, altered="(1-1/n)^(n-1)"),
    value_check(
        "ds541.1b",
        lambda observation: round(limit(observation), 8),
        "SymPy's limit of (1-1/n)^n.",
        altered=0.5,
        details=(
            f"At n = 10: {0.9**10:.4f}, at n = 1000: {0.999**1000:.4f}; the limit is approached from below,"
            f" by about 1/(2 e n) (n = 1000: {math.exp(-1) - 0.999**1000:.1e}).",
        ),
    ),
)


def exhibit(observation: dict[int, Fraction]) -> Exhibits:
    """The probabilities by n."""
    rows = tuple((n, str(share), round(float(share), 6)) for n, share in observation.items())
    table = Table(title="Never drawn in n draws", columns=("n", "share of all sequences", "decimal"), rows=rows)
    return Exhibits(tables=(table,), figures=(_approach(),))


def _approach() -> Figure:
    def draw(ax: Any) -> None:
        numbers = range(1, 41)
        ax.plot(numbers, [(1 - 1 / n) ** n for n in numbers], ".", color=SERIES[0])
        ax.axhline(math.exp(-1), color=FAINT, linestyle="--", linewidth=1)
        ax.annotate("1/e", (40, math.exp(-1)), xytext=(0, 4), textcoords="offset points", ha="right")
        ax.set(xlabel="observations n, and draws", ylabel="probability never drawn")

    return picture("Never drawn in one epoch", draw)


STUDY = Study(
    name="draws-with-replacement",
    title="Observations that an epoch with replacement never draws",
    question="With what probability does one of n observations not occur among n draws with replacement?",
    observe=observe,
    checks=CHECKS,
    exhibit=exhibit,
)
