"""The map between ROC space and precision-recall space for a fixed data set; one-to-one where recall > 0."""

from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float

from leadline.core import InputError

Points: TypeAlias = Float[np.ndarray, " points"]


def roc_to_precision_recall(
    fpr: Points, tpr: Points, *, positives: int | float, negatives: int | float
) -> tuple[Points, Points, Bool[np.ndarray, " points"]]:
    """Recall and precision of ROC points, and at which of them the map can be undone.

    All ROC points with recall 0 share precision 0 (none where nothing is called positive: nan), so the way back
    exists exactly where recall > 0; the third array is that condition.

    Args:
        fpr: false-positive rates.
        tpr: true-positive rates.
        positives: positives of the data set, rows or weight.
        negatives: its negatives.

    >>> roc_to_precision_recall(np.array([0.0, 0.5]), np.array([0.0, 1.0]), positives=2, negatives=4)
    (array([0., 1.]), array([nan, 0.5]), array([False,  True]))

    Source: Davis & Goadrich 2006, theorem 3.1.
    """
    _check("roc_to_precision_recall", positives, negatives)
    right = tpr * positives
    with np.errstate(invalid="ignore"):
        precision = right / (right + fpr * negatives)
    return tpr, precision, tpr > 0


def precision_recall_to_roc(
    recall: Points, precision: Points, *, positives: int | float, negatives: int | float
) -> tuple[Points, Points, Bool[np.ndarray, " points"]]:
    """False- and true-positive rates of precision-recall points, and where they are determined: recall > 0.

    Where they are not, the false-positive rate is nan.

    >>> precision_recall_to_roc(np.array([0.0, 1.0]), np.array([0.0, 0.5]), positives=2, negatives=4)
    (array([nan, 0.5]), array([0., 1.]), array([False,  True]))

    Source: Davis & Goadrich 2006, theorem 3.1.
    """
    _check("precision_recall_to_roc", positives, negatives)
    determined = (recall > 0) & (precision > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        fpr = recall * (positives / negatives) * (1 / precision - 1)
    return np.where(determined, fpr, np.nan), recall, determined


def _check(operation: str, positives: int | float, negatives: int | float) -> None:
    if not (positives > 0 and negatives > 0):
        raise InputError(operation, expected="positives > 0 and negatives > 0",
                         got=f"{positives} and {negatives}", remedy="pass the class totals")  # fmt: skip
