"""One pass over the sorted scores: every confusion matrix that thresholding them can produce."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, Int, Num, Shaped

from leadline.core import InputError, Result
from leadline.evaluation.columns import Column, to_positive, to_scores, to_weights
from leadline.evaluation.packed_keys import blocks, magnitude_range, pack, sort, unpack

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ConfusionCounts(Result):
    """True and false positives at every distinct threshold, from +inf (nothing is called positive) downwards.

    Tied scores are one threshold. Counts are int64 and exact; with weights they are float64 sums.
    """

    thresholds: Float[np.ndarray, " points"]  # a row is called positive if its score is >= the threshold
    true_positives: Num[np.ndarray, " points"]
    false_positives: Num[np.ndarray, " points"]
    positives: int | float
    negatives: int | float
    rows: int

    @property
    def total(self) -> int | float:
        """Rows, or the sum of their weights."""
        return self.positives + self.negatives

    @property
    def prevalence(self) -> float:
        """Share of the positives."""
        return self.positives / self.total

    def at(self, points: Int[np.ndarray, " kept"]) -> "ConfusionCounts":
        """The counts at some of the thresholds."""
        return replace(self, thresholds=self.thresholds[points], true_positives=self.true_positives[points],
                       false_positives=self.false_positives[points])  # fmt: skip

    def index_of(self, threshold: int | float) -> int:
        """Which point a threshold belongs to: the last one that is not below it."""
        return int(np.searchsorted(-self.thresholds, -threshold, side="right")) - 1

    def headline(self) -> str:
        return (f"{self.thresholds.size - 1:,} distinct scores of {self.rows:,} rows: "
                f"{self.positives:,.6g} positive, {self.negatives:,.6g} negative")  # fmt: skip

    def to_frame(self) -> "pandas.DataFrame":
        import pandas as pd

        return pd.DataFrame(
            {
                "threshold": self.thresholds,
                "true_positives": self.true_positives,
                "false_positives": self.false_positives,
                "false_negatives": self.positives - self.true_positives,
                "true_negatives": self.negatives - self.false_positives,
            }
        )

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        ax.step(self.thresholds[1:], self.true_positives[1:], where="post", label="true positives")
        ax.step(self.thresholds[1:], self.false_positives[1:], where="post", label="false positives")
        ax.set(xlabel="threshold", ylabel="rows" if isinstance(self.positives, int) else "weight")
        ax.legend()


def count_confusion(
    y_true: Column, y_score: Column, *, sample_weight: Column | None = None, pos_label: Any = None
) -> ConfusionCounts:
    """Count true and false positives at every distinct score, in rows or in weight.

    Exact for every numeric dtype, ties, -0.0 and scores that differ in their last bit. Time is that of one sort;
    memory is 24 bytes per row for the result, and 1 byte per row more while it is counted (without weights).

    Args:
        y_true: one label per row, of two values.
        y_score: one finite number per row, higher for rows thought more likely positive; never rescaled.
        sample_weight: one weight >= 0 per row; rows of weight 0 count as absent.
        pos_label: the positive label; not needed for {0, 1}, {-1, 1} and booleans.

    Returns:
        The counts, thresholds descending from +inf.

    Raises:
        InputError: lengths differ, labels of other than two values, one class only, NaN, infinity, negative weights.

    >>> counts = count_confusion([0, 1, 1], [0.2, 0.7, 0.2])
    >>> counts.thresholds.tolist(), counts.true_positives.tolist(), counts.false_positives.tolist()
    ([inf, 0.7, 0.2], [0, 1, 2], [0, 0, 1])

    Source: Davis & Goadrich 2006, section 2; Fawcett 2006, algorithm 1.
    """
    operation = "count_confusion"
    scores, positive = to_scores(operation, y_score), to_positive(operation, y_true, pos_label)
    if scores.size != positive.size:
        raise InputError(operation, expected="one score per label",
                         got=f"{positive.size} labels and {scores.size} scores",
                         remedy="pass columns of one length")  # fmt: skip
    weights = to_weights(operation, sample_weight, scores.size)
    if weights is None:
        return count_rows(operation, scores, positive)
    kept = weights > 0
    if not (positive & kept).any() or not (~positive & kept).any():
        raise InputError(operation, expected="weight in both classes", got="a single class with weight > 0",
                         remedy="take rows that hold both")  # fmt: skip
    magnitude_range(operation, scores)
    return _counts(*_count_by_argsort(scores[kept], positive[kept], weights[kept]))


def count_rows(operation: str, scores: Shaped[np.ndarray, " n"], positive: Bool[np.ndarray, " n"]) -> ConfusionCounts:
    """The exact counts of checked columns without weights."""
    low, high = magnitude_range(operation, scores)
    buffer = np.empty(scores.size + 1)  # first the keys, then, in the same memory, the thresholds
    if not pack(scores, positive, low, high, buffer.view(np.int64)[1:]):
        return _counts(*_count_by_argsort(scores, positive, None))
    sort(buffer.view(np.int64)[1:])
    return _counts(*_count_sorted_keys(buffer, low))


def _count_sorted_keys(buffer: np.ndarray, low: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    rows = buffer.size - 1
    keys = buffer.view(np.int64)[1:]
    true_positives, false_positives = np.zeros(rows + 1, np.int64), np.zeros(rows + 1, np.int64)
    points, found = 1, 0
    for block in blocks(rows):
        here = keys[block.start : block.stop + 1]  # one more, to see whether the last score goes on
        last = np.flatnonzero((here[1:] ^ here[:-1]).view(np.uint64) > 1)
        if block.stop == rows:
            last = np.append(last, rows - 1 - block.start)
        here = here[: block.stop - block.start]
        hits = np.cumsum(here & 1) + found
        found = int(hits[-1])
        span = slice(points, points + last.size)
        true_positives[span] = hits[last]
        np.subtract(last + (block.start + 1), true_positives[span], out=false_positives[span])
        buffer[span] = unpack(here[last], low)  # never reaches past the keys already read
        points = span.stop
    buffer[0] = np.inf
    del keys
    for array in (buffer, true_positives, false_positives):
        array.resize(points, refcheck=False)  # gives the memory of tied rows back
    return buffer, true_positives, false_positives, rows


def _count_by_argsort(
    scores: np.ndarray, positive: np.ndarray, weights: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    values = scores.astype(np.float64)
    order = np.argsort(-values, kind="stable")
    values, positive = values[order] + 0.0, positive[order]  # + 0.0 turns -0.0 into 0.0
    amounts = np.ones(values.size, np.int64) if weights is None else weights[order]
    last = np.append(np.flatnonzero(values[1:] != values[:-1]), values.size - 1)
    true_positives = np.cumsum(amounts * positive)[last]
    false_positives = np.cumsum(amounts * ~positive)[last]
    return (np.append(np.inf, values[last]), np.append(amounts[:0].sum(), true_positives),
            np.append(amounts[:0].sum(), false_positives), values.size)  # fmt: skip


def _counts(
    thresholds: np.ndarray, true_positives: np.ndarray, false_positives: np.ndarray, rows: int
) -> ConfusionCounts:
    return ConfusionCounts(
        thresholds=thresholds,
        true_positives=true_positives,
        false_positives=false_positives,
        positives=true_positives[-1].item(),
        negatives=false_positives[-1].item(),
        rows=rows,
    )
