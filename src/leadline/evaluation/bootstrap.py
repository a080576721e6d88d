"""How far areas and curves would move with other rows: the bootstrap, many replicates at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from jaxtyping import Float

from leadline.core import InputError, Result, numpy_generator
from leadline.evaluation.areas import Areas
from leadline.evaluation.columns import Column, to_positive, to_scores, to_weights
from leadline.evaluation.measured_curves import ScoreCurves, score_curves
from leadline.evaluation.resampling import GRID, SortedRows, resample

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas

AREA_NAMES = tuple(field.name for field in fields(Areas))
SPACES = ("roc", "precision_recall", "precision_recall_gain")
EFRON = "Efron & Tibshirani 1993, An introduction to the bootstrap, chapter 13 (percentile interval)"

Grid: TypeAlias = Float[np.ndarray, " grid"]


@dataclass(frozen=True, kw_only=True)
class AreaInterval:
    """An area with its percentile interval and the standard deviation of the replicates."""

    area: str
    value: float
    low: float
    high: float
    standard_error: float


@dataclass(frozen=True, kw_only=True)
class Band:
    """Pointwise interval of a curve's height at 101 places of its horizontal axis."""

    space: str  # one of SPACES
    x: Grid
    low: Grid
    high: Grid


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class BootstrapIntervals(Result):
    """Intervals for every area and bands for the three curves of one score."""

    curves: ScoreCurves
    intervals: tuple[AreaInterval, ...]
    bands: tuple[Band, ...]
    confidence: float
    replicates: int

    def interval(self, area: str) -> AreaInterval:
        """The interval of one area by name."""
        return next(one for one in self.intervals if one.area == area)

    def headline(self) -> str:
        parts = (f"{one.area} {one.value:.4f} [{one.low:.4f}, {one.high:.4f}]" for one in self.intervals)
        return f"{100 * self.confidence:g}% intervals of {self.replicates} replicates: " + ", ".join(parts)

    def to_frame(self) -> "pandas.DataFrame":
        import pandas as pd

        return pd.DataFrame([vars(one) for one in self.intervals])

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        self.draw_space(ax, "roc")

    def draw_space(self, ax: "matplotlib.axes.Axes", space: str) -> None:
        """One curve with its band; `space` is roc, precision_recall or precision_recall_gain."""
        getattr(self.curves, space).draw(ax)
        draw_band(ax, next(band for band in self.bands if band.space == space))


def draw_band(ax: "matplotlib.axes.Axes", band: Band) -> None:
    """Shade a band in the colour of the last curve drawn."""
    ax.fill_between(band.x, band.low, band.high, alpha=0.2, linewidth=0, color=ax.lines[-1].get_color())


def bootstrap_intervals(
    y_true: Column,
    y_score: Column,
    *,
    sample_weight: Column | None = None,
    pos_label: Any = None,
    confidence: float = 0.95,
    replicates: int = 1000,
    seed: int = 0,
) -> BootstrapIntervals:
    """Measure how sure the areas and curves of a score are, by drawing its rows again with replacement.

    Rows of both classes are drawn together, so prevalence varies as it would; a replicate that lacks a class is
    drawn again. Percentile intervals, in the units of each area.

    Args:
        y_true: one label per row, of two values.
        y_score: one finite number per row.
        sample_weight: one weight >= 0 per row; a row drawn twice counts twice its weight.
        pos_label: the positive label; not needed for {0, 1}, {-1, 1} and booleans.
        confidence: coverage aimed at, between 0 and 1.
        replicates: how many times to draw, at least 2.
        seed: of the draws.

    Raises:
        InputError: as `roc_curve`; confidence outside (0, 1); fewer than 2 replicates.

    >>> found = bootstrap_intervals([0, 0, 1, 1] * 10, [0.1, 0.4, 0.35, 0.8] * 10, replicates=200)
    >>> found.interval("auroc").low < 0.75 < found.interval("auroc").high
    True

    Source: Efron & Tibshirani 1993, chapter 13.
    """
    check_plan("bootstrap_intervals", confidence, replicates)
    curves = score_curves(y_true, y_score, sample_weight=sample_weight, pos_label=pos_label)
    rows = sorted_rows("bootstrap_intervals", y_true, [y_score], sample_weight, pos_label)
    drawn = resample(rows, replicates=replicates, generator=numpy_generator("bootstrap_intervals", seed))
    return BootstrapIntervals(
        curves=curves,
        intervals=intervals_of(curves.areas, drawn.areas[0], confidence),
        bands=bands_of(drawn.heights[0], confidence),
        confidence=confidence,
        replicates=replicates,
        sources=(EFRON,),
    )


def check_plan(operation: str, confidence: float, replicates: int) -> None:
    """Refuse a coverage or a number of replicates that means nothing."""
    if not 0 < confidence < 1:
        raise InputError(operation, expected="0 < confidence < 1", got=repr(confidence), remedy="pass e.g. 0.95")
    if replicates < 2:
        raise InputError(operation, expected="at least 2 replicates", got=repr(replicates), remedy="pass e.g. 1000")


def sorted_rows(
    operation: str, y_true: Column, scores: Sequence[Column], sample_weight: Column | None, pos_label: Any
) -> list[SortedRows]:
    """Each score's rows in descending order, ties marked, for drawing all of them alike."""
    positive = to_positive(operation, y_true, pos_label)
    weights = to_weights(operation, sample_weight, positive.size)
    return [SortedRows.by_score(np.asarray(to_scores(operation, one), np.float64), positive, weights) for one in scores]


def intervals_of(
    found: Areas, replicates: Float[np.ndarray, "areas replicates"], confidence: float
) -> tuple[AreaInterval, ...]:
    """Percentile interval of each area."""
    low, high = np.quantile(replicates, _tails(confidence), axis=1)
    return tuple(
        AreaInterval(area=name, value=getattr(found, name), low=float(low[place]), high=float(high[place]),
                     standard_error=float(replicates[place].std(ddof=1)))
        for place, name in enumerate(AREA_NAMES)
    )  # fmt: skip


def bands_of(heights: Float[np.ndarray, "spaces replicates grid"], confidence: float) -> tuple[Band, ...]:
    """Pointwise percentile band of each curve."""
    bands = []
    for space, height in zip(SPACES, heights, strict=True):
        low, high = np.quantile(height, _tails(confidence), axis=0, method="nearest")  # keeps -inf apart
        bands.append(Band(space=space, x=GRID, low=low, high=high))
    return tuple(bands)


def _tails(confidence: float) -> list[float]:
    return [(1 - confidence) / 2, (1 + confidence) / 2]
