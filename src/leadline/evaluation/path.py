"""The path of (TP, FP) between thresholds: where it passes a given rate, and points enough to draw it."""

from typing import TypeAlias

import numpy as np
from jaxtyping import Float

from leadline.evaluation.areas import gaining_steps
from leadline.evaluation.confusion_counts import ConfusionCounts

Values: TypeAlias = Float[np.ndarray, " values"]

_MOST_CORNERS = 2000  # more are not told apart on a screen
_DISPLAY_POINTS = 600
_ROUNDING = 1e-12  # rates times totals miss whole counts by this much, and counts may jump there


def false_positives_where(counts: ConfusionCounts, tp: Values) -> Values:
    """The fewest false positives with which the path has so many true positives; at 0 the limit from above."""
    steps = gaining_steps(counts.true_positives, counts.false_positives)
    step = np.minimum(np.searchsorted(steps.tp + steps.gained, tp * (1 - _ROUNDING)), steps.size - 1)
    return steps.fp[step] + steps.passed[step] * ((tp - steps.tp[step]) / steps.gained[step])


def true_positives_where(counts: ConfusionCounts, fp: Values) -> Values:
    """The most true positives with which the path has so many false positives."""
    fps, tps = counts.false_positives, counts.true_positives
    before = np.minimum(np.searchsorted(fps, fp * (1 + _ROUNDING), side="right") - 1, fps.size - 1)
    after = np.minimum(before + 1, fps.size - 1)
    run = np.where(fps[after] > fps[before], fps[after] - fps[before], 1)
    return tps[before] + (tps[after] - tps[before]) * ((fp - fps[before]) / run)


def display_path(counts: ConfusionCounts) -> tuple[Float[np.ndarray, " shown"], Float[np.ndarray, " shown"]]:
    """(TP, FP) along the path: all thresholds where they are few, and points between them, since not every curve
    is straight there; where they are many, points at most 1/600 of all rows apart and closer near the start."""
    tp, fp = counts.true_positives, counts.false_positives
    called = tp + fp  # grows from point to point, and TP and FP are linear in it between them
    total = called[-1]
    levels = np.concatenate(
        [np.linspace(0, total, _DISPLAY_POINTS), np.geomspace(total * 1e-6, total, _DISPLAY_POINTS)]
    )
    crossing = np.interp(counts.positives * (counts.positives / counts.total), tp, called)  # recall gain 0
    stops = [levels, [crossing], called if called.size <= _MOST_CORNERS else called[:2]]
    where = np.unique(np.concatenate(stops))
    return np.interp(where, called, tp), np.interp(where, called, fp)
