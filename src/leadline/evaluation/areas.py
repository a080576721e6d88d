"""The areas under the three curves, by exact name, as sums over the steps at which true positives are gained.

Between two neighbouring thresholds any mixture of both classifiers can be had, so FP grows linearly with TP there
(Davis & Goadrich 2006). Every area is the exact integral over that path, except the two that are named otherwise.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Num

from leadline.evaluation.confusion_counts import ConfusionCounts
from leadline.evaluation.packed_keys import blocks


@dataclass(frozen=True, kw_only=True)
class Areas:
    """Areas of one classifier's curves; all are 1 for a perfect ranking."""

    auroc: float  # 0.5 for a random ranking
    aupr: float  # integral of the non-linear interpolation; prevalence for constant scores
    average_precision: float  # step sum: precision at each threshold times the recall gained there
    aupr_trapezoid: float  # straight lines between points and a start at precision 1: too high, for comparison only
    auprg: float  # from recall gain 0 on; 0 for constant scores, unbounded below


@dataclass(frozen=True)
class Steps:
    """Steps in which TP grows from `tp` by `gained` > 0 while FP grows from `fp` by `passed` >= 0."""

    tp: Num[np.ndarray, " steps"]
    fp: Num[np.ndarray, " steps"]
    gained: Num[np.ndarray, " steps"]
    passed: Num[np.ndarray, " steps"]

    @property
    def size(self) -> int:
        """How many there are."""
        return self.tp.size


def gaining_steps(tp: Num[np.ndarray, " points"], fp: Num[np.ndarray, " points"]) -> Steps:
    """The steps between neighbouring points in which TP grows."""
    gained = tp[1:] - tp[:-1]
    kept = np.flatnonzero(gained > 0)
    start = fp[kept]
    return Steps(tp[kept], start, gained[kept], fp[kept + 1] - start)


def areas(counts: ConfusionCounts) -> Areas:
    """All areas, in one pass over the counts."""
    tp, fp, positives, negatives = counts.true_positives, counts.false_positives, counts.positives, counts.negatives
    missed = precise = stepped = straight = gain = 0
    for block in blocks(tp.size - 1):
        points = slice(block.start, block.stop + 1)
        steps = gaining_steps(tp[points], fp[points])
        if steps.size:
            missed += twice_missed(steps).sum().item()  # a Python integer: no overflow over the blocks
            precise += exact_precision(steps).sum()
            stepped += stepped_precision(steps).sum()
            straight += straight_precision(steps).sum()
            gain += gain_area(steps, positives, negatives).sum()
    cells = positives * negatives
    return Areas(
        auroc=(2 * cells - missed) / (2 * cells),
        aupr=float(precise / positives),
        average_precision=float(stepped / positives),
        aupr_trapezoid=float(straight / positives),
        auprg=float(gain),
    )


def twice_missed(steps: Steps) -> Num[np.ndarray, " steps"]:
    """Twice the cells of the ROC rectangle that each step leaves above the curve; integers for counts."""
    return steps.gained * (2 * steps.fp + steps.passed)


def stepped_precision(steps: Steps) -> Num[np.ndarray, " steps"]:
    """Positives gained, each at the precision that the step ends with."""
    end = steps.tp + steps.gained
    return steps.gained * (end / (end + (steps.fp + steps.passed)))


def straight_precision(steps: Steps) -> Num[np.ndarray, " steps"]:
    """Positives gained times the mean of the precision at both ends; the start of all counts as precision 1."""
    end, called = steps.tp + steps.gained, steps.tp + steps.fp
    before = np.where(called > 0, steps.tp / np.where(called > 0, called, 1), 1.0)
    return steps.gained * (before + end / (end + (steps.fp + steps.passed))) / 2


def exact_precision(steps: Steps) -> Num[np.ndarray, " steps"]:
    """Integral of (TP + t) / (TP + t + FP + t passed/gained) over t from 0 to gained.

    With length = gained + passed and called = TP + FP before the step it is
    gained²/length + gained (TP passed - FP gained)/length² · log(1 + length/called).
    """
    length, called = steps.gained + steps.passed, steps.tp + steps.fp
    share = steps.gained / length
    slant = steps.tp * (1 - share) - steps.fp * share
    logarithm = np.log1p(length / np.where(called > 0, called, 1))
    return share * (steps.gained + np.where(called > 0, slant, 0.0) * logarithm)


def gain_area(
    steps: Steps, positives: int | float | Num[np.ndarray, " steps"], negatives: int | float | Num[np.ndarray, " steps"]
) -> Num[np.ndarray, " steps"]:
    """Area under precision gain over recall gain from 0 on; both are linear in 1/TP within a step.

    Recall gain is 0 where TP = positives²/total; a step across that point counts from there on.
    """
    odds = positives / negatives
    crossing = positives * (positives / (positives + negatives))
    end = steps.tp + steps.gained
    start = np.minimum(np.maximum(steps.tp, crossing), end)
    start_fp = steps.fp + steps.passed * ((start - steps.tp) / steps.gained)
    width = odds * positives * ((end - start) / (start * end))
    return width * (1 - odds / 2 * (start_fp / start + (steps.fp + steps.passed) / end))
