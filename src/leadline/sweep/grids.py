"""The grid: every combination of the values of some axes."""

import itertools
import math
from collections.abc import Iterable, Iterator
from typing import Any

from leadline.core import InputError


class Grid:
    """Every combination of the axes' values as a dictionary; the last axis changes fastest. Made by `grid`."""

    def __init__(self, axes: dict[str, tuple[Any, ...]]) -> None:
        self.axes = axes

    def __len__(self) -> int:
        return math.prod(len(values) for values in self.axes.values())

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for values in itertools.product(*self.axes.values()):
            yield dict(zip(self.axes, values, strict=True))

    def __repr__(self) -> str:
        return f"grid({', '.join(f'{name}: {len(values)}' for name, values in self.axes.items())})"


def grid(**axes: Any) -> Grid:
    """All combinations of the given axes, in the order of nested loops.

    The combinations are made one at a time, so a grid of a million settings costs no memory.

    Args:
        axes: for each argument of the function its values: any iterable, or one number or text that stays fixed.

    Returns:
        An iterable of dictionaries that knows its length.

    Raises:
        InputError: no axes, or an axis without values.

    >>> list(grid(lr=(0.1, 0.2), width=[4, 8], loss="mse"))[:2]
    [{'lr': 0.1, 'width': 4, 'loss': 'mse'}, {'lr': 0.1, 'width': 8, 'loss': 'mse'}]
    >>> len(grid(seed=range(1000), width=range(1000)))
    1000000
    """
    if not axes:
        raise InputError("grid", expected="at least one axis", got="none", remedy="write e.g. grid(lr=(0.1, 0.2))")
    listed = {name: _values(values) for name, values in axes.items()}
    for name, values in listed.items():
        if not values:
            raise InputError("grid", expected=f"values for {name}", got="none", remedy="give it one or leave it out")
    return Grid(listed)


def _values(values: Any) -> tuple[Any, ...]:
    is_fixed = isinstance(values, str | bytes | dict) or not isinstance(values, Iterable)
    return (values,) if is_fixed else tuple(values)
