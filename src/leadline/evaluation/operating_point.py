"""One threshold's confusion matrix and what is read off it."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class OperatingPoint:
    """The confusion matrix of calling positive whatever scores at least `threshold`.

    >>> point = OperatingPoint(threshold=0.5, true_positives=3, false_positives=1, false_negatives=1, true_negatives=7)
    >>> point.recall, point.precision, point.fpr, point.f_beta()
    (0.75, 0.75, 0.125, 0.75)
    """

    threshold: float
    true_positives: int | float
    false_positives: int | float
    false_negatives: int | float
    true_negatives: int | float

    @property
    def recall(self) -> float:
        """TP/(TP+FN), also called the true-positive rate."""
        return self.true_positives / (self.true_positives + self.false_negatives)

    @property
    def fpr(self) -> float:
        """FP/(FP+TN)."""
        return self.false_positives / (self.false_positives + self.true_negatives)

    @property
    def precision(self) -> float:
        """TP/(TP+FP); nan where nothing is called positive."""
        called = self.true_positives + self.false_positives
        return self.true_positives / called if called else math.nan

    @property
    def prevalence(self) -> float:
        """Share of the positives."""
        positives = self.true_positives + self.false_negatives
        return positives / (positives + self.false_positives + self.true_negatives)

    @property
    def precision_gain(self) -> float:
        """1 - odds · FP/TP; nan where nothing is called positive, -inf where only negatives are."""
        return self._gain(self.false_positives)

    @property
    def recall_gain(self) -> float:
        """1 - odds · FN/TP; -inf at recall 0."""
        return self._gain(self.false_negatives)

    def f_beta(self, beta: int | float = 1.0) -> float:
        """(1+beta²) TP / ((1+beta²) TP + beta² FN + FP)."""
        right = (1 + beta**2) * self.true_positives
        return right / (right + beta**2 * self.false_negatives + self.false_positives)

    def _gain(self, wrong: int | float) -> float:
        odds = self.prevalence / (1 - self.prevalence)
        if self.true_positives:
            return 1 - odds * wrong / self.true_positives
        return -math.inf if wrong else math.nan
