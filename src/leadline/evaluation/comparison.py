"""Two or more classifiers judged on the same rows: areas with intervals, paired differences, the three plots."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from leadline.core import InputError, Result, numpy_generator
from leadline.evaluation.bootstrap import (
    AREA_NAMES,
    EFRON,
    SPACES,
    AreaInterval,
    Band,
    bands_of,
    check_plan,
    draw_band,
    intervals_of,
    sorted_rows,
)
from leadline.evaluation.columns import Column
from leadline.evaluation.delong import DELONG, auroc_difference
from leadline.evaluation.measured_curves import ScoreCurves, score_curves
from leadline.evaluation.resampling import Drawn, resample

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas

_MOST_DRAWS = 400_000_000  # rows times replicates times scores: about a minute
_FEWEST_REPLICATES = 100


@dataclass(frozen=True, kw_only=True)
class AreaDifference:
    """An area of one classifier minus that of another on the same rows."""

    first: str
    second: str
    area: str
    difference: float
    low: float
    high: float
    method: str


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ScoreComparison(Result):
    """Curves of several classifiers on the same rows, in the order given."""

    names: tuple[str, ...]
    curves: tuple[ScoreCurves, ...]
    intervals: tuple[tuple[AreaInterval, ...], ...]  # per classifier; empty where rows were too many to draw again
    bands: tuple[tuple[Band, ...], ...]
    differences: tuple[AreaDifference, ...]
    confidence: float
    replicates: int

    def headline(self) -> str:
        best = [f"{area} {self.names[int(np.argmax([getattr(one.areas, area) for one in self.curves]))]}"
                for area in ("auroc", "aupr", "auprg")]  # fmt: skip
        counted = "1 classifier" if len(self.names) == 1 else f"{len(self.names)} classifiers"
        return f"{counted} on {self.curves[0].counts.rows:,} rows; highest " + ", ".join(best)

    def to_frame(self) -> "pandas.DataFrame":
        import pandas as pd

        rows: list[dict[str, Any]] = []
        for place, (name, curve) in enumerate(zip(self.names, self.curves, strict=True)):
            known = {one.area: one for one in self.intervals[place]} if self.intervals else {}
            row: dict[str, Any] = {"classifier": name}
            for area, value in asdict(curve.areas).items():
                row[area] = value
                if area in known:
                    row |= {f"{area}_low": known[area].low, f"{area}_high": known[area].high}
            rows.append(row)
        return pd.DataFrame(rows)

    def differences_frame(self) -> "pandas.DataFrame":
        """The paired differences as a table."""
        import pandas as pd

        return pd.DataFrame([vars(one) for one in self.differences])

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        self.draw_space(ax, "roc")

    def draw_space(self, ax: "matplotlib.axes.Axes", space: str) -> None:
        """All classifiers' curves with their bands; `space` is roc, precision_recall or precision_recall_gain."""
        for place, (name, curves) in enumerate(zip(self.names, self.curves, strict=True)):
            before = len(ax.lines)
            getattr(curves, space).draw(ax)
            if place:
                ax.lines[before].remove()  # the reference line is the same for all
            ax.lines[-1].set_label(f"{name}: {ax.lines[-1].get_label()}")
            if self.bands:
                draw_band(ax, self.bands[place][SPACES.index(space)])
        ax.legend()

    def plot_all(self) -> "tuple[matplotlib.axes.Axes, ...]":
        """The three plots side by side on a new figure."""
        import matplotlib.pyplot as plt

        axes = plt.figure(figsize=(13, 4.2), layout="constrained").subplots(1, 3)
        for ax, space in zip(axes, SPACES, strict=True):
            self.draw_space(ax, space)
        return tuple(axes)


