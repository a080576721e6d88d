"""S = S_min (1 + B_crit / B): steps to a target by batch size, fitted to logarithms, unreached targets censored."""

import numpy as np
from jaxtyping import Bool, Float

_WORST = 5.0  # an unreached target's logarithm counts as at most so many spreads away from its limit


def fit_knee(
    sizes: Float[np.ndarray, " points"],
    steps: Float[np.ndarray, " points"],
    reached: Bool[np.ndarray, " points"],
) -> tuple[float, float]:
    """S_min and B_crit of largest likelihood, log steps being normal about the curve.

    Args:
        sizes: batch size of each run.
        steps: that it took; where the target was not reached, those that it had.
        reached: whether it was.

    >>> sizes = np.array([1.0, 4.0, 16.0, 64.0])
    >>> s_min, b_crit = fit_knee(sizes, 50 * (1 + 10 / sizes), np.ones(4, bool))
    >>> round(s_min, 3), round(b_crit, 3)
    (50.0, 10.0)
    """
    from scipy.optimize import least_squares, minimize
    from scipy.stats import norm

    log_steps = np.log(steps)

    def curve(at: np.ndarray) -> np.ndarray:
        return at[0] + np.log1p(np.exp(at[1]) / sizes)

    some = reached if reached.any() else np.ones(len(sizes), bool)
    begin = np.array([log_steps[some].min(), np.log(np.median(sizes))])
    bounds = ([-20.0, np.log(sizes.min()) - 7], [50.0, np.log(sizes.max()) + 7])
    first = least_squares(lambda at: (curve(at) - log_steps)[some], np.clip(begin, *bounds), bounds=bounds)
    if reached.all():
        return float(np.exp(first.x[0])), float(np.exp(first.x[1]))

    def unlikely(at: np.ndarray) -> float:
        spread = np.exp(at[2])
        off = (log_steps - curve(at)) / spread
        censored = norm.logsf(np.minimum(off[~reached], _WORST)).sum()
        return float(-norm.logpdf(off[reached]).sum() + reached.sum() * at[2] - censored)

    spread = np.log(max(float(np.std(first.fun)), 0.02))
    limits = [*zip(*bounds, strict=True), (np.log(0.01), np.log(3.0))]
    found = minimize(unlikely, [*first.x, spread], method="L-BFGS-B", bounds=limits)
    return float(np.exp(found.x[0])), float(np.exp(found.x[1]))
