"""What every curve of a score can do, whatever its axes: be asked for a point, a threshold, its corners."""

from abc import abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from jaxtyping import Bool, Float

from leadline.core import InputError, Result
from leadline.evaluation.areas import Areas, areas
from leadline.evaluation.confusion_counts import ConfusionCounts
from leadline.evaluation.correspondence import precision_recall_to_roc, roc_to_precision_recall
from leadline.evaluation.hull import upper_hull
from leadline.evaluation.operating_point import OperatingPoint

if TYPE_CHECKING:
    import matplotlib.axes

_Curve = TypeVar("_Curve", bound="ScoreCurve")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ScoreCurve(Result):
    """A view of the confusion counts; subclasses name the axes. Arrays run from threshold +inf downwards."""

    counts: ConfusionCounts
    areas: Areas  # of all thresholds, also where corners only are kept

    @property
    def thresholds(self) -> Float[np.ndarray, " points"]:
        """A row is called positive if its score is >= the threshold; the first is +inf."""
        return self.counts.thresholds

    @cached_property
    def recall(self) -> Float[np.ndarray, " points"]:
        """TP/(TP+FN), in ROC space the true-positive rate."""
        return self.counts.true_positives / self.counts.positives

    @property
    def prevalence(self) -> float:
        """Share of the positives."""
        return self.counts.prevalence

    @property
    def one_to_one(self) -> Bool[np.ndarray, " points"]:
        """At which points the map between ROC and precision-recall space leads back to the same confusion matrix.

        Computed by going there and back (to the nearest whole count, 1e-9 for weights).
        """
        counts = self.counts
        totals = {"positives": counts.positives, "negatives": counts.negatives}
        fpr = counts.false_positives / counts.negatives
        recall, precision, _ = roc_to_precision_recall(fpr, self.recall, **totals)
        fpr, tpr, determined = precision_recall_to_roc(recall, precision, **totals)
        off = np.maximum(
            np.abs(tpr * counts.positives - counts.true_positives),
            np.abs(np.nan_to_num(fpr) * counts.negatives - counts.false_positives),
        )
        near = 0.5 if counts.true_positives.dtype.kind == "i" else 1e-9 * counts.total
        return determined & (off < near)

    def point_at(self, threshold: int | float) -> OperatingPoint:
        """The confusion matrix of calling positive what scores at least `threshold`.

        >>> from leadline.evaluation import roc_curve
        >>> roc_curve([0, 1, 0, 1], [0.1, 0.4, 0.35, 0.8]).point_at(0.4)
        OperatingPoint(threshold=0.4, true_positives=2, false_positives=0, false_negatives=0, true_negatives=2)
        """
        if np.isnan(threshold):
            raise InputError("point_at", expected="a threshold", got="nan", remedy="pass a number")
        return self._point(self.counts.index_of(threshold))

    def threshold_for(
        self, *, recall: int | float | None = None, fpr: int | float | None = None, precision: int | float | None = None
    ) -> float:
        """The threshold that meets one demand and is best otherwise.

        Args:
            recall: the highest threshold with at least this recall.
            fpr: the lowest threshold with at most this false-positive rate.
            precision: the lowest threshold with at least this precision.

        Raises:
            InputError: none or several demands, one outside [0, 1], or a precision that no threshold reaches.

        >>> from leadline.evaluation import roc_curve
        >>> curve = roc_curve([0, 1, 0, 1], [0.1, 0.4, 0.35, 0.8])
        >>> curve.threshold_for(recall=0.5), curve.threshold_for(fpr=0.5), curve.threshold_for(precision=0.6)
        (0.8, 0.35, 0.35)
        """
        wanted = {"recall": recall, "fpr": fpr, "precision": precision}
        given = {name: value for name, value in wanted.items() if value is not None}
        if len(given) != 1 or not all(0 <= value <= 1 for value in given.values()):
            raise InputError("threshold_for", expected="one of recall, fpr and precision, in [0, 1]", got=str(given),
                             remedy="name one")  # fmt: skip
        tp, fp = self.counts.true_positives, self.counts.false_positives
        if recall is not None:
            return float(self.thresholds[np.argmax(self.recall >= recall)])
        meets = fp <= fpr * self.counts.negatives if fpr is not None else (tp >= precision * (tp + fp)) & (tp + fp > 0)
        if not meets.any():
            best = (tp[1:] / (tp[1:] + fp[1:])).max()
            raise InputError("threshold_for", expected=f"precision {precision} at some threshold",
                             got=f"at most {best:.6g}", remedy="ask for less")  # fmt: skip
        return float(self.thresholds[np.flatnonzero(meets)[-1]])

    def convex_hull(self: _Curve) -> _Curve:
        """The achievable curve: the best that choosing at random between two thresholds can reach, with its areas.

        The map between the spaces keeps the order of curves, so the vertices are the same in all three.
        """
        counts = self.counts.at(upper_hull(self.counts.true_positives, self.counts.false_positives))
        return replace(self, counts=counts, areas=areas(counts), caveats=(*self.caveats, "convex hull of the curve"))

    def mark(self, ax: "matplotlib.axes.Axes", threshold: int | float) -> None:
        """Put the operating point of a threshold on an axes that this curve is drawn on."""
        point = self.point_at(threshold)
        ax.plot(*self._place(point), "o", color=ax.lines[-1].get_color() if ax.lines else None,
                label=f"threshold {point.threshold:.4g}")  # fmt: skip
        ax.legend()

    def _shared(self) -> dict[str, Any]:
        return {"counts": self.counts, "areas": self.areas, "caveats": self.caveats}

    @abstractmethod
    def _place(self, point: OperatingPoint) -> tuple[list[float], list[float]]:
        """Where a point lies on the axes of this curve."""

    def _point(self, index: int) -> OperatingPoint:
        counts = self.counts
        tp, fp = counts.true_positives[index].item(), counts.false_positives[index].item()
        return OperatingPoint(
            threshold=float(counts.thresholds[index]),
            true_positives=tp,
            false_positives=fp,
            false_negatives=counts.positives - tp,
            true_negatives=counts.negatives - fp,
        )