def compare_scores(
    y_true: Column,
    scores: Mapping[str, Column],
    *,
    sample_weight: Column | None = None,
    pos_label: Any = None,
    confidence: float = 0.95,
    replicates: int | None = None,
    seed: int = 0,
) -> ScoreComparison:
    """Measure several classifiers on the same rows: all areas with intervals, and paired differences.

    Intervals are percentiles of a bootstrap that draws the same rows for all; the difference of two AUROCs without
    weights is DeLong's.

    Args:
        y_true: one label per row, of two values.
        scores: name -> one finite number per row.
        sample_weight: one weight >= 0 per row.
        pos_label: the positive label; not needed for {0, 1}, {-1, 1} and booleans.
        confidence: coverage aimed at.
        replicates: how many times to draw; None: 1000, fewer where rows are many, none where that leaves under 100.
        seed: of the draws.

    Raises:
        InputError: as `roc_curve`; no scores; confidence outside (0, 1).

    >>> compare_scores([0, 0, 1, 1] * 9, {"a": [1, 3, 2, 4] * 9, "b": [1, 2, 3, 4] * 9}, replicates=50)
    2 classifiers on 36 rows; highest auroc b, aupr b, auprg b

    Source: DeLong et al. 1988; Efron & Tibshirani 1993.
    """
    if not scores:
        raise InputError("compare_scores", expected="at least one score", got="none", remedy='pass {"a": scores}')
    names, columns = tuple(scores), list(scores.values())
    curves = tuple(score_curves(y_true, one, sample_weight=sample_weight, pos_label=pos_label) for one in columns)
    if replicates is None:
        affordable = _MOST_DRAWS // (curves[0].counts.rows * len(names))
        replicates = min(1000, affordable) if affordable >= _FEWEST_REPLICATES else 0
    if replicates == 0:
        note = "rows too many to draw again: no bootstrap intervals"
        return ScoreComparison(names=names, curves=curves, intervals=(), bands=(), confidence=confidence, replicates=0,
                               differences=_delong(y_true, scores, sample_weight, pos_label, confidence),
                               caveats=(note,), sources=(DELONG,))  # fmt: skip
    check_plan("compare_scores", confidence, replicates)
    rows = sorted_rows("compare_scores", y_true, columns, sample_weight, pos_label)
    drawn = resample(rows, replicates=replicates, generator=numpy_generator("compare_scores", seed))
    intervals = tuple(
        intervals_of(one.areas, found, confidence) for one, found in zip(curves, drawn.areas, strict=True)
    )
    narrow = [name for name, known in zip(names, intervals, strict=True) if any(one.low == one.high for one in known)]
    return ScoreComparison(
        names=names,
        curves=curves,
        intervals=intervals,
        bands=tuple(bands_of(heights, confidence) for heights in drawn.heights),
        differences=_delong(y_true, scores, sample_weight, pos_label, confidence)
        + _drawn_differences(names, curves, drawn, confidence, weighted=sample_weight is not None),
        confidence=confidence,
        replicates=replicates,
        caveats=(
            f"intervals of no width ({', '.join(narrow)}): every draw of these rows ranks alike, which says "
            "nothing about other rows",
        )
        * bool(narrow),
        sources=(DELONG, EFRON),
    )


def _delong(
    y_true: Column, scores: Mapping[str, Column], weight: Column | None, pos_label: Any, confidence: float
) -> tuple[AreaDifference, ...]:
    if weight is not None:
        return ()
    found = []
    for first, second in combinations(scores, 2):
        one = auroc_difference(y_true, scores[first], scores[second], pos_label=pos_label, confidence=confidence)
        found.append(AreaDifference(first=first, second=second, area="auroc", difference=one.value, low=one.low,
                                    high=one.high, method="DeLong"))  # fmt: skip
    return tuple(found)


def _drawn_differences(
    names: tuple[str, ...], curves: tuple[ScoreCurves, ...], drawn: Drawn, confidence: float, *, weighted: bool
) -> tuple[AreaDifference, ...]:
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    found = []
    for a, b in combinations(range(len(names)), 2):
        for place, area in enumerate(AREA_NAMES):
            if area != "auroc" or weighted:
                low, high = np.quantile(drawn.areas[a, place] - drawn.areas[b, place], tails)
                difference = getattr(curves[a].areas, area) - getattr(curves[b].areas, area)
                found.append(AreaDifference(first=names[a], second=names[b], area=area, difference=difference,
                                            low=float(low), high=float(high), method="bootstrap"))  # fmt: skip
    return tuple(found)
