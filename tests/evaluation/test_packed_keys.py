import numpy as np
import pytest
from evaluation.labelled_rows import LAW
from hypothesis import given
from hypothesis import strategies as st

from leadline.core import InputError
from leadline.evaluation import packed_keys
from leadline.evaluation.packed_keys import BLOCK, magnitude_range, pack, sort, unpack

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@LAW
@given(st.lists(st.tuples(FINITE, st.booleans()), min_size=1, max_size=30))
def test_keys_order_like_scores_and_give_them_back(rows):
    scores, positive = np.array([score for score, _ in rows]), np.array([label for _, label in rows])
    keys = np.empty(scores.size, np.int64)
    low, high = magnitude_range("test", scores)
    if not pack(scores, positive, low, high, keys):
        assert high - low >= 2**62 - 1  # magnitudes from subnormal to huge: no bit is free
        return
    assert np.array_equal(unpack(keys, low), scores)
    assert np.array_equal(keys & 1, positive)
    sort(keys)
    assert np.array_equal(unpack(keys, low), -np.sort(-scores))


def test_scores_that_differ_in_their_last_bit_stay_apart():
    scores = np.array([0.3, np.nextafter(0.3, 1), -0.7, np.nextafter(-0.7, -1), 0.0, -0.0, 5e-324])
    keys = np.empty(scores.size, np.int64)
    assert pack(scores, np.zeros(scores.size, bool), *magnitude_range("test", scores), keys)
    assert np.unique(keys).size == 6  # the zeros are one


def test_the_widest_range_has_no_room():
    scores = np.array([5e-324, -1e308])
    assert not pack(scores, np.zeros(2, bool), *magnitude_range("test", scores), np.empty(2, np.int64))


def test_all_zero():
    assert magnitude_range("test", np.zeros(3)) == (1, 0)


def test_nan_is_found_in_any_block():
    scores = np.zeros(2 * BLOCK + 5)
    scores[-1] = np.nan
    with pytest.raises(InputError, match=f"got nan in row {scores.size - 1}"):
        magnitude_range("test", scores)


def test_sorting_in_parts_is_sorting(monkeypatch):
    monkeypatch.setattr(packed_keys, "_WORTH_THREADS", 100)
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    keys = np.random.default_rng(0).integers(-50, 50, 1001)
    expected = np.sort(keys)
    sort(keys)
    assert np.array_equal(keys, expected)
