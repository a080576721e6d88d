"""A linear fit whose weights come with intervals, and the rows that it is made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from leadline.core import Result, refuse

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas

INTERCEPT = "intercept"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class LinearFit(Result):
    """Weights of a linear model with standard errors and Student intervals.

    Attributes:
        names: of the weights; the intercept, if there is one, is the last.
        weights: in target units per unit of the feature.
        standard_errors: of the weights.
        rows: fitted.
        level: of the intervals.
    """

    names: tuple[str, ...]
    weights: Float[np.ndarray, " weights"]
    standard_errors: Float[np.ndarray, " weights"]
    rows: int
    level: float

    @property
    def degrees_of_freedom(self) -> int:
        """Rows less fitted weights."""
        return self.rows - len(self.weights)

    @property
    def intervals(self) -> Float[np.ndarray, "weights 2"]:
        """By weight the low and the high end."""
        from scipy.special import stdtrit

        half = stdtrit(self.degrees_of_freedom, 0.5 + self.level / 2) * self.standard_errors
        return np.stack([self.weights - half, self.weights + half], axis=1)

    def to_frame(self) -> "pandas.DataFrame":
        import pandas as pd

        unit, (low, high) = "target_units_per_unit", self.intervals.T
        return pd.DataFrame({"feature": self.names, f"weight_{unit}": self.weights,
                             f"standard_error_{unit}": self.standard_errors, f"low_{unit}": low,
                             f"high_{unit}": high})  # fmt: skip

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        """Weights and their intervals; the intercept, which is of another kind, is left out."""
        self.draw_beside(ax)
        ax.axvline(0.0, color="C3", linewidth=1)

    def draw_beside(self, ax: "matplotlib.axes.Axes", *, lower: float = 0.0, label: str = "") -> None:
        """The same without the line at zero, `lower` by so many rows, to compare fits."""
        shown = [place for place, name in enumerate(self.names) if name != INTERCEPT]
        at, (low, high) = np.arange(len(shown)), self.intervals[shown].T
        weights = self.weights[shown]
        ax.errorbar(weights, at + lower, xerr=[weights - low, high - weights], fmt="o", markersize=4, capsize=2,
                    label=label or f"weight, {self.level:.0%} interval")  # fmt: skip
        ax.set_yticks(at, [self.names[place] for place in shown])
        ax.set_ylim(len(shown) - 0.5, -0.5)
        ax.set(xlabel="weight (target units per unit of the feature)", ylabel="feature")
        ax.legend(fontsize="small")

    def said(self, place: int) -> str:
        """One weight in words."""
        low, high = self.intervals[place]
        return f"{self.names[place]} {self.weights[place]:.4g} [{low:.4g}, {high:.4g}]"

    @property
    def clearest(self) -> int:
        """The weight, other than the intercept, that is the most standard errors away from zero."""
        scores = np.abs(self.weights) / np.maximum(self.standard_errors, np.finfo(float).tiny)
        return int(np.argmax(np.where(np.array(self.names) == INTERCEPT, -1.0, scores)))


@dataclass(frozen=True, eq=False, kw_only=True)
class Design:
    """What a linear model is fitted to: a column of ones is the last where there is an intercept."""

    matrix: Float[np.ndarray, "rows weights"]
    targets: Float[np.ndarray, " rows"]
    names: tuple[str, ...]
    lengths: Float[np.ndarray, " weights"]  # of the columns; divided by them they are of one size
    spread: Float[np.ndarray, " weights"]  # diagonal of the inverse Gram matrix


def design_of(
    operation: str, inputs: Any, targets: Any, names: Sequence[str] | None, intercept: bool, level: float
) -> Design:
    """The design of a caller's arrays.

    Raises:
        InputError: arrays that do not belong together or are not finite, no more rows than weights, columns that
            depend on each other, names that do not fit, or a level that is no probability.
    """
    try:
        X, y = np.asarray(inputs, dtype=float), np.asarray(targets, dtype=float)
    except (TypeError, ValueError) as error:
        refuse(operation, "arrays of numbers", str(error), "pass X (rows, features) and y (rows,)")
    if X.ndim != 2 or y.shape != (len(X),) or not (np.isfinite(X).all() and np.isfinite(y).all()):
        got = f"shapes {X.shape} and {y.shape}"
        refuse(operation, "finite X (rows, features) and y (rows,)", got, "correct the arrays")
    if not 0 < level < 1:
        refuse(operation, "a level between 0 and 1", str(level), "pass e.g. 0.95")
    called = tuple(f"x{place + 1}" for place in range(X.shape[1])) if names is None else tuple(names)
    if len(called) != X.shape[1] or len(set(called)) < len(called) or INTERCEPT in called:
        refuse(operation, f"{X.shape[1]} different names other than {INTERCEPT!r}", str(called), "name every feature")
    matrix = np.column_stack([X, np.ones(len(X))]) if intercept else X
    count = matrix.shape[1]
    if not 0 < count < len(matrix):
        refuse(operation, "more rows than weights", f"{len(matrix)} rows, {count} weights", "leave features out")
    lengths = np.linalg.norm(matrix, axis=0)
    lengths = np.where(lengths > 0, lengths, 1.0)
    triangle = np.linalg.qr(matrix / lengths, mode="r")
    if np.linalg.matrix_rank(triangle) < count:
        refuse(operation, "features that do not depend on each other" + " or are constant" * intercept,
               f"rank {np.linalg.matrix_rank(triangle)} of {count} columns", "leave some out")  # fmt: skip
    spread = np.square(np.linalg.inv(triangle)).sum(1) / np.square(lengths)
    every = (*called, INTERCEPT) if intercept else called
    return Design(matrix=matrix, targets=y, names=every, lengths=lengths, spread=spread)
