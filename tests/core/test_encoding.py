import json
import math
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadline.core import from_plain, to_plain


@dataclass(frozen=True)
class Inner:
    share: Fraction
    tags: frozenset[str]


@dataclass(frozen=True)
class Outer:
    name: str
    rows: tuple[Inner, ...]
    pair: tuple[int, float]
    table: dict[int, tuple[float, ...]]
    maybe: int | None = None


numbers = st.floats(allow_nan=False)
inners = st.builds(Inner, st.fractions(), st.frozensets(st.text(max_size=3), max_size=3))
outers = st.builds(
    Outer,
    st.text(),
    st.lists(inners, max_size=3).map(tuple),
    st.tuples(st.integers(), numbers),
    st.dictionaries(st.integers(), st.lists(numbers, max_size=3).map(tuple), max_size=3),
    st.none() | st.integers(),
)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(outers)
def test_round_trip_through_strict_json(value):
    text = json.dumps(to_plain(value), allow_nan=False)
    assert from_plain(json.loads(text), Outer) == value


def test_what_json_lacks():
    plain = to_plain([math.nan, np.array([1.5, -np.inf]), np.int64(3), Decimal("0.70"), Decimal("1e3")])
    assert plain == ["nan", [1.5, "-inf"], 3, 0.7, 1000]
    assert math.isnan(from_plain("nan", float))
    np.testing.assert_array_equal(from_plain(plain[1], np.ndarray), [1.5, -np.inf])


def test_empty_arrays_keep_shape_and_type():
    again = from_plain(to_plain(np.empty((0, 3), np.int64)), np.ndarray)
    assert (again.shape, again.dtype) == ((0, 3), np.int64)


def test_refuses_what_has_no_plain_form():
    with pytest.raises(TypeError, match="object has no JSON form"):
        to_plain({"a": object()})
