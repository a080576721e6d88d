"""Rules that read a learning rate off the curve of a range test; each may have no suggestion."""

import bisect
import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.ndimage import median_filter

Curve = Float[np.ndarray, " steps"]
RULES: tuple[str, ...] = ("minimum / 10", "valley", "steepest", "last before divergence", "lr_min", "lr_max")
ACCURACY_RULES: tuple[str, ...] = ("accuracy begins", "accuracy slows", "accuracy falls")
_WORSE = 4.0  # times the best smoothed loss, and above the first: diverged (fastai's and Lightning's factor)
_FELL = 0.1  # of the whole fall: here learning has begun
_CLEAR, _ROUNDING = 4.0, 1e-6  # standard errors, and share of the loss, that a fall must exceed
_DECADE = 10.0
_BEGUN, _SLOWED = 0.1, 0.9  # of the whole rise of the accuracy
_RISE = 0.1  # of all examples: a smaller rise of the accuracy is none
_NEIGHBOURS = 3


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
    curve, window = smoothed(losses, memory), max(1, round(1 / (1 - memory)))
    noise = _noise(losses)
    errors = noise * _shares(np.arange(len(curve)), memory)
    end = _end(curve, errors)
    if end < len(rates):
        nothing["last before divergence"] = float(rates[max(end - 1, 0)])
    # Before its memory is full an average is little else than the noise of a few losses.
    full = min(window, end - 1)
    lowest = full + int(np.argmin(curve[full:end]))
    start, error = float(losses[:end][:window].mean()), float(np.hypot(errors[full], errors[lowest]))
    fall, rise = start - curve[lowest], curve[end - 1] - curve[lowest]
    if lowest <= window and (end <= window or rise > _CLEAR * error):
        return Suggestions(nothing, "the loss rises from the bottom of the ladder on: lower lr_min")
    if not fall > max(_CLEAR * error, _ROUNDING * abs(start)):
        return Suggestions(nothing, "the loss never falls clearly")
    down = slice(lowest + 1)
    found = nothing | {
        "valley": float(rates[_valley(curve[:end])]),
        "steepest": _steepest(rates[down], curve[down], noise[down], memory, window),
        "lr_min": _begun(rates[down], curve[down], start - _FELL * fall, window),
    }
    if lowest == len(rates) - 1:
        return Suggestions(found, "the loss still falls at the top of the ladder: raise it")
    found["lr_max"] = float(rates[lowest])
    if rates[lowest] < _DECADE * rates[0]:
        return Suggestions(found, "the loss is lowest within a decade of the bottom of the ladder: lower lr_min")
    return Suggestions(found | {"minimum / 10": float(rates[lowest]) / _DECADE})


def middle_of_three(readings: Curve) -> Curve:
    """Running median of three readings, which has no lag; NaN after a run's end.

    >>> middle_of_three(np.array([0.1, 0.9, 0.1, 0.2, np.nan]))
    array([0.1, 0.1, 0.2, 0.2, nan])
    """
    seen = np.isfinite(readings)
    found = np.full(len(readings), np.nan)
    found[seen] = median_filter(readings[seen], size=_NEIGHBOURS, mode="nearest") if seen.any() else np.nan
    return found


