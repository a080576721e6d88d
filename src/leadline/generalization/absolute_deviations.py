"""Least absolute deviations: the linear model with the smallest mean absolute error, exactly, by linear programming."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from leadline.core import DivergedError
from leadline.generalization.weight_intervals import LinearFit, design_of

_SOURCES = ("Koenker & Bassett 1978, Regression quantiles", "Hall & Sheather 1988 (bandwidth)",
            "CS/DS 541 Deep Learning, homework 2, problem 4 (fall 2023)")  # fmt: skip
_NOISELESS = 1e-9  # residuals over the largest target below which the noise is rounding


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class LeastAbsoluteDeviations(LinearFit):
    """The conditional median, linear in the features.

    Attributes:
        mae: mean absolute residual, in target units.
        optimality_gap: how far at most `mae` lies above the least one, by the dual program: rounding.
        density: of the noise at its median, estimated, per target unit; the intervals rest on it.
        slopes: by row a subgradient of the absolute residual in its prediction, from -1 to 1; over all rows they and
            their products with each feature add up to zero.
    """

    mae: float
    optimality_gap: float
    density: float
    slopes: Float[np.ndarray, " rows"]

    def headline(self) -> str:
        return (
            f"least absolute deviations on {self.rows} rows: {self.said(self.clearest)}; MAE {self.mae:.6g}, "
            f"exact within {self.optimality_gap:.1g}"
        )


def least_absolute_deviations(
    X: Float[np.ndarray, "rows features"],
    y: Float[np.ndarray, " rows"],
    *,
    names: Sequence[str] | None = None,
    intercept: bool = True,
    level: float = 0.95,
) -> LeastAbsoluteDeviations:
    """The weights with the smallest mean absolute error, which is proved on the way, with asymptotic intervals.

    The dual linear program (bounded slopes, one equation per weight) is solved by HiGHS; its multipliers are the
    weights. Standard errors are those of the median: 1/(2 f(0)) sqrt(diag (X'X)^-1), the density of the noise at its
    median from the quotient of residual quantiles within Hall & Sheather's bandwidth.

    Args:
        X: inputs.
        y: real targets.
        names: of the features.
        intercept: does the model have one?
        level: of the intervals.

    Returns:
        Weights with intervals, the mean absolute error, and the slopes that prove it the least.

    Raises:
        InputError: no more rows than weights, dependent columns, or arrays that do not belong together.
        DivergedError: the solver gave up.

    Source: Koenker & Bassett (1978); Hall & Sheather (1988); CS/DS 541 homework 2, problem 4.

    >>> fit = least_absolute_deviations(np.arange(5.0)[:, None], np.array([1.0, 2.0, 3.0, 4.0, 99.0]))
    >>> fit.weights.round(9).tolist(), round(fit.mae, 9)
    ([1.0, 1.0], 18.8)
    """
    from scipy.optimize import linprog

    design = design_of("least_absolute_deviations", X, y, names, intercept, level)
    rows, count = design.matrix.shape
    # Of min |y - D w|_1 the dual is max -y's over |s| <= 1 with D's = 0, where s is the slope in the prediction.
    # The solver's tolerances are absolute: columns of one length, targets up to 1.
    scale = float(np.abs(design.targets).max()) or 1.0
    solved: Any = linprog(design.targets / scale, A_eq=(design.matrix / design.lengths).T, b_eq=np.zeros(count),
                          bounds=(-1, 1), method="highs-ds")  # fmt: skip
    if solved.status != 0:
        raise DivergedError("least_absolute_deviations", expected="a linear program that HiGHS solves",
                            got=solved.message, remedy="standardize the features")  # fmt: skip
    weights = scale * solved.eqlin.marginals / design.lengths
    residuals = design.targets - design.matrix @ weights
    mae = float(np.abs(residuals).mean())
    density = _density_at_median(residuals, count, level, scale)
    caveats = ("intervals are asymptotic: noise independent of the features, with a density at its median",)
    if not np.isfinite(density):
        caveats += ("most residuals are zero: no density, and no width of the intervals",)
    return LeastAbsoluteDeviations(
        names=design.names,
        weights=weights,
        standard_errors=np.sqrt(design.spread) / (2 * density),
        rows=rows,
        level=level,
        mae=mae,
        optimality_gap=abs(mae + scale * float(solved.fun) / rows),
        density=density,
        slopes=np.asarray(solved.x),
        caveats=caveats,
        sources=_SOURCES,
    )


def _density_at_median(residuals: np.ndarray, count: int, level: float, scale: float) -> float:
    # Koenker (2005), section 3.4: 1/f(0) is the derivative of the quantile function at 1/2. A vertex solution meets
    # as many rows as it has weights; these zeros are no draws of the noise.
    from scipy.special import ndtri

    bandwidth = len(residuals) ** (-1 / 3) * ndtri(0.5 + level / 2) ** (2 / 3) * (1.5 / (2 * np.pi)) ** (1 / 3)
    noise = residuals[np.argsort(np.abs(residuals), kind="stable")[count:]]
    if not len(noise):
        return float("inf")
    shares = np.clip([0.5 - bandwidth, 0.5 + bandwidth], 0.0, 1.0)
    width = float(np.diff(np.quantile(noise, shares))[0])
    return float(np.diff(shares)[0]) / width if width > _NOISELESS * scale else float("inf")
