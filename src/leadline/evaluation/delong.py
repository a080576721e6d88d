"""The variance of AUROC without resampling, and the difference of two on the same rows (DeLong)."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float
from scipy import special

from leadline.core import InputError, Result
from leadline.evaluation.columns import Column, to_positive, to_scores
from leadline.evaluation.packed_keys import magnitude_range

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas

DELONG = "DeLong, DeLong & Clarke-Pearson 1988, Comparing the areas under two or more correlated ROC curves, Biometrics"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class AurocInterval(Result):
    """AUROC, or a difference of two, with its standard error and normal interval."""

    quantity: str
    value: float
    low: float
    high: float
    standard_error: float
    confidence: float
    p_value: float | None = None  # two-sided, of no difference

    def headline(self) -> str:
        tested = "" if self.p_value is None else f", p = {self.p_value:.3g}"
        return (f"{self.quantity} {self.value:.4f}, {100 * self.confidence:g}% interval "
                f"[{self.low:.4f}, {self.high:.4f}]{tested}")  # fmt: skip

    def to_frame(self) -> "pandas.DataFrame":
        import pandas as pd

        names = ("quantity", "value", "low", "high", "standard_error", "p_value")
        return pd.DataFrame([{name: getattr(self, name) for name in names}])

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        ax.errorbar([self.value], [self.quantity], xerr=[[self.value - self.low], [self.high - self.value]], fmt="o")
        ax.set(xlabel=self.quantity)


def auroc_interval(
    y_true: Column, y_score: Column, *, pos_label: Any = None, confidence: float = 0.95
) -> AurocInterval:
    """Measure AUROC with a normal interval on the logit scale, from its variance over rows.

    Args:
        y_true: one label per row, of two values, at least two rows of each.
        y_score: one finite number per row.
        pos_label: the positive label; not needed for {0, 1}, {-1, 1} and booleans.
        confidence: coverage aimed at.

    Raises:
        InputError: as `roc_curve`, or fewer than two rows of a class.

    >>> auroc_interval([0, 0, 1, 1] * 10, [0.1, 0.4, 0.35, 0.8] * 10)
    AUROC 0.7500, 95% interval [0.5624, 0.8751]

    Source: DeLong et al. 1988; the logit scale: Pepe 2003, section 5.2.4.
    """
    positive, (score,) = _checked("auroc_interval", y_true, [y_score], pos_label, confidence)
    value, covariance = _delong(positive, [score])
    error, auroc = math.sqrt(covariance[0, 0]), float(value[0])
    reach = _quantile(confidence) * error
    if 0 < auroc < 1:
        slope = auroc * (1 - auroc)
        low, high = (float(special.expit(special.logit(auroc) + side * reach / slope)) for side in (-1, 1))
        caveats: tuple[str, ...] = ()
    else:
        low = high = auroc
        caveats = ("a perfect ranking has variance 0 here, which says nothing about other rows",)
    return AurocInterval(quantity="AUROC", value=auroc, low=low, high=high, standard_error=error,
                         confidence=confidence, caveats=caveats, sources=(DELONG,))  # fmt: skip


def auroc_difference(
    y_true: Column, first: Column, second: Column, *, pos_label: Any = None, confidence: float = 0.95
) -> AurocInterval:
    """Measure AUROC of the first score minus that of the second on the same rows, with its normal interval and p.

    Args:
        y_true: one label per row, of two values, at least two rows of each.
        first: one finite number per row.
        second: one finite number per row.
        pos_label: the positive label; not needed for {0, 1}, {-1, 1} and booleans.
        confidence: coverage aimed at.

    Raises:
        InputError: as `roc_curve`, or fewer than two rows of a class.

    >>> auroc_difference([0, 0, 1, 1] * 10, [0.1, 0.4, 0.35, 0.8] * 10, [0.3, 0.1, 0.2, 0.9] * 10).value
    0.0

    Source: DeLong et al. 1988, equation 5.
    """
    positive, scores = _checked("auroc_difference", y_true, [first, second], pos_label, confidence)
    value, covariance = _delong(positive, scores)
    difference = float(value[0] - value[1])
    variance = max(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1], 0.0)
    error = math.sqrt(variance)
    reach = _quantile(confidence) * error
    caveats = () if error else ("a difference of variance 0 here, which says nothing about other rows",)
    p_value = math.erfc(abs(difference) / error / math.sqrt(2)) if error else float(difference == 0)
    return AurocInterval(quantity="difference of AUROCs", value=difference, low=difference - reach,
                         high=difference + reach, standard_error=error, confidence=confidence, p_value=p_value,
                         caveats=caveats, sources=(DELONG,))  # fmt: skip


def _checked(
    operation: str, y_true: Column, columns: list[Column], pos_label: Any, confidence: float
) -> tuple[Bool[np.ndarray, " n"], list[Float[np.ndarray, " n"]]]:
    if not 0 < confidence < 1:
        raise InputError(operation, expected="0 < confidence < 1", got=repr(confidence), remedy="pass e.g. 0.95")
    positive = to_positive(operation, y_true, pos_label)
    scores = [np.asarray(to_scores(operation, column), np.float64) for column in columns]
    for score in scores:
        magnitude_range(operation, score)
        if score.size != positive.size:
            raise InputError(operation, expected="one score per label",
                             got=f"{positive.size} labels and {score.size} scores",
                             remedy="pass columns of one length")  # fmt: skip
    if min(positive.sum(), (~positive).sum()) < 2:
        raise InputError(operation, expected="at least two rows of each class",
                         got=f"{positive.sum()} positive, {(~positive).sum()} negative",
                         remedy="a variance needs two")  # fmt: skip
    return positive, scores


def _delong(positive: np.ndarray, scores: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """AUROCs and their covariance: each row's share of pairs won, varied over positives and over negatives."""
    above = np.stack([_wins(score[positive], score[~positive]) for score in scores])
    below = np.stack([1 - _wins(score[~positive], score[positive]) for score in scores])
    covariance = np.atleast_2d(np.cov(above)) / above.shape[1] + np.atleast_2d(np.cov(below)) / below.shape[1]
    return above.mean(axis=1), covariance


def _wins(own: np.ndarray, others: np.ndarray) -> np.ndarray:
    others = np.sort(others)
    return (np.searchsorted(others, own, "left") + np.searchsorted(others, own, "right")) / (2 * others.size)


def _quantile(confidence: float) -> float:
    return float(special.ndtri((1 + confidence) / 2))
