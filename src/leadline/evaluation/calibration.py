"""Which threshold is best for which F-beta: slopes of the convex hull in precision-recall-gain space."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from leadline.core import InputError, Result
from leadline.evaluation.confusion_counts import ConfusionCounts
from leadline.evaluation.gains import count_gain

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class FBetaCalibration(Result):
    """Vertices of the hull, thresholds falling; each has the best F-beta for betas from `beta_low` to `beta_high`.

    `score` is 1/(1+beta²) at beta_high, Flach & Kull's calibrated score: it falls from 1 to 0 with the threshold, and
    calling positive whatever is above 1/(1+beta²) on this scale is optimal for F-beta.
    """

    thresholds: Float[np.ndarray, " vertices"]
    recall_gain: Float[np.ndarray, " vertices"]
    precision_gain: Float[np.ndarray, " vertices"]
    beta_low: Float[np.ndarray, " vertices"]
    beta_high: Float[np.ndarray, " vertices"]

    @property
    def score(self) -> Float[np.ndarray, " vertices"]:
        """1/(1+beta_high²)."""
        return 1 / (1 + self.beta_high**2)

    def threshold_for(self, beta: int | float) -> float:
        """The threshold with the highest F-beta."""
        if not beta >= 0:
            raise InputError("threshold_for", expected="beta >= 0", got=repr(beta), remedy="pass 1 for F1")
        return float(self.thresholds[min(np.searchsorted(self.beta_high, beta), self.thresholds.size - 1)])

    def headline(self) -> str:
        return f"{self.thresholds.size} thresholds are each best for some F-beta; F1: {self.threshold_for(1.0):.6g}"

    def to_frame(self) -> "pandas.DataFrame":
        import pandas as pd

        names = ("thresholds", "recall_gain", "precision_gain", "beta_low", "beta_high", "score")
        return pd.DataFrame({name: getattr(self, name) for name in names})

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        ax.step(self.score, self.thresholds, where="pre")
        ax.set(xlabel="1/(1+beta²)", ylabel="best threshold", xlim=(0, 1))


def calibrate(hull: ConfusionCounts) -> FBetaCalibration:
    """The betas for which each vertex of a convex ROC hull is optimal.

    Between two vertices precision gain falls by beta² per recall gain with beta² = (FP1 TP0 - FP0 TP1)/(P (TP1 - TP0)).
    """
    tp, fp = hull.true_positives.astype(np.float64), hull.false_positives.astype(np.float64)
    with np.errstate(divide="ignore"):
        slope = (fp[1:] * tp[:-1] - fp[:-1] * tp[1:]) / (hull.positives * (tp[1:] - tp[:-1]))
    edges = np.sqrt(np.append(slope, np.inf))  # the first step starts at (0, 0) and is flat: 0 there
    kept = np.flatnonzero((edges[1:] > edges[:-1]) & (tp[1:] > 0)) + 1
    odds = hull.positives / hull.negatives
    return FBetaCalibration(
        thresholds=hull.thresholds[kept],
        recall_gain=count_gain(hull.positives - tp[kept], tp[kept], odds),
        precision_gain=count_gain(fp[kept], tp[kept], odds),
        beta_low=edges[kept - 1],
        beta_high=edges[kept],
        sources=("Flach & Kull 2015, theorem 3",),
    )
