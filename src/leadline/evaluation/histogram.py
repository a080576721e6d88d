"""Scores that do not fit in memory: counts by score bin, and bounds between which the exact areas must lie."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int
from scipy import special

from leadline.core import InputError, Result
from leadline.evaluation.areas import Areas, areas
from leadline.evaluation.columns import Column, to_array, to_scores
from leadline.evaluation.confusion_counts import ConfusionCounts
from leadline.evaluation.packed_keys import magnitude_range

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas

_SIGN = np.uint32(1 << 31)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class BinnedAreas(Result):
    """Areas of binned scores, and bounds on the areas of the scores themselves.

    The bounds put all positives of a bin before its negatives, and the other way round; a ROC curve that is nowhere
    lower has no smaller area in any of the spaces, so nothing between can leave them.
    """

    estimate: Areas
    lowest: Areas
    highest: Areas
    counts: ConfusionCounts
    bits: int

    def error_bound(self, area: str) -> float:
        """The furthest that the exact area can lie from the estimate."""
        middle = getattr(self.estimate, area)
        return max(getattr(self.highest, area) - middle, middle - getattr(self.lowest, area))

    def headline(self) -> str:
        parts = (f"{area} {getattr(self.estimate, area):.6f} ± {self.error_bound(area):.1e}"
                 for area in ("auroc", "aupr", "average_precision", "auprg"))  # fmt: skip
        return f"{self.counts.rows:,} rows in {self.counts.thresholds.size - 1:,} bins: " + ", ".join(parts)

    def to_frame(self) -> "pandas.DataFrame":
        import pandas as pd

        low, high = asdict(self.lowest), asdict(self.highest)
        return pd.DataFrame([{"area": area, "estimate": value, "lowest": low[area], "highest": high[area],
                              "error_bound": self.error_bound(area)}
                             for area, value in asdict(self.estimate).items()])  # fmt: skip

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        from leadline.evaluation.curves import RocCurve

        RocCurve(counts=self.counts, areas=self.estimate).draw(ax)


class ScoreHistogram:
    """Counts of positives and negatives by score bin, filled batch by batch; order and batch size do not matter.

    A bin holds the scores that share the leading bits of their float32 form: relative width 2^(9 - bits), any range.
    Memory is 2^(bits + 4) bytes, 16 MiB by default, whatever the number of rows.

    >>> histogram = ScoreHistogram()
    >>> for y_true, y_score in [([0, 0], [0.1, 0.4]), ([1, 1], [0.35, 0.8])]:
    ...     histogram.update(y_true, y_score)
    >>> histogram.areas()
    4 rows in 4 bins: auroc 0.750000 ± 0.0e+00, ...
    """

    def __init__(self, *, bits: int = 20) -> None:
        if not 10 <= bits <= 32:
            raise InputError("ScoreHistogram", expected="10 to 32 bits", got=repr(bits), remedy="pass 20")
        self.bits = bits
        self._counts = np.zeros((2, 1 << bits), np.int64)

    def update(self, y_true: Column, y_score: Column, *, pos_label: Any = 1) -> None:
        """Add rows; a batch may hold one class only. Labels equal to `pos_label` are positive.

        Raises:
            InputError: lengths differ, NaN or infinite scores, labels of more than two values.
        """
        scores, labels = (
            to_scores("ScoreHistogram.update", y_score),
            to_array("ScoreHistogram.update", "y_true", y_true),
        )
        if scores.size != labels.size:
            raise InputError("ScoreHistogram.update", expected="one score per label",
                             got=f"{labels.size} labels and {scores.size} scores",
                             remedy="pass columns of one length")  # fmt: skip
        magnitude_range("ScoreHistogram.update", scores)
        positive = np.asarray(labels == pos_label)
        others = labels[~positive]
        if others.size and (others != others[0]).any():
            raise InputError("ScoreHistogram.update", expected="labels of two values",
                             got=f"{others[0]!r} and {others[others != others[0]][0]!r} beside {pos_label!r}",
                             remedy="compare with one class first")  # fmt: skip
        bins = self._bins(scores)
        for row, chosen in enumerate((positive, ~positive)):
            self._counts[row] += np.bincount(bins[chosen], minlength=1 << self.bits)

    def merge(self, other: "ScoreHistogram") -> None:
        """Add the rows of another histogram, of the same number of bits."""
        if other.bits != self.bits:
            raise InputError("ScoreHistogram.merge", expected=f"{self.bits} bits", got=f"{other.bits}",
                             remedy="fill both with the same number")  # fmt: skip
        self._counts += other._counts

    def areas(self) -> BinnedAreas:
        """The areas of what was added so far, with bounds.

        Raises:
            InputError: one class is missing.
        """
        used = np.flatnonzero(self._counts.any(axis=0))[::-1]
        positive, negative = self._counts[:, used]
        if not positive.any() or not negative.any():
            raise InputError("ScoreHistogram.areas", expected="rows of both classes",
                             got=f"{positive.sum()} positive, {negative.sum()} negative",
                             remedy="add more rows")  # fmt: skip
        counts = self._as_counts(used, positive, negative)
        high = areas(_split(counts, positive, negative, positives_first=True))
        low = areas(_split(counts, positive, negative, positives_first=False))
        return BinnedAreas(
            estimate=areas(counts),
            lowest=Areas(**{**asdict(low), "average_precision": _lowest_average_precision(positive, negative)}),
            highest=high,
            counts=counts,
            bits=self.bits,
            caveats=("thresholds are the lower edges of bins in float32",),
        )

    def _bins(self, scores: np.ndarray) -> Int[np.ndarray, " n"]:
        widest = float(np.finfo(np.float32).max)  # beyond it all scores of a sign share the last bin
        bits = (np.clip(scores.astype(np.float64), -widest, widest).astype(np.float32) + np.float32(0)).view(np.uint32)
        ordered = np.where(bits & _SIGN, ~bits, bits | _SIGN)
        return (ordered >> np.uint32(32 - self.bits)).astype(np.int64)

    def _as_counts(self, used: np.ndarray, positive: np.ndarray, negative: np.ndarray) -> ConfusionCounts:
        ordered = used.astype(np.uint32) << np.uint32(32 - self.bits)
        edges = np.where(ordered & _SIGN, ordered ^ _SIGN, ~ordered).view(np.float32).astype(np.float64)
        tp, fp = np.cumsum(np.append(0, positive)), np.cumsum(np.append(0, negative))
        return ConfusionCounts(thresholds=np.append(np.inf, edges), true_positives=tp, false_positives=fp,
                               positives=int(tp[-1]), negatives=int(fp[-1]), rows=int(tp[-1] + fp[-1]))  # fmt: skip


def _split(
    counts: ConfusionCounts, positive: np.ndarray, negative: np.ndarray, *, positives_first: bool
) -> ConfusionCounts:
    steps = np.zeros((2, 2 * positive.size), np.int64)
    steps[0, (0 if positives_first else 1) :: 2] = positive
    steps[1, (1 if positives_first else 0) :: 2] = negative
    tp, fp = np.cumsum(steps, axis=1)
    return ConfusionCounts(thresholds=np.repeat(counts.thresholds, 2)[1:], true_positives=np.append(0, tp),
                           false_positives=np.append(0, fp), positives=counts.positives,
                           negatives=counts.negatives, rows=counts.rows)  # fmt: skip


def _lowest_average_precision(positive: np.ndarray, negative: np.ndarray) -> float:
    """Every positive at its own threshold behind all negatives of its bin: the sum of (A+j)/(A+j+F), by digamma."""
    before, ended = np.cumsum(positive) - positive, np.cumsum(negative)
    harmonic = special.digamma(before + positive + ended + 1.0) - special.digamma(before + ended + 1.0)
    return float((positive - ended * harmonic).sum() / positive.sum())
