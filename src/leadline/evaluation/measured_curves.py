"""From labels and scores to the curves: one counting pass, whichever of them is asked for."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from leadline.core import Result
from leadline.evaluation.areas import Areas, areas
from leadline.evaluation.columns import Column
from leadline.evaluation.confusion_counts import ConfusionCounts, count_confusion
from leadline.evaluation.curves import FAWCETT, PrecisionRecallCurve, PrecisionRecallGainCurve, RocCurve
from leadline.evaluation.hull import corners

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ScoreCurves(Result):
    """All three curves of one score and their areas, from the same counts."""

    counts: ConfusionCounts
    areas: Areas

    @property
    def roc(self) -> RocCurve:
        """The ROC curve."""
        return RocCurve(counts=self.counts, areas=self.areas, caveats=self.caveats, sources=(FAWCETT,))

    @property
    def precision_recall(self) -> PrecisionRecallCurve:
        """The precision-recall curve."""
        return self.roc.to_precision_recall()

    @property
    def precision_recall_gain(self) -> PrecisionRecallGainCurve:
        """The precision-recall-gain curve."""
        return self.precision_recall.to_precision_recall_gain()

    def headline(self) -> str:
        found = self.areas
        return (f"AUROC {found.auroc:.4f}, AUPR {found.aupr:.4f}, average precision {found.average_precision:.4f}, "
                f"AUPRG {found.auprg:.4f}, prevalence {self.counts.prevalence:.4f}")  # fmt: skip

    def to_frame(self) -> "pandas.DataFrame":
        import pandas as pd

        return pd.DataFrame([{"rows": self.counts.rows, "prevalence": self.counts.prevalence, **asdict(self.areas)}])

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        self.roc.draw(ax)

    def plot_all(self) -> "tuple[matplotlib.axes.Axes, ...]":
        """The three curves side by side on a new figure."""
        import matplotlib.pyplot as plt

        axes = plt.figure(figsize=(13, 4.2), layout="constrained").subplots(1, 3)
        for ax, curve in zip(axes, (self.roc, self.precision_recall, self.precision_recall_gain), strict=True):
            curve.draw(ax)
        return tuple(axes)


def score_curves(
    y_true: Column,
    y_score: Column,
    *,
    sample_weight: Column | None = None,
    pos_label: Any = None,
    drop_collinear: bool = False,
) -> ScoreCurves:
    """Measure a score by all three curves and every area, with one sort of the rows.

    Args, errors: as `roc_curve`.

    Returns:
        The curves, which share their counts, and the areas.

    >>> score_curves([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    AUROC 0.7500, AUPR 0.7973, average precision 0.8333, AUPRG 0.2500, prevalence 0.5000

    Source: Davis & Goadrich 2006; Flach & Kull 2015.
    """
    counts = count_confusion(y_true, y_score, sample_weight=sample_weight, pos_label=pos_label)
    found = areas(counts)
    if not drop_collinear:
        return ScoreCurves(counts=counts, areas=found)
    kept = counts.at(corners(counts.true_positives, counts.false_positives))
    dropped = counts.thresholds.size - kept.thresholds.size
    note = f"{dropped:,} points between corners dropped: point_at answers for the next corner above"
    return ScoreCurves(counts=kept, areas=found, caveats=(note,))


def roc_curve(
    y_true: Column,
    y_score: Column,
    *,
    sample_weight: Column | None = None,
    pos_label: Any = None,
    drop_collinear: bool = False,
) -> RocCurve:
    """Measure how well a score ranks positives above negatives: the ROC curve, AUROC from 0 to 1 (chance 0.5).

    Args:
        y_true: one label per row, of two values.
        y_score: one finite number per row, higher for rows thought more likely positive; never rescaled.
        sample_weight: one weight >= 0 per row.
        pos_label: the positive label; not needed for {0, 1}, {-1, 1} and booleans.
        drop_collinear: keep the corners of the curve only; areas stay those of all thresholds.

    Returns:
        The curve with thresholds from +inf downwards, ties as one point.

    Raises:
        InputError: lengths differ, labels of other than two values, one class only, NaN, infinity, negative weights.

    >>> roc_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    AUROC 0.7500 (4 distinct scores of 4 rows: 2 positive, 2 negative)

    Source: Fawcett 2006.
    """
    options = {"sample_weight": sample_weight, "pos_label": pos_label, "drop_collinear": drop_collinear}
    return score_curves(y_true, y_score, **options).roc


def precision_recall_curve(
    y_true: Column,
    y_score: Column,
    *,
    sample_weight: Column | None = None,
    pos_label: Any = None,
    drop_collinear: bool = False,
) -> PrecisionRecallCurve:
    """Measure how pure and how complete the highest scores are: the precision-recall curve, areas from 0 to 1.

    `aupr` integrates the right, non-linear interpolation exactly; `average_precision` is the step sum. Constant scores
    have the prevalence.

    Args, errors: as `roc_curve`.

    Returns:
        The curve with thresholds from +inf downwards, ties as one point.

    >>> precision_recall_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    AUPR 0.7973, average precision 0.8333, prevalence 0.5000 (4 distinct scores of 4 rows: 2 positive, 2 negative)

    Source: Davis & Goadrich 2006.
    """
    options = {"sample_weight": sample_weight, "pos_label": pos_label, "drop_collinear": drop_collinear}
    return score_curves(y_true, y_score, **options).precision_recall


def precision_recall_gain_curve(
    y_true: Column,
    y_score: Column,
    *,
    sample_weight: Column | None = None,
    pos_label: Any = None,
    drop_collinear: bool = False,
) -> PrecisionRecallGainCurve:
    """Measure a score on scales where always-positive is 0: the precision-recall-gain curve, AUPRG at most 1.

    The area starts at recall gain 0, by exact crossing, and has no lower bound: positives that all rank last give
    large negative values.

    Args, errors: as `roc_curve`.

    Returns:
        The curve with thresholds from +inf downwards, ties as one point.

    >>> precision_recall_gain_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    AUPRG 0.2500, prevalence 0.5000 (4 distinct scores of 4 rows: 2 positive, 2 negative)

    Source: Flach & Kull 2015.
    """
    options = {"sample_weight": sample_weight, "pos_label": pos_label, "drop_collinear": drop_collinear}
    return score_curves(y_true, y_score, **options).precision_recall_gain
