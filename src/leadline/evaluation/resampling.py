"""Areas and heights of many resampled data sets at once: rows stay sorted, only their multiplicities change."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Num

from leadline.evaluation.areas import (
    Steps,
    exact_precision,
    gain_area,
    stepped_precision,
    straight_precision,
    twice_missed,
)
from leadline.evaluation.gains import count_gain

GRID = np.linspace(0, 1, 101)
_ROUNDING = 1e-14  # of the joined coordinate: whole counts are missed by no more
_CELLS = 1 << 21  # rows times replicates treated at a time


@dataclass(frozen=True)
class SortedRows:
    """One score's rows from high to low."""

    order: Int[np.ndarray, " n"]
    positive: Bool[np.ndarray, " n"]  # in that order
    last: Int[np.ndarray, " thresholds"]  # last row of each group of ties
    weights: Float[np.ndarray, " n"] | None

    @classmethod
    def by_score(
        cls, scores: Float[np.ndarray, " n"], positive: Bool[np.ndarray, " n"], weights: Float[np.ndarray, " n"] | None
    ) -> "SortedRows":
        """Sort the rows of a score."""
        order = np.argsort(-scores, kind="stable")
        values = scores[order]
        last = np.append(np.flatnonzero(values[1:] != values[:-1]), values.size - 1)
        return cls(order, positive[order], last, None if weights is None else weights[order])

    def paths(
        self, multiplicity: Num[np.ndarray, "replicates n"]
    ) -> tuple[Num[np.ndarray, "replicates points"], Num[np.ndarray, "replicates points"]]:
        """(TP, FP) of every replicate at every threshold, from (0, 0) on."""
        amounts = multiplicity[:, self.order]
        if self.weights is not None:
            amounts = amounts * self.weights
        tp, called = np.cumsum(amounts * self.positive, axis=1), np.cumsum(amounts, axis=1)
        tp, called = (np.pad(one[:, self.last], ((0, 0), (1, 0))) for one in (tp, called))
        return tp, called - tp


@dataclass(frozen=True)
class Drawn:
    """What the replicates measured, per score."""

    areas: Float[np.ndarray, "scores areas replicates"]  # in the order of the fields of Areas
    heights: Float[np.ndarray, "scores spaces replicates grid"]  # TPR at FPR, precision at recall, gain at gain


def resample(rows: Sequence[SortedRows], *, replicates: int, generator: np.random.Generator) -> Drawn:
    """Draw rows with replacement, the same rows for all scores, and measure each replicate."""
    size = rows[0].order.size
    positive = np.empty(size, bool)
    positive[rows[0].order] = rows[0].positive
    areas, heights = [], []
    done = 0
    while done < replicates:
        count = min(max(1, _CELLS // size), replicates - done)
        multiplicity = _draw(generator, count, positive, rows[0])
        measured = [_measure(*one.paths(multiplicity)) for one in rows]
        areas.append(np.stack([found for found, _ in measured]))
        heights.append(np.stack([height for _, height in measured]))
        done += count
    return Drawn(np.concatenate(areas, axis=2), np.concatenate(heights, axis=2))


def _draw(
    generator: np.random.Generator, count: int, positive: np.ndarray, rows: SortedRows
) -> Int[np.ndarray, "replicates n"]:
    size = positive.size
    counted = np.ones(size, bool)
    if rows.weights is not None:
        counted[rows.order] = rows.weights > 0
    multiplicity = np.empty((count, size), np.int64)
    missing = np.arange(count)
    while missing.size:  # again where a class is missing
        picked = generator.integers(0, size, (missing.size, size))
        picked += size * np.arange(missing.size)[:, None]
        multiplicity[missing] = np.bincount(picked.ravel(), minlength=picked.size).reshape(missing.size, size)
        present = multiplicity[missing] > 0
        both = (present & (positive & counted)).any(axis=1) & (present & (~positive & counted)).any(axis=1)
        missing = missing[~both]
    return multiplicity


def _measure(tp: np.ndarray, fp: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    positives, negatives = tp[:, -1], fp[:, -1]
    row, steps = _steps_by_row(tp, fp)
    total = {"minlength": tp.shape[0]}
    areas = np.stack(
        [
            1 - np.bincount(row, twice_missed(steps), **total) / (2 * positives * negatives),
            np.bincount(row, exact_precision(steps), **total) / positives,
            np.bincount(row, stepped_precision(steps), **total) / positives,
            np.bincount(row, straight_precision(steps), **total) / positives,
            np.bincount(row, gain_area(steps, positives[row], negatives[row]), **total),
        ]
    )
    return areas, _heights(tp, fp, row, steps)


def _heights(tp: np.ndarray, fp: np.ndarray, row: np.ndarray, steps: Steps) -> Float[np.ndarray, "3 replicates grid"]:
    positives, negatives = tp[:, -1:], fp[:, -1:]
    across, runs = _steps_by_row(fp, tp)  # the same path by false positives
    tpr = _along(across, runs, GRID * negatives, side="right") / positives
    tpr[:, -1] = 1.0  # positives below all negatives come after the last step
    wanted = GRID * positives
    passed = _along(row, steps, wanted, side="left")
    called = wanted + passed
    precision = np.divide(wanted, called, out=np.zeros_like(called), where=called > 0)
    precision[:, 0] = precision[:, 1]
    odds = positives / negatives
    wanted = positives / (1 + (1 - GRID) / odds)
    gain = count_gain(_along(row, steps, wanted, side="left"), wanted, odds)
    return np.stack([tpr, precision, gain])


def _steps_by_row(tp: np.ndarray, fp: np.ndarray) -> tuple[np.ndarray, Steps]:
    gained = np.diff(tp, axis=1)
    row, column = np.nonzero(gained > 0)
    start = fp[row, column]
    return row, Steps(tp[row, column], start, gained[row, column], fp[row, column + 1] - start)


def _along(row: np.ndarray, steps: Steps, wanted: np.ndarray, *, side: str) -> np.ndarray:
    """The other coordinate where the first one is `wanted`, row by row, by one search in all rows joined end to end."""
    apart = 2.0 * (wanted.max() + 1)
    ends = row * apart + steps.tp + steps.gained
    place = np.arange(wanted.shape[0])[:, None]
    slack = _ROUNDING * apart * (wanted.shape[0] if side == "right" else -wanted.shape[0])
    found = np.searchsorted(ends, place * apart + wanted + slack, side="left" if side == "left" else "right")
    last = np.searchsorted(row, place, side="right") - 1
    found = np.minimum(found, last)
    share = np.clip((wanted - steps.tp[found]) / steps.gained[found], 0, 1)
    return steps.fp[found] + steps.passed[found] * share
