"""Size, jump and start of a receptive field, found in the exact intervals along one axis.

Where the intervals are an arithmetic progression, output i sees size indices from start + jump*i on (Araujo, Norris and
Sim, Computing Receptive Fields of Convolutional Neural Networks, Distill 2019); after a transposed convolution or an
upsampling they repeat only every few outputs, the phases, each with a size of its own.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Int

_LONGEST_PERIOD = 64


@dataclass(frozen=True, eq=False)
class Progression:
    """Intervals that advance by `advance` indices every `len(first)` outputs, as if the input had no borders."""

    first: tuple[int, ...]  # of outputs 0, 1, ..., one period
    sizes: tuple[int, ...]  # indices seen in each phase; 0: nothing
    advance: int

    def within(self, outputs: int, inputs: int) -> tuple[Int[np.ndarray, " outputs"], Int[np.ndarray, " outputs"]]:
        """First and last index that each output sees of an input with borders; nothing is (0, -1)."""
        index = np.arange(outputs)
        phase, turns = index % len(self.first), index // len(self.first)
        lo = np.asarray(self.first)[phase] + self.advance * turns
        hi = lo + np.asarray(self.sizes)[phase] - 1
        return nothing_as_zero(np.maximum(lo, 0), np.minimum(hi, inputs - 1))

    @property
    def jump(self) -> Fraction:
        """Input indices per output."""
        return Fraction(self.advance, len(self.first))


def nothing_as_zero(
    lo: Int[np.ndarray, " outputs"], hi: Int[np.ndarray, " outputs"]
) -> tuple[Int[np.ndarray, " outputs"], Int[np.ndarray, " outputs"]]:
    """Empty intervals written as (0, -1)."""
    empty = lo > hi
    return np.where(empty, 0, lo), np.where(empty, -1, hi)


def middle(outputs: int) -> slice:
    """The outputs farther from both ends than a quarter of them."""
    return slice(outputs // 4, outputs - outputs // 4)


def progression(lo: Int[np.ndarray, " outputs"], hi: Int[np.ndarray, " outputs"], inputs: int) -> Progression | None:
    """The progression with the shortest period that the middle outputs follow; None where there is none."""
    place = middle(len(lo))
    lo, hi = lo[place], hi[place]
    sees = hi >= lo
    if ((lo == 0) | (hi == inputs - 1))[sees].any():
        return None  # cut at a border
    for period in range(1, min(_LONGEST_PERIOD, (len(lo) - 1) // 2) + 1):
        again = sees[period:] & sees[:-period]
        steps = np.stack([lo[period:] - lo[:-period], hi[period:] - hi[:-period]])[:, again]
        if np.array_equal(sees[period:], sees[:-period]) and steps.size and (steps == steps[0, 0]).all():
            return _from_origin(lo, hi, place.start, period, int(steps[0, 0]))
    return None


def _from_origin(lo: np.ndarray, hi: np.ndarray, offset: int, period: int, advance: int) -> Progression:
    first, sizes = [], []
    for phase in range(period):
        place = (phase - offset) % period  # the first of the middle outputs in this phase
        turns = (offset + place) // period
        sees = bool(hi[place] >= lo[place])
        first.append(int(lo[place]) - advance * turns if sees else 0)
        sizes.append(int(hi[place] - lo[place]) + 1 if sees else 0)
    return Progression(tuple(first), tuple(sizes), advance)


def cut_by_borders(
    found: Progression, lo: Int[np.ndarray, " outputs"], hi: Int[np.ndarray, " outputs"], inputs: int
) -> bool:
    """Are these the progression's intervals, less what lies beyond the borders?

    Next to a border an interval may be narrower than the cut one: a dilated kernel's taps may all fall into padding.
    """
    first, last = found.within(len(lo), inputs)
    empty = hi < lo
    if not (empty | ((lo >= first) & (hi <= last))).all():
        return False
    equal = np.flatnonzero((lo == first) & (hi == last))
    if equal.size:
        return bool(equal[-1] - equal[0] + 1 == equal.size)
    return not _uncut(found, len(lo), inputs).any()


def followed_in_the_middle(
    found: Progression, lo: Int[np.ndarray, " outputs"], hi: Int[np.ndarray, " outputs"], inputs: int
) -> bool:
    """Are these the progression's intervals at the middle outputs that no border cuts (and are there any)?"""
    first, last = found.within(len(lo), inputs)
    place = np.zeros(len(lo), dtype=bool)
    place[middle(len(lo))] = True
    place &= _uncut(found, len(lo), inputs)
    return bool(place.any() and (lo == first)[place].all() and (hi == last)[place].all())


def _uncut(found: Progression, outputs: int, inputs: int) -> np.ndarray:
    first, last = found.within(outputs, inputs)
    return (first > 0) & (last < inputs - 1)
