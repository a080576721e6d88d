"""Grids against nested loops."""

import numpy as np
import pytest

from leadline.core import InputError
from leadline.sweep import grid


def test_nested_loops_with_the_last_axis_fastest():
    expected = [{"lr": lr, "width": width, "loss": "mse"} for lr in (0.1, 0.2, 0.3) for width in (4, 8)]
    axes = grid(lr=[0.1, 0.2, 0.3], width=range(4, 9, 4), loss="mse")
    assert list(axes) == expected
    assert list(axes) == expected, "it can be walked again"
    assert len(axes) == 6


def test_arrays_and_single_values_are_axes():
    assert list(grid(x=np.array([1, 2]), y=None)) == [{"x": 1, "y": None}, {"x": 2, "y": None}]


@pytest.mark.parametrize("axes", [{}, {"lr": []}])
def test_nothing_to_combine(axes):
    with pytest.raises(InputError, match=r"grid: expected (at least one axis|values for lr), got none"):
        grid(**axes)
