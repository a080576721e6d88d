"""Which confusion counts move ROC and precision-recall points, and do the points determine the counts?"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from leadline.claims import Check, Evidence, Table, value_check
from leadline.claims.arithmetic import Floats
from leadline.claims.assertions import IdentityProcedure
from leadline.claims.formulas import Scope, evaluate
from leadline.claims.identities import NUMERIC_TOLERANCE, decide
from leadline.claims.notation import parse
from leadline.claims.premises import Premises, Quantity
from leadline.core import numpy_generator
from leadline.studies.study import Exhibits, Settings, Study

COUNTS = Premises(
    quantities=tuple(Quantity(name, domain="whole") for name in ("TP", "FP", "TN", "FN")),
    definitions=(
        "recall = TP/(TP + FN)",
        "precision = TP/(TP + FP)",
        "negatives = FP + TN",
        "false_positive_rate = FP/negatives",
        "more_TN = TN + 1",
    ),
)
LARGEST_CLASS = 8  # all data sets of up to this many positives and negatives are enumerated
TEST_SET = (55, 99)  # positives and negatives of the held-out diabetes rows


@dataclass(frozen=True)
class Matrix:
    """The four counts of one classifier at one threshold."""

    tp: int
    fp: int
    tn: int
    fn: int

    def roc(self) -> tuple[Fraction, Fraction]:
        """(false-positive rate, true-positive rate)."""
        return Fraction(self.fp, self.fp + self.tn), Fraction(self.tp, self.tp + self.fn)

    def precision_recall(self) -> tuple[Fraction, Fraction] | None:
        """(recall, precision); None where nothing is called positive and precision is 0/0."""
        if self.tp + self.fp == 0:
            return None
        return Fraction(self.tp, self.tp + self.fn), Fraction(self.tp, self.tp + self.fp)


def matrices(positives: int, negatives: int) -> Iterator[Matrix]:
    """Every confusion matrix of a data set with these class sizes."""
    for tp in range(positives + 1):
        for fp in range(negatives + 1):
            yield Matrix(tp, fp, negatives - fp, positives - tp)


Point = Callable[[Matrix], tuple[Fraction, ...] | None]
POINTS: dict[str, Point] = {"ROC": Matrix.roc, "PR": Matrix.precision_recall}


def shared_point(curve: str, *, smallest_tp: int) -> dict[str, Any] | None:
    """Two matrices of one data set that lie on the same point of a curve, the first found; None if there are none."""
    for positives in range(1, LARGEST_CLASS + 1):
        for negatives in range(1, LARGEST_CLASS + 1):
            seen: dict[Any, Matrix] = {}
            for matrix in matrices(positives, negatives):
                point = POINTS[curve](matrix)
                if point is None or matrix.tp < smallest_tp:
                    continue
                if point in seen:
                    return {"point": [str(part) for part in point], "matrices": [vars(seen[point]), vars(matrix)]}
                seen[point] = matrix
    return None


def decide_dependence(observation: Any, asserted: dict[str, bool]) -> Evidence:
    """Does one more true negative change each rate?"""
    unchanged = {rate: decide(f"at({rate}, TN, more_TN) = {rate}", COUNTS) for rate in asserted}
    depends = {rate: not decision.holds for rate, decision in unchanged.items()}
    return Evidence(
        as_stated=depends == asserted,
        found={rate: "depends on TN" if moves else "does not depend on TN" for rate, moves in depends.items()},
        how="Each rate is compared with itself at TN + 1, symbolically and at random counts.",
    )


def decide_bijection(observation: Any, curves: tuple[str, ...]) -> Evidence:
    """Does each point of the named curves belong to one confusion matrix?"""
    shared = {curve: shared_point(curve, smallest_tp=0) for curve in curves}
    shared_above_zero = {curve: shared_point(curve, smallest_tp=1) for curve in curves}
    return Evidence(
        as_stated=not any(shared.values()),
        amended=not any(shared_above_zero.values()) and decide(*INVERSE).holds,
        condition="recall is greater than 0",
        found={curve: clash or "one matrix per point" for curve, clash in shared.items()},
        how=f"All confusion matrices with 1 to {LARGEST_CLASS} positives and negatives, enumerated exactly.",
        details=(
            "With TP > 0 the point gives the counts back: TP = recall P, FP = TP (1 - precision)/precision.",
            "At recall 0 precision is 0 for every FP > 0, so the point (0, 0) belongs to many matrices and ROC points.",
        ),
    )


# The counts computed back from the point, which is defined where TP > 0.
INVERSE = ("recall (TP + FN) (1 - precision)/precision = FP", COUNTS)


def all_positive(class_sizes: tuple[int, int]) -> Matrix:
    """The counts of the classifier that calls everything positive."""
    positives, negatives = class_sizes
    return Matrix(tp=positives, fp=negatives, tn=0, fn=0)


def decide_false_positive_rate(observation: Any, formula: str) -> Evidence:
    """Is the formula the share of negatives that are called positive, in symbols and on labelled examples?"""
    evidence = RATE(observation, formula)
    generator = numpy_generator("labelled examples")
    truth, called = generator.integers(0, 2, (2, 500)).astype(bool)
    share = float(np.mean(called[~truth]))
    counts = {"TP": called & truth, "FP": called & ~truth, "TN": ~called & ~truth, "FN": ~called & truth}
    scope = Scope({name: float(members.sum()) for name, members in counts.items()}, {}, Floats({}, ""))
    counted = evaluate(parse(formula, COUNTS.names), scope)
    told = f"Of 500 random examples {share:.4f} of the negatives are called positive; the formula gives {counted:.4f}."
    same = evidence.as_stated and abs(counted - share) < NUMERIC_TOLERANCE
    return Evidence(as_stated=same, found=evidence.found, how=evidence.how, details=(told,))


RATE = IdentityProcedure(premises=COUNTS, templates=("false_positive_rate = {}",), correct=("FP/(FP + TN)",))

CHECKS = (
    Check(
        claim="e6998.2.1.tn",
        procedure=decide_dependence,
        asserted={"false_positive_rate": True, "precision": False, "recall": False},
        altered={"false_positive_rate": True, "precision": True, "recall": False},
    ),
    Check(claim="e6998.2.1.bijection", procedure=decide_bijection, asserted=("ROC", "PR"), altered=("ROC",)),
    Check(claim="e6998.2.1.fpr", procedure=decide_false_positive_rate, altered="FP/(FP + TP)"),
    value_check(
        "e6998.2.2.allpos.roc",
        lambda matrix: [float(part) for part in matrix.roc()],
        "Counts of the classifier that calls every row positive: TP = P, FP = N, TN = FN = 0.",
        altered=[1, 0],
    ),
    value_check(
        "e6998.2.2.allpos.pr",
        lambda matrix: [round(float(part), 6) for part in matrix.precision_recall()],
        "The same counts; precision is the share of positives, P/(P + N).",
        altered=[1, 0.64],
    ),
)


def observe(settings: Settings) -> Matrix:
    """The counts of the all-positive classifier on the source's test set."""
    return all_positive(TEST_SET)


def exhibit(observation: Matrix) -> Exhibits:
    """How often points are shared, and the identities."""
    rows = []
    for curve in POINTS:
        for smallest in (0, 1):
            clash = shared_point(curve, smallest_tp=smallest)
            rows.append(
                (curve, "any recall" if smallest == 0 else "recall > 0", "no" if clash else "yes", str(clash or ""))
            )
    shared = Table(title="Does a point belong to one confusion matrix?", rows=tuple(rows),
                   columns=("curve", "points", "one matrix each", "two matrices on one point"))  # fmt: skip
    return Exhibits(tables=(shared,))


STUDY = Study(
    name="confusion-matrix-identities",
    title="Confusion counts behind ROC and precision-recall points",
    question="Which counts move the points of the two curves, and do the points determine the counts?",
    observe=observe,
    checks=CHECKS,
    exhibit=exhibit,
)
