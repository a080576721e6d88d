"""Rules that read a learning rate off the curve of a range test; each may have no suggestion."""

import bisect
import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

Curve = Float[np.ndarray, " steps"]
RULES: tuple[str, ...] = ("minimum / 10", "valley", "steepest", "last before divergence", "lr_min", "lr_max")
_WORSE = 4.0  # times the best smoothed loss, and above the first: diverged (fastai's and Lightning's factor)
_FELL = 0.1  # of the whole fall: here learning has begun
_CLEAR, _ROUNDING = 6.0, 1e-6  # standard errors, and share of the loss, that the fall must exceed


def smoothed(losses: Curve, memory: float) -> Curve:
    """Exponential moving average, divided by the weight it has gathered, so that a constant stays that constant.

    >>> smoothed(np.array([2.0, 2.0, 2.0]), 0.98)
    array([2., 2., 2.])
    """
    averages, average, weight = np.empty(len(losses)), 0.0, 0.0
    for place, loss in enumerate(losses.tolist()):
        average, weight = memory * average + (1 - memory) * loss, memory * weight + (1 - memory)
        averages[place] = average / weight
    return averages


@dataclass(frozen=True)
class Suggestions:
    """What every rule reads off one curve; NaN: no suggestion. `why` says why there is none."""

    rates: dict[str, float]
    why: str = ""


def read_rules(rates: Curve, losses: Float[np.ndarray, " finite"], memory: float) -> Suggestions:
    """Apply all rules to the curve of one run, which ends before the first loss that is not finite.

    Args:
        rates: the whole ladder, also the rungs that were not reached.
        losses: as many as are finite.
        memory: of the moving average.
    """
    nothing = dict.fromkeys(RULES, math.nan)
    if len(losses) < 3:
        return Suggestions(nothing, "fewer than three finite losses: start at a smaller rate")
    curve = smoothed(losses, memory)
    worse = np.flatnonzero((curve > _WORSE * np.minimum.accumulate(curve)) & (curve > curve[0]))
    end = int(worse[0]) if len(worse) else len(curve)
    if end < len(rates):
        nothing["last before divergence"] = float(rates[max(end - 1, 0)])
    lowest = int(np.argmin(curve[:end]))
    start = float(losses[: max(1, round(1 / (1 - memory)))].mean())  # one loss alone is too noisy to compare with
    fall = start - curve[lowest]
    if not fall > max(_CLEAR * _standard_error(losses[: lowest + 1], memory), _ROUNDING * abs(start)):
        return Suggestions(nothing, "the loss never falls clearly")
    found = nothing | {
        "valley": float(rates[_valley(curve[:end])]),
        "steepest": float(rates[np.argmin(np.gradient(curve[: lowest + 1], np.log(rates[: lowest + 1])))]),
        "lr_min": float(rates[np.argmax(curve <= start - _FELL * fall)]),
    }
    if lowest == len(rates) - 1:
        return Suggestions(found, "the loss still falls at the top of the ladder: raise it")
    return Suggestions(found | {"minimum / 10": float(rates[lowest]) / 10, "lr_max": float(rates[lowest])})


def _standard_error(losses: Curve, memory: float) -> float:
    # Of a smoothed value, from neighbouring losses' differences: the trend hardly enters these.
    if len(losses) < 3:
        return math.inf
    spread = float(np.std(np.diff(losses))) / math.sqrt(2)
    return spread * math.sqrt((1 - memory) / (1 + memory))


def _valley(curve: Curve) -> int:
    # The middle of the longest falling subsequence (fastai's rule, there in quadratic time).
    lengths: list[int] = []
    tails: list[float] = []  # negated last values of falling subsequences, by length
    for value in (-curve).tolist():
        place = bisect.bisect_left(tails, value)
        tails[place : place + 1] = [value]
        lengths.append(place + 1)
    longest = max(lengths)
    end = lengths.index(longest)
    start, third = end - longest, longest / 3
    return max(start, 0) + int(third) + int(third / 2)
