import numpy as np
import pytest

from leadline.core import InputError
from leadline.generalization.lawful_numbers import number, numbers, whole_number


def test_lawful_values_come_as_floats_in_their_order():
    for values in ([3, 1, 2], (3.0, 1.0, 2.0), np.array([3, 1, 2]), np.array([3, 1, 2], dtype=np.float32)):
        found = numbers("f", "values", values, least=1, most=3, above=0, below=3.5, whole=True, fewest=3)
        assert found.dtype == float and found.tolist() == [3, 1, 2]
    assert number("f", "share", 0, least=0, below=1) == 0
    assert type(whole_number("f", "count", np.int64(3), least=1)) is int


@pytest.mark.parametrize(
    ("values", "bounds"),
    [([], {}), (["1", "2"], {}), ([True], {}), ([None], {}), (3, {}), ([[1]], {}), ([1, [2]], {}), ([np.nan], {}),
     ([np.inf], {}), ([0], {"above": 0}), ([-1], {"least": 0}), ([2], {"most": 1}), ([1], {"below": 1}),
     ([1.5], {"whole": True}), ([1, 2], {"fewest": 3})],
)  # fmt: skip
def test_others_are_refused(values, bounds):
    with pytest.raises(InputError, match=r"f: expected values: (one|three) or more (finite|whole) numbers.* got"):
        numbers("f", "values", values, **bounds)


@pytest.mark.parametrize("value", [None, "1", np.nan, [1], 0.5, 0, True])
def test_one_count_says_what_it_may_be(value):
    with pytest.raises(InputError, match="count: a whole number of at least 1 and below 9, got"):
        whole_number("f", "count", value, least=1, below=9)
