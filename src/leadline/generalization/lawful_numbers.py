"""Numbers that an argument may hold: finite, whole where they count, within bounds; refused in the same words."""

from typing import Any

import numpy as np
from jaxtyping import Float

from leadline.core import InputError, refuse

COUNTS = {"least": 1, "whole": True}
_WORDS = {1: "one", 2: "two", 3: "three"}


def numbers(
    operation: str,
    name: str,
    values: Any,
    *,
    least: int | float = -np.inf,
    above: int | float = -np.inf,
    most: int | float = np.inf,
    below: int | float = np.inf,
    whole: bool = False,
    fewest: int = 1,
) -> Float[np.ndarray, " values"]:
    """A sequence of lawful numbers, as floats in its order.

    Args:
        operation, name: the instrument and its argument, for the message.
        values: what the caller passed.
        least, above, most, below: bounds; the second and fourth are outside.
        whole: is it a count?
        fewest: values that it takes.

    Raises:
        InputError: anything else, text and booleans included.

    >>> numbers("f", "values", [1, 2.5], whole=True)
    Traceback (most recent call last):
    ...
    leadline.core.errors.InputError: f: expected values: one or more whole numbers, got [1, 2.5]; correct them.
    """
    try:
        found = np.asarray(values)
    except ValueError:  # rows of different lengths
        found = np.array(None)
    lawful = found.ndim == 1 and len(found) >= fewest and found.dtype.kind in "iuf"
    if lawful:
        inside = np.isfinite(found) & (found >= least) & (found > above) & (found <= most) & (found < below)
        lawful = bool(inside.all()) and not (whole and (found != np.rint(found)).any())
    if not lawful:
        many = f"{name}: {_WORDS[fewest]} or more {'whole' if whole else 'finite'} numbers"
        refuse(operation, many + _bounds(least, above, most, below), values, "correct them")
    return found.astype(float)


def distinct(operation: str, name: str, values: Any, **bounds: int | float | bool) -> Float[np.ndarray, " values"]:
    """Three or more different lawful numbers, rising: places along an axis, enough for a valley on both sides."""
    grid = np.unique(numbers(operation, name, values, fewest=3, **bounds))  # pyright: ignore[reportArgumentType]
    return numbers(operation, f"different {name}", grid, fewest=3)


def interval(operation: str, name: str, ends: Any) -> tuple[float, float]:
    """The ends of an interval of some length."""
    low, high = numbers(operation, name, ends, fewest=2)[[0, -1]]
    if len(ends) != 2 or low >= high:
        refuse(operation, f"{name}: an interval (low, high)", ends, "pass two rising numbers")
    return float(low), float(high)


def number(operation: str, name: str, value: Any, **bounds: int | float) -> float:
    """One lawful number."""
    return float(_one(operation, name, value, whole=False, **bounds))


def whole_number(operation: str, name: str, value: Any, **bounds: int | float) -> int:
    """One lawful count."""
    return int(_one(operation, name, value, whole=True, **bounds))


def _one(operation: str, name: str, value: Any, *, whole: bool, **bounds: int | float) -> float:
    try:
        if np.ndim(value) == 0:
            return numbers(operation, name, [value], whole=whole, fewest=1, **bounds)[0]
    except InputError:
        pass
    limits = {"least": -np.inf, "above": -np.inf, "most": np.inf, "below": np.inf} | bounds
    kind = f"{name}: a {'whole' if whole else 'finite'} number"
    return refuse(operation, kind + _bounds(**limits), repr(value), "correct it")


def _bounds(least: int | float, above: int | float, most: int | float, below: int | float) -> str:
    if np.isfinite(least) and np.isfinite(most):
        return f" from {least:g} to {most:g}"
    bounds = {"of at least": least, "above": above, "of at most": most, "below": below}
    said = [f"{word} {bound:g}" for word, bound in bounds.items() if np.isfinite(bound)]
    return " " + " and ".join(said) if said else ""
