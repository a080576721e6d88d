"""ROC, precision-recall and precision-recall-gain curve: three views of the same confusion counts."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from jaxtyping import Float

from leadline.evaluation.calibration import FBetaCalibration, calibrate
from leadline.evaluation.gains import count_gain, f_gain_isometric
from leadline.evaluation.operating_point import OperatingPoint
from leadline.evaluation.packed_keys import blockwise
from leadline.evaluation.path import display_path, false_positives_where, true_positives_where
from leadline.evaluation.score_curve import ScoreCurve

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas

Points: TypeAlias = Float[np.ndarray, " points"]
Values: TypeAlias = Float[np.ndarray, " values"]

DAVIS_GOADRICH = "Davis & Goadrich 2006, The relationship between precision-recall and ROC curves, ICML"
FLACH_KULL = "Flach & Kull 2015, Precision-recall-gain curves: PR analysis done right, NeurIPS"
FAWCETT = "Fawcett 2006, An introduction to ROC analysis, Pattern Recognition Letters 27"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class RocCurve(ScoreCurve):
    """True-positive rate over false-positive rate; `recall` is the true-positive rate."""

    @property
    def auroc(self) -> float:
        """Chance that a positive scores above a negative, ties counting half."""
        return self.areas.auroc

    @property
    def tpr(self) -> Points:
        """True-positive rate, the same as recall."""
        return self.recall

    @cached_property
    def fpr(self) -> Points:
        """FP/(FP+TN)."""
        return self.counts.false_positives / self.counts.negatives

    def tpr_at(self, fpr: Values) -> Values:
        """The highest true-positive rate at given false-positive rates, on straight lines between thresholds."""
        return true_positives_where(self.counts, fpr * self.counts.negatives) / self.counts.positives

    def to_precision_recall(self) -> "PrecisionRecallCurve":
        """The same thresholds in precision-recall space; reversible where `one_to_one`, which is recall > 0."""
        return PrecisionRecallCurve(**self._shared(), sources=(DAVIS_GOADRICH,))

    def headline(self) -> str:
        return f"AUROC {self.auroc:.4f} ({self.counts.headline()})"

    def to_frame(self) -> "pandas.DataFrame":
        import pandas as pd

        return pd.DataFrame({"threshold": self.thresholds, "fpr": self.fpr, "tpr": self.tpr})

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        tp, fp = display_path(self.counts)
        ax.plot([0, 1], [0, 1], "--", color="grey", linewidth=1, label="chance (AUROC 0.5)")
        ax.plot(fp / self.counts.negatives, tp / self.counts.positives, label=f"AUROC {self.auroc:.3f}")
        ax.set(xlabel="false-positive rate", ylabel="true-positive rate", xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        ax.set_aspect("equal")
        ax.legend(loc="lower right")

    def _place(self, point: OperatingPoint) -> tuple[list[float], list[float]]:
        return [point.fpr], [point.recall]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class PrecisionRecallCurve(ScoreCurve):
    """Precision over recall; where nothing is called positive, precision is that of the highest score."""

    @property
    def aupr(self) -> float:
        """Exact integral over recall along the non-linear interpolation; prevalence for constant scores."""
        return self.areas.aupr

    @property
    def average_precision(self) -> float:
        """Step sum of precision over recall, without interpolation."""
        return self.areas.average_precision

    @cached_property
    def precision(self) -> Points:
        """TP/(TP+FP)."""
        tp, fp = self.counts.true_positives, self.counts.false_positives
        with np.errstate(invalid="ignore"):  # 0/0 at threshold +inf
            precision = blockwise(lambda rows: tp[rows] / (tp[rows] + fp[rows]), tp.size)
        precision[0] = precision[1]
        return precision

    def precision_at(self, recall: Values) -> Values:
        """Precision at given recalls > 0 by the right interpolation: FP, not precision, is linear between thresholds.

        >>> from leadline.evaluation import precision_recall_curve
        >>> precision_recall_curve([1, 0, 0, 1], [0.9, 0.5, 0.5, 0.5]).precision_at(np.array([0.5, 0.75, 1.0])).tolist()
        [1.0, 0.6, 0.5]
        """
        tp = recall * self.counts.positives
        called = tp + false_positives_where(self.counts, tp)
        return np.divide(tp, called, out=np.full_like(called, np.nan), where=called > 0)

    def to_roc(self) -> RocCurve:
        """The same thresholds in ROC space; determined by recall and precision where `one_to_one`, i.e. recall > 0."""
        return RocCurve(**self._shared(), sources=(FAWCETT,))

    def to_precision_recall_gain(self) -> "PrecisionRecallGainCurve":
        """The same thresholds on the gain scale."""
        return PrecisionRecallGainCurve(**self._shared(), sources=(FLACH_KULL,))

    def headline(self) -> str:
        return (f"AUPR {self.aupr:.4f}, average precision {self.average_precision:.4f}, "
                f"prevalence {self.prevalence:.4f} ({self.counts.headline()})")  # fmt: skip

    def to_frame(self) -> "pandas.DataFrame":
        import pandas as pd

        return pd.DataFrame({"threshold": self.thresholds, "recall": self.recall, "precision": self.precision})

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        tp, fp = display_path(self.counts)
        called = np.where(tp + fp > 0, tp + fp, 1)
        precision = np.where(tp + fp > 0, tp / called, self.precision[0])
        ax.axhline(
            self.prevalence, linestyle="--", color="grey", linewidth=1, label=f"prevalence {self.prevalence:.3f}"
        )
        ax.plot(tp / self.counts.positives, precision, label=f"AUPR {self.aupr:.3f}")
        ax.set(xlabel="recall", ylabel="precision", xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        ax.set_aspect("equal")
        ax.legend(loc="lower left")

    def _place(self, point: OperatingPoint) -> tuple[list[float], list[float]]:
        return [point.recall], [point.precision]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class PrecisionRecallGainCurve(ScoreCurve):
    """Precision gain over recall gain; straight between thresholds, always-positive at (1, 0).

    Gains are -inf where no positive is found; recall gain 0 is recall = prevalence, and the area starts there.
    """

    @property
    def auprg(self) -> float:
        """Area from recall gain 0 to 1: 1 for a perfect ranking, 0 for constant scores, unbounded below."""
        return self.areas.auprg

    @cached_property
    def recall_gain(self) -> Points:
        """1 - odds · FN/TP with odds = positives/negatives."""
        tp, positives, odds = self.counts.true_positives, self.counts.positives, self._odds
        return blockwise(lambda rows: count_gain(positives - tp[rows], tp[rows], odds), tp.size)

    @cached_property
    def precision_gain(self) -> Points:
        """1 - odds · FP/TP; at threshold +inf that of the first score."""
        tp, fp, odds = self.counts.true_positives, self.counts.false_positives, self._odds
        gain = blockwise(lambda rows: count_gain(fp[rows], tp[rows], odds), tp.size)
        gain[0] = gain[1]
        return gain

    @property
    def _odds(self) -> float:
        return self.counts.positives / self.counts.negatives

    def precision_gain_at(self, recall_gain: Values) -> Values:
        """Precision gain at given recall gains."""
        tp = self.counts.positives / (1 + (1 - recall_gain) / self._odds)
        return count_gain(false_positives_where(self.counts, tp), tp, self._odds)

    def f_beta_calibration(self) -> FBetaCalibration:
        """For each vertex of the convex hull, the betas for which no threshold has a higher F-beta."""
        return calibrate(self.convex_hull().counts)

    def to_precision_recall(self) -> PrecisionRecallCurve:
        """The same thresholds as precision and recall."""
        return PrecisionRecallCurve(**self._shared(), sources=(DAVIS_GOADRICH,))

    def to_roc(self) -> RocCurve:
        """The same thresholds in ROC space."""
        return self.to_precision_recall().to_roc()

    def headline(self) -> str:
        return f"AUPRG {self.auprg:.4f}, prevalence {self.prevalence:.4f} ({self.counts.headline()})"

    def to_frame(self) -> "pandas.DataFrame":
        import pandas as pd

        return pd.DataFrame({"threshold": self.thresholds, "recall_gain": self.recall_gain,
                             "precision_gain": self.precision_gain})  # fmt: skip

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        tp, fp = display_path(self.counts)
        shown = tp > 0
        tp, fp = tp[shown], fp[shown]
        recall_gain = count_gain(self.counts.positives - tp, tp, self._odds)
        gain = count_gain(fp, tp, self._odds)
        shown = recall_gain >= -1e-12
        ax.axhline(0, linestyle="--", color="grey", linewidth=1, label="always positive (AUPRG 0)")
        ax.plot(recall_gain[shown], gain[shown], label=f"AUPRG {self.auprg:.3f}")
        ax.set(xlabel="recall gain", ylabel="precision gain", xlim=(-0.01, 1.01), ylim=(-0.11, 1.01))
        ax.set_aspect("equal")
        ax.legend(loc="lower left")

    def draw_isometrics(self, ax: "matplotlib.axes.Axes", *, beta: int | float = 1.0) -> None:
        """Lines of equal F-beta gain: straight, of slope -beta²."""
        ends = np.array([0.0, 1.0])
        for value in np.linspace(0.1, 0.9, 5):
            ax.plot(ends, f_gain_isometric(float(value), ends, beta=beta), ":", color="grey", linewidth=0.8)

    def _place(self, point: OperatingPoint) -> tuple[list[float], list[float]]:
        return [point.recall_gain], [point.precision_gain]
