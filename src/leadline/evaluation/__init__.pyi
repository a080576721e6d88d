from .areas import Areas
from .bootstrap import AreaInterval, Band, BootstrapIntervals, bootstrap_intervals
from .calibration import FBetaCalibration
from .comparison import AreaDifference, ScoreComparison, compare_scores
from .confusion_counts import ConfusionCounts, count_confusion
from .correspondence import precision_recall_to_roc, roc_to_precision_recall
from .curves import PrecisionRecallCurve, PrecisionRecallGainCurve, RocCurve
from .delong import AurocInterval, auroc_difference, auroc_interval
from .gains import f_gain, f_gain_isometric, f_isometric, rate_to_gain
from .histogram import BinnedAreas, ScoreHistogram
from .measured_curves import (
    ScoreCurves,
    precision_recall_curve,
    precision_recall_gain_curve,
    roc_curve,
    score_curves,
)
from .multiclass import OneVsRest, one_vs_rest
from .operating_point import OperatingPoint

__all__ = [
    "AreaDifference",
    "AreaInterval",
    "Areas",
    "AurocInterval",
    "Band",
    "BinnedAreas",
    "BootstrapIntervals",
    "ConfusionCounts",
    "FBetaCalibration",
    "OneVsRest",
    "OperatingPoint",
    "PrecisionRecallCurve",
    "PrecisionRecallGainCurve",
    "RocCurve",
    "ScoreComparison",
    "ScoreCurves",
    "ScoreHistogram",
    "auroc_difference",
    "auroc_interval",
    "bootstrap_intervals",
    "compare_scores",
    "count_confusion",
    "f_gain",
    "f_gain_isometric",
    "f_isometric",
    "one_vs_rest",
    "precision_recall_curve",
    "precision_recall_gain_curve",
    "precision_recall_to_roc",
    "rate_to_gain",
    "roc_curve",
    "roc_to_precision_recall",
    "score_curves",
]
