"""Maximum likelihood of a linear model with Gaussian noise: weights, variance, and how sure they are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from leadline.generalization.weight_intervals import LinearFit, design_of

_SOURCES = ("Seber & Lee 2003, Linear Regression Analysis, chapters 3 and 4",
            "CS/DS 541 Deep Learning, homework 2, problem 5 (fall 2023)")  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class LinearGaussianFit(LinearFit):
    """y ~ N(X w, variance), the variance being the same everywhere.

    Attributes:
        variance_ml: mean squared residual, the maximum-likelihood variance; too small on average.
        variance: sum of squared residuals over the degrees of freedom; right on average, and what the intervals use.
        variance_low, variance_high: chi-squared interval of the variance.
        log_likelihood: at the maximum, natural logarithm, constants included.
    """

    variance_ml: float
    variance: float
    variance_low: float
    variance_high: float
    log_likelihood: float

    def headline(self) -> str:
        return (
            f"linear-Gaussian maximum likelihood on {self.rows} rows: {self.said(self.clearest)}; noise variance "
            f"{self.variance_ml:.4g} (unbiased {self.variance:.4g} [{self.variance_low:.4g}, "
            f"{self.variance_high:.4g}]), log likelihood {self.log_likelihood:.6g}"
        )


def linear_gaussian_fit(
    X: Float[np.ndarray, "rows features"],
    y: Float[np.ndarray, " rows"],
    *,
    names: Sequence[str] | None = None,
    intercept: bool = True,
    level: float = 0.95,
) -> LinearGaussianFit:
    """The weights and the noise variance under which the targets are most probable, with exact intervals.

    Intervals cover with probability `level` where the noise is Gaussian, independent and of one variance.

    Args:
        X: inputs.
        y: real targets.
        names: of the features.
        intercept: does the model have one?
        level: of the intervals.

    Returns:
        Weights (least squares) with Student intervals, both variances with a chi-squared interval, log likelihood.

    Raises:
        InputError: no more rows than weights, dependent columns, or arrays that do not belong together.

    Source: Seber & Lee (2003), chapters 3 and 4; CS/DS 541 homework 2, problem 5.

    >>> fit = linear_gaussian_fit(np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([1.0, 2.0, 4.0, 5.0]))
    >>> fit.weights.round(6).tolist(), round(fit.variance_ml, 6), round(fit.variance, 6)
    ([1.4, 0.9], 0.05, 0.1)
    """
    from scipy.stats import chi2

    design = design_of("linear_gaussian_fit", X, y, names, intercept, level)
    weights = np.linalg.lstsq(design.matrix / design.lengths, design.targets, rcond=None)[0] / design.lengths
    squares = float(np.square(design.targets - design.matrix @ weights).sum())
    rows, count = design.matrix.shape
    variance_ml, variance = squares / rows, squares / (rows - count)
    high, low = chi2.ppf([0.5 - level / 2, 0.5 + level / 2], rows - count)
    with np.errstate(divide="ignore"):  # a perfect fit is infinitely likely
        log_likelihood = -rows / 2 * (np.log(2 * np.pi * variance_ml) + 1)
    return LinearGaussianFit(
        names=design.names,
        weights=weights,
        standard_errors=np.sqrt(variance * design.spread),
        rows=rows,
        level=level,
        variance_ml=variance_ml,
        variance=variance,
        variance_low=squares / float(low),
        variance_high=squares / float(high),
        log_likelihood=float(log_likelihood),
        caveats=("intervals assume Gaussian noise of one variance, independent from row to row",),
        sources=_SOURCES,
    )
