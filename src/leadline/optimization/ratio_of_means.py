"""tr(Sigma), |G|^2 and their ratio from gradients of batches, with intervals from leaving out one batch at a time.

The examples are a simple random sample, without replacement, of a finite population, the data. For n of N examples
with mean gradient g, mean squared norm m and s = n/(n-1) (m - |g|^2),

    tr(Sigma) is estimated by s (N-1)/N   and   |G|^2 by |g|^2 - s/n (N-n)/N,

both without bias, and exact for n = N (Cochran 1977, theorems 2.2 and 2.4).
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

Pair = tuple[float, float]
Numbers = float | int | np.ndarray
_PROBABLY = 0.9


@dataclass(frozen=True)
class NoiseReading:
    """Gradient noise of some parameters.

    Attributes:
        trace: tr(Sigma), the variance of one example's gradient summed over parameters; loss^2 / parameter^2.
        squared_norm: |G|^2 of the mean gradient, the same unit; an unbiased estimate may be negative.
        scale: tr(Sigma) / |G|^2, in examples; infinite where |G|^2 is not resolved from zero from below.
        trace_interval, squared_norm_interval, scale_interval: at the confidence asked for; the last is Fieller's, so
            it has no upper end where |G|^2 may be zero.
    """

    trace: float
    squared_norm: float
    scale: float
    trace_interval: Pair
    squared_norm_interval: Pair
    scale_interval: Pair

    @property
    def resolved(self) -> bool:
        """Whether the interval of |G|^2 excludes zero, so that the noise scale has an upper end."""
        return self.squared_norm_interval[0] > 0


def estimates(squares: Numbers, norms: Numbers, counts: Numbers, population: int) -> tuple[Any, Any]:
    """tr(Sigma) and |G|^2 from the mean squared norm, the squared norm of the mean, and the number of examples.

    >>> estimates(2.0, 1.5, 4, population=4)  # all there are: exact
    (0.5, 1.5)
    """
    spread = counts / (counts - 1) * (squares - norms)
    return spread * (population - 1) / population, norms - spread / counts * (population - counts) / population


def read_noise(
    sums: Float[np.ndarray, " batches"],
    products: Float[np.ndarray, "batches batches"],
    counts: Float[np.ndarray, " batches"],
    *,
    population: int,
    confidence: float,
) -> NoiseReading:
    """The reading from batches.

    Args:
        sums: by batch the sum of its examples' squared gradient norms.
        products: inner products of the batches' gradients, each the sum over its examples.
        counts: examples by batch.
        population: examples in the data.
        confidence: of the intervals.

    Returns:
        Estimates, and intervals by the jackknife over batches; none wider than a point where all data were seen.
    """
    total = counts.sum()
    trace, norm = estimates(sums.sum() / total, products.sum() / total**2, total, population)
    covariance = _jackknife(sums, products, counts, population) if total < population else np.zeros((2, 2))
    width = _student(confidence, len(sums) - 1)
    ends = [
        (float(v - width * e), float(v + width * e))
        for v, e in zip((trace, norm), np.sqrt(np.diag(covariance)), strict=True)
    ]
    ends[0] = (max(ends[0][0], 0.0), ends[0][1])
    scale = float(trace / norm) if norm > 0 else math.inf
    interval = _fieller(float(trace), float(norm), covariance, width)
    return NoiseReading(float(trace), float(norm), scale, ends[0], ends[1], interval)


def likely_needed(reading: NoiseReading, used: int, *, batches: int, confidence: float) -> float:
    """Examples at which the interval of |G|^2 will probably exclude zero, read off a sample where it does not.

    The estimate of |G|^2 from n examples has the variance a/n^2 + 4 G'Sigma G / n with a = 2 tr(Sigma^2); G'Sigma G is
    taken for |G|^2 a / (2 tr(Sigma)), and a is what the sample's own interval then says. |G|^2 is taken for what it
    exceeds with a probability of nine tenths, given the estimate and that it is no less than zero: the estimate itself
    is large where the sample exaggerates, and negative half of the time where noise prevails.

    >>> unresolved = NoiseReading(1.0, 0.01, 100.0, (0.9, 1.1), (-0.01, 0.03), (20.0, math.inf))
    >>> round(likely_needed(unresolved, 100, batches=9, confidence=0.95))
    1387
    """
    from scipy.stats import norm

    low, high = reading.squared_norm_interval
    error = (high - low) / 2 / _student(confidence, batches - 1)
    if not error > 0 or not reading.trace > 0:
        return math.inf
    signal = 2 * max(reading.squared_norm, 0.0) / reading.trace
    root = error / math.sqrt(1 / used**2 + signal / used)  # of a
    point = reading.squared_norm * used / root
    least = root / used * (point - float(norm.ppf(_PROBABLY * norm.cdf(point))))
    width = float(norm.ppf((1 + confidence) / 2) + norm.ppf(_PROBABLY))
    return 1 / (least * (math.hypot(1 / reading.trace, 1 / (width * root)) - 1 / reading.trace))


def _jackknife(sums: np.ndarray, products: np.ndarray, counts: np.ndarray, population: int) -> np.ndarray:
    total, batches = counts.sum(), len(sums)
    left = total - counts
    without = products.sum() - 2 * products.sum(1) + np.diag(products)
    traces, norms = estimates((sums.sum() - sums) / left, without / left**2, left, population)
    # The estimates of |G|^2 correct for the number left in, so their spread is that of the sample, not of its size.
    return (1 - total / population) * (batches - 1) / batches * _scatter(traces, norms)


def _scatter(traces: np.ndarray, norms: np.ndarray) -> np.ndarray:
    centred = np.stack([traces - traces.mean(), norms - norms.mean()])
    return centred @ centred.T


def _student(confidence: float, freedom: int) -> float:
    from scipy.stats import t

    return float(t.ppf((1 + confidence) / 2, freedom))


def _fieller(trace: float, norm: float, covariance: np.ndarray, width: float) -> Pair:
    # All ratios r for which trace - r norm is within `width` standard errors of zero.
    a = norm**2 - width**2 * covariance[1, 1]
    b = trace * norm - width**2 * covariance[0, 1]
    c = trace**2 - width**2 * covariance[0, 0]
    root = math.sqrt(max(b**2 - a * c, 0.0))
    if norm > 0 and a > 0:
        return max(float((b - root) / a), 0.0), float((b + root) / a)
    # |G|^2 may be zero: unbounded above. Of the two rays that are left, the one of positive ratios starts here.
    low = (b - root) / a if a != 0 else c / (2 * b) if b else 0.0
    return (max(low, 0.0) if b > 0 or a < 0 else 0.0), math.inf