def read_accuracy(rates: Curve, accuracies: Float[np.ndarray, " steps"]) -> Suggestions:
    """Where a curve of accuracy against learning rate begins to rise, slows down and falls (Smith 2017, section 3.3).

    These are the places that bound a cyclical policy: the least rate is where the accuracy has made a tenth of its
    rise, the largest one lies between nine tenths of the rise and the last rate that still has these; between two
    readings by straight lines in log lr.

    Args:
        rates: at which it was read, increasing.
        accuracies: shares of 1; NaN after a run's end.

    >>> accuracies = np.array([0.1, 0.1, 0.1, 0.5, 0.8, 0.8, 0.8, 0.3, 0.1, 0.1])
    >>> found = read_accuracy(np.geomspace(1e-6, 1e3, 10), accuracies)
    >>> {rule: round(rate, 5) for rule, rate in found.rates.items()}
    {'accuracy begins': 0.00015, 'accuracy slows': 0.00584, 'accuracy falls': 1.38038}
    """
    nothing = dict.fromkeys(ACCURACY_RULES, math.nan)
    curve = accuracies[np.isfinite(accuracies)]
    climbed = rates[np.isfinite(accuracies)]
    if len(curve) == 0:
        return Suggestions(nothing, "no reading of the accuracy: start at a smaller rate")
    first, top = float(curve[0]), float(curve.max())
    if top - first < _RISE:
        return Suggestions(nothing, f"the accuracy rises by less than {_RISE:.0%} of the examples")
    begun, slowed = (first + share * (top - first) for share in (_BEGUN, _SLOWED))
    above = np.flatnonzero(curve >= slowed)
    found = nothing | {
        "accuracy begins": _crossing(climbed, curve, begun, int(np.argmax(curve >= begun))),
        "accuracy slows": _crossing(climbed, curve, slowed, int(above[0])),
    }
    last = int(above[-1])
    if last == len(rates) - 1:
        return Suggestions(found, "the accuracy has not fallen at the top of the ladder: raise it")
    falls = _crossing(climbed, curve, slowed, last + 1) if last < len(curve) - 1 else float(climbed[last])
    return Suggestions(found | {"accuracy falls": falls})


def _crossing(rates: Curve, curve: Curve, level: float, after: int) -> float:
    # Where the curve passes a level between two neighbours, by a straight line in log lr.
    share = (level - curve[after - 1]) / (curve[after] - curve[after - 1])
    return float(rates[after - 1] ** (1 - share) * rates[after] ** share)


def _end(curve: Curve, errors: Curve) -> int:
    # The first rung that is clearly diverging; at the bottom the best average so far may be a lucky single loss.
    best = np.minimum.accumulate(curve + _CLEAR * errors)
    worse = np.flatnonzero((curve > _WORSE * best) & (curve > curve[0]))
    return int(worse[0]) if len(worse) else len(curve)


def _noise(losses: Curve) -> Curve:
    # By rung the standard deviation of one loss up to it, from second differences: the trend hardly enters these.
    bends = np.abs(np.pad(np.diff(losses, 2), 1, mode="edge"))
    return np.hypot.accumulate(bends) / np.sqrt(6 * np.arange(1, len(losses) + 1))  # squares of a divergence overflow


def _shares(rungs: Int[np.ndarray, " rungs"], memory: float) -> Float[np.ndarray, " rungs"]:
    # Standard error of the average at a rung, over the standard deviation of one loss.
    kept = memory ** (rungs + 1.0)
    return np.sqrt((1 - memory) / (1 + memory) * (1 + kept) / (1 - kept))


def _steepest(rates: Curve, curve: Curve, noise: Curve, memory: float, window: int) -> float:
    # Among the slopes in log lr that exceed their own noise, each over half a memory and between full averages.
    reach = math.ceil(window / 4)
    middle = np.arange(window + reach, len(curve))
    before, after = middle - reach, np.minimum(middle + reach, len(curve) - 1)
    falls, ways = curve[before] - curve[after], np.log(rates[after] / rates[before])
    errors = noise[after] * _shares(before, memory) * np.sqrt(2 * (1 - memory ** (after - before)))
    slopes = np.where(falls > _CLEAR * errors, falls / ways, -math.inf)
    return float(rates[middle[np.argmax(slopes)]]) if np.isfinite(slopes).any() else math.nan


def _begun(rates: Curve, curve: Curve, level: float, window: int) -> float:
    # Where the curve falls below a level for good; it may begin below it, on a ladder that starts in the fall.
    last = int(np.flatnonzero(curve > level)[-1]) if (curve > level).any() else 0
    return float(rates[last + 1]) if last >= window else math.nan


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
