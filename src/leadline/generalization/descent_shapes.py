"""Falls, rises and falls again: where a curve has its peak between two valleys, and how high the peak stands."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from leadline.core import numpy_generator

SHOWN = 1.1  # a peak so many times as high as both valleys counts as double descent


@dataclass(frozen=True, kw_only=True)
class DescentShape:
    """The peak of a curve that stands out most from the lowest points on both its sides.

    Attributes:
        before, peak, after: places on the curve of the first valley, the peak and the second valley.
        low_before, high, low_after: the curve there.
    """

    before: int
    peak: int
    after: int
    low_before: float
    high: float
    low_after: float

    @property
    def strength(self) -> float:
        """The smaller of the rise and the second fall, in the units of the curve."""
        return self.high - max(self.low_before, self.low_after)

    @property
    def ratio(self) -> float:
        """The peak over the higher of the two valleys; 1 where the curve has no peak."""
        higher = max(self.low_before, self.low_after)
        return self.high / higher if higher > 0 else float("inf") if self.high > 0 else 1.0

    @property
    def shown(self) -> bool:
        """Does the curve fall, rise and fall again by more than fluctuations?"""
        return self.low_before < np.inf and self.ratio >= SHOWN


def descent_shape(curve: Float[np.ndarray, " places"], *, smoothing: int = 1) -> DescentShape:
    """Find the peak with the largest of `min(rise, second fall)`.

    A curve that only falls, or only rises, or falls and rises once has a ratio of 1. Without smoothing a single place
    may be the peak: along widths or samples the one at interpolation rightly is, where the others are 5 % away, and
    seeds tell it from chance. Along time, where neighbours are alike, a spike of one place is none.

    Args:
        curve: a risk or error along an axis.
        smoothing: width of a running median; spikes of up to half of it do not count.

    >>> shape = descent_shape(np.array([5.0, 2.0, 8.0, 3.0, 1.0, 4.0]))
    >>> shape.before, shape.peak, shape.after, shape.strength, shape.ratio
    (1, 2, 4, 6.0, 4.0)
    """
    smooth = running_median(curve, smoothing)
    first = np.minimum.accumulate(smooth)
    second = np.minimum.accumulate(smooth[::-1])[::-1]
    peak = int(np.argmax(smooth - np.maximum(first, second)))
    return DescentShape(
        before=int(np.argmin(smooth[: peak + 1])),
        peak=peak,
        after=peak + int(np.argmin(smooth[peak:])),
        low_before=float(first[peak]),
        high=float(smooth[peak]),
        low_after=float(second[peak]),
    )


def median_ratio(
    curves: Float[np.ndarray, "seeds places"], *, smoothing: int = 1, resamples: int = 1000
) -> tuple[float, float, float]:
    """Peak over the higher valley of the median curve, and its 2.5 % and 97.5 % quantiles over resampled seeds.

    Of a median curve, since the ratio of a single seed's takes the largest and least of its fluctuations.

    Args:
        curves: one per seed.
        smoothing: as in `descent_shape`.
        resamples: how often as many seeds are drawn with replacement.

    >>> median_ratio(np.array([[1.0, 3.0, 1.5], [1.0, 3.0, 1.5]]))
    (2.0, 2.0, 2.0)
    """
    generator, seeds = numpy_generator("median ratio"), len(curves)
    ratios = [
        descent_shape(np.median(curves[generator.integers(0, seeds, seeds)], axis=0), smoothing=smoothing).ratio
        for _ in range(resamples)
    ]
    low, high = np.quantile(ratios, [0.025, 0.975])
    return descent_shape(np.median(curves, axis=0), smoothing=smoothing).ratio, float(low), float(high)


def running_median(curve: Float[np.ndarray, " places"], width: int) -> Float[np.ndarray, " places"]:
    """The median over `width` neighbouring places, the ends repeated."""
    if width == 1:
        return curve
    from scipy.ndimage import median_filter

    return median_filter(curve, width, mode="nearest")
