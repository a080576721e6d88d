"""S = S_min (1 + B_crit / B): steps to a target by batch size, fitted to logarithms, unreached targets censored."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

_WORST = 5.0  # an unreached target's logarithm counts as at most so many spreads away from its limit
_SPREADS = (0.01, 3.0)  # of log steps
_PRECISION = 3e-3  # relative, of an interval's end
_UNKNOWN = (math.nan, math.nan)


@dataclass(frozen=True)
class Knee:
    """The fit. Intervals are NaN where too few runs arrived; an end that the data leave open is 0 or infinite."""

    smallest: float  # S_min
    critical: float  # B_crit
    smallest_interval: tuple[float, float] = _UNKNOWN
    critical_interval: tuple[float, float] = _UNKNOWN


def fit_knee(
    sizes: Float[np.ndarray, " points"],
    steps: Float[np.ndarray, " points"],
    reached: Bool[np.ndarray, " points"],
    confidence: float = 0.9,
) -> Knee:
    """S_min and B_crit of largest likelihood, log steps being normal about the curve, and profile likelihood intervals.

    An interval holds the values at which twice the log likelihood, all else fitted anew, is less than
    n log(1 + t^2 / (n - 2)) below its top, t being Student's with n - 2 degrees of freedom for n arrivals. With all
    runs arrived that is the F test of one parameter: it allows for a spread that is known from few runs only.

    Args:
        sizes: batch size of each run.
        steps: that it took; where the target was not reached, those that it had.
        reached: whether it was.
        confidence: of the intervals.

    >>> sizes = np.array([1.0, 4.0, 16.0, 64.0])
    >>> knee = fit_knee(sizes, 50 * (1 + 10 / sizes), np.ones(4, bool))
    >>> round(knee.smallest, 3), round(knee.critical, 3)
    (50.0, 10.0)
    """
    from scipy.stats import t

    likelihood = _Likelihood(sizes, np.log(steps), reached)
    best = likelihood.best()
    smallest, critical = (float(value) for value in np.exp(best[:2]))
    freedom = int(reached.sum()) - 2
    if freedom < 1:
        return Knee(smallest, critical)
    drop = (freedom + 2) * math.log1p(float(t.ppf((1 + confidence) / 2, freedom)) ** 2 / freedom)
    ends = [likelihood.interval(best, which, drop) for which in (0, 1)]
    return Knee(smallest, critical, *ends)


class _Likelihood:
    """Of (log S_min, log B_crit, log spread)."""

    def __init__(self, sizes: np.ndarray, log_steps: np.ndarray, reached: np.ndarray) -> None:
        self.sizes, self.log_steps, self.reached = sizes, log_steps, reached
        self.bounds = np.array([
            (-20.0, 50.0), (np.log(sizes.min()) - 7, np.log(sizes.max()) + 7), np.log(_SPREADS),
        ])  # fmt: skip

    def off(self, at: np.ndarray) -> np.ndarray:
        """Log steps less the curve's."""
        return self.log_steps - at[0] - np.log1p(np.exp(at[1]) / self.sizes)

    def unlikely(self, at: np.ndarray) -> tuple[float, np.ndarray]:
        """Minus the log likelihood, and its gradient."""
        from scipy.special import log_ndtr

        spread = np.exp(at[2])
        off = self.off(at) / spread
        capped = np.minimum(off, _WORST)
        missed = log_ndtr(-capped)
        hazard = np.exp(-(capped**2) / 2 - missed) / math.sqrt(2 * math.pi) * (off < _WORST)
        value = np.where(self.reached, off**2 / 2 + at[2], -missed).sum()
        slope = np.where(self.reached, off, hazard)  # in each run's own log steps
        share = 1 / (1 + self.sizes * np.exp(-at[1]))
        gradient = [-slope.sum() / spread, -(slope * share).sum() / spread, self.reached.sum() - (slope * off).sum()]
        return float(value), np.array(gradient)

    def best(self) -> np.ndarray:
        """Where the likelihood is largest."""
        from scipy.optimize import least_squares

        some = self.reached if self.reached.any() else np.ones(len(self.sizes), bool)
        begin = np.array([self.log_steps[some].min(), np.log(np.median(self.sizes))])
        low, high = self.bounds[:2].T
        first = least_squares(lambda at: self.off(at)[some], np.clip(begin, low, high), bounds=(low, high))
        spread = np.clip(math.log(math.sqrt(np.mean(first.fun**2)) + 1e-12), *self.bounds[2])
        at = np.array([*first.x, spread])
        return at if self.reached.all() else self._others(at, ())[1]

    def interval(self, best: np.ndarray, which: int, drop: float) -> tuple[float, float]:
        """Where twice the log likelihood, one parameter held, is less than `drop` below its top."""
        top = self.unlikely(best)[0]
        low, high = (self._end(best, which, float(limit), top + drop / 2) for limit in self.bounds[which])
        return low, high

    def _end(self, best: np.ndarray, which: int, limit: float, level: float) -> float:
        from scipy.optimize import brentq

        def above(value: float) -> float:
            return self._others(np.where(np.arange(3) == which, value, best), (which,))[0] - level

        # Steps that double find the end's neighbourhood: far off, the fit of the others starts from too far away.
        inner, width = float(best[which]), 0.05 if limit > best[which] else -0.05
        while abs(limit - inner) > abs(width):
            outer = inner + width
            if above(outer) > 0:
                root: Any = brentq(above, inner, outer, xtol=_PRECISION)
                return math.exp(root)
            inner, width = outer, 2 * width
        return math.inf if width > 0 else 0.0

    def _others(self, at: np.ndarray, held: tuple[int, ...]) -> tuple[float, np.ndarray]:
        # The parameters that are not held, fitted anew.
        from scipy.optimize import minimize

        free = np.setdiff1d(np.arange(3), held)

        def whole(some: np.ndarray) -> np.ndarray:
            full = at.copy()
            full[free] = some
            return full

        def unlikely(some: np.ndarray) -> tuple[float, np.ndarray]:
            value, gradient = self.unlikely(whole(some))
            return value, gradient[free]

        bounds = [*map(tuple, self.bounds[free])]
        found = minimize(unlikely, at[free], jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-7})
        return float(found.fun), whole(found.x)
