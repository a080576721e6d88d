from fractions import Fraction

import numpy as np
import pytest

from leadline.architecture.field_patterns import Progression, cut_by_borders, followed_in_the_middle, progression


@pytest.mark.parametrize(
    "found",
    [
        Progression((-3,), (7,), 1),
        Progression((2,), (5,), 4),
        Progression((-2, -1, 0), (4, 5, 4), 2),
        Progression((0, 0, 0), (1, 0, 0), 1),
        Progression((0, 1), (1, 1), 1),
        Progression((90,), (3,), -2),
    ],
)
def test_a_progression_is_found_again(found):
    outputs = 40
    lo, hi = found.within(outputs, 300)
    if found.first[0] < 0 or found.advance > 0:
        lo, hi = lo + 10, np.where(hi >= lo, hi + 10, hi)  # away from the border
        lo = np.where(hi < lo, 0, lo)
    again = progression(lo, hi, 300)
    assert again is not None
    assert again.sizes == found.sizes
    assert again.advance == found.advance
    assert again.jump == Fraction(found.advance, len(found.first))


def test_borders_cut_and_empty_intervals_are_zero_to_minus_one():
    lo, hi = Progression((-2,), (3,), 1).within(6, 3)
    assert lo.tolist() == [0, 0, 0, 1, 2, 0]
    assert hi.tolist() == [0, 1, 2, 2, 2, -1]


def test_no_progression_where_there_is_none():
    lo = np.array([1, 2, 4, 8, 16, 32, 64, 128])
    assert progression(lo, lo, 1000) is None
    assert progression(np.zeros(9, dtype=int), np.full(9, 4), 5) is None  # the whole axis
    assert progression(np.array([3]), np.array([4]), 9) is None  # one output shows no jump


def test_narrower_borders_are_cut_and_wider_ones_are_not():
    found = Progression((-1,), (3,), 1)
    lo, hi = found.within(9, 9)
    assert cut_by_borders(found, lo, hi, 9)
    narrow = lo.copy()
    narrow[0] = 1
    assert cut_by_borders(found, narrow, hi, 9)
    wide = hi.copy()
    wide[0] = 8  # circular padding
    assert not cut_by_borders(found, lo, wide, 9)
    assert followed_in_the_middle(found, lo, wide, 9)
    elsewhere = lo.copy()
    elsewhere[4] += 1
    assert not cut_by_borders(found, elsewhere, hi, 9)
    assert not followed_in_the_middle(found, elsewhere, hi, 9)
