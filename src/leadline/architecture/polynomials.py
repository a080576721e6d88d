"""Recover a polynomial with rational coefficients from its values at integer points, exactly."""

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from leadline.core import NotPolynomialError, numpy_generator

Point = tuple[int, ...]
Coefficients = dict[Point, Fraction]  # exponents -> coefficient

AGREEMENTS = 2  # further points that a degree must predict before it is believed
_HIGHEST_DEGREE = 6  # in one symbol: counts are products of a few sizes, and any 30 points fit some degree 29


@dataclass(frozen=True)
class Interpolation:
    """A polynomial that went through every point evaluated."""

    coefficients: Coefficients
    used: int  # points that determined it
    confirmed: int  # further points that it predicted


def interpolate(value_at: Callable[[Point], int], axes: Mapping[str, range], operation: str) -> Interpolation:
    """The polynomial that `value_at` is on the grid of `axes`.

    The degree in each symbol is found along a line, the coefficients on the smallest grid of these degrees, and fresh
    points (the far corner and random ones) must then be predicted; if one is not, degrees are raised as far as the
    ranges allow.

    Raises:
        NotPolynomialError: no polynomial that the ranges can determine goes through all points; names one it misses.
    """
    values: dict[Point, int] = {}

    def known(point: Point) -> int:
        if point not in values:
            values[point] = value_at(point)
        return values[point]

    grids = list(axes.values())
    degrees = [_degree_along(place, grids, known, axes, operation) for place in range(len(grids))]
    refusal = None
    while True:
        cube = [grid[: degree + 1] for grid, degree in zip(grids, degrees, strict=True)]
        coefficients = _fit(cube, known)
        points = [*values, *_fresh_points(grids, values)]
        missed = next((point for point in points if not _predicts(coefficients, point, known)), None)
        if missed is None:
            used = math.prod(map(len, cube))
            return Interpolation(coefficients, used, len(values) - used)
        limits = [min(_HIGHEST_DEGREE, len(grid) - 1 - AGREEMENTS) for grid in grids]
        raised = [max(degree, min(degree + 1, limit)) for degree, limit in zip(degrees, limits, strict=True)]
        refusal = refusal or _refusal(operation, axes, missed, known(missed), evaluate(coefficients, missed))
        if raised == degrees:
            raise refusal  # the one that the lowest degrees earned: the highest predict nonsense
        degrees = raised


def evaluate(coefficients: Coefficients, point: Point) -> Fraction:
    """The polynomial's value at a point.

    >>> evaluate({(2, 0): Fraction(3), (0, 1): Fraction(1, 2)}, (2, 4))
    Fraction(14, 1)
    """
    total = Fraction(0)
    for exponents, coefficient in coefficients.items():
        term = coefficient
        for base, exponent in zip(point, exponents, strict=True):
            term *= base**exponent
        total += term
    return total


def _degree_along(
    place: int, grids: list[range], known: Callable[[Point], int], axes: Mapping[str, range], operation: str
) -> int:
    """The degree in one symbol, the others in the middle of their ranges: where differences vanish for good."""
    middle = [grid[len(grid) // 2] for grid in grids]
    grid = grids[place]
    line: list[int] = []
    for count, position in enumerate(grid, 1):
        if count > _HIGHEST_DEGREE + 1 + AGREEMENTS:
            break
        line.append(known((*middle[:place], position, *middle[place + 1 :])))
        degree = count - 1 - AGREEMENTS
        if 0 <= degree <= _HIGHEST_DEGREE and _is_of_degree(line, degree):
            return degree
    if len(grid) <= AGREEMENTS:  # too short a range to tell: as many points, as high a degree
        return len(grid) - 1
    if len(line) == len(grid):
        raise NotPolynomialError(
            operation,
            expected=f"a range of {list(axes)[place]} that confirms a degree by {AGREEMENTS} further points",
            got=f"{len(grid)} points, which agree with no degree up to {len(grid) - 1 - AGREEMENTS}",
            remedy="widen the range",
        )
    point = (*middle[:place], grid[len(line) - 1], *middle[place + 1 :])
    raise _refusal(operation, axes, point, line[-1], _extrapolated(line[:-1]))


def _is_of_degree(line: list[int], degree: int) -> bool:
    differences = np.array(line, dtype=object)
    for _ in range(degree + 1):
        differences = differences[1:] - differences[:-1]
    return not any(differences)


def _extrapolated(line: list[int]) -> Fraction:
    """The next value, if the line were a polynomial of the degree that its points determine."""
    last, differences = 0, np.array(line, dtype=object)
    while len(differences):
        last += differences[-1]
        differences = differences[1:] - differences[:-1]
    return Fraction(last)


def _fit(grids: list[range], known: Callable[[Point], int]) -> Coefficients:
    shape = tuple(len(grid) for grid in grids)
    cube = np.empty(shape, dtype=object)
    for index, point in zip(np.ndindex(*shape), itertools.product(*grids), strict=True):
        cube[index] = Fraction(known(point))
    for axis, grid in enumerate(grids):  # a tensor grid: one small Vandermonde system per axis
        cube = np.moveaxis(np.tensordot(_inverse_vandermonde(grid), cube, axes=(1, axis)), 0, axis)
    return {tuple(index): cube.item(index) for index in np.ndindex(*shape) if cube.item(index)}


def _inverse_vandermonde(grid: range) -> np.ndarray:
    """Matrix that takes values on the grid to coefficients: column j holds the j-th Lagrange basis polynomial."""
    columns = []
    for position in grid:
        basis = [Fraction(1)]
        for other in grid:
            if other != position:
                shifted, scaled = [Fraction(0), *basis], [*(-other * one for one in basis), Fraction(0)]
                basis = [(a + b) / (position - other) for a, b in zip(shifted, scaled, strict=True)]
        columns.append(basis)
    return np.array(columns, dtype=object).T


def _fresh_points(grids: list[range], seen: Mapping[Point, int]) -> list[Point]:
    generator = numpy_generator("polynomials", "fresh points", *(len(grid) for grid in grids))
    corner = tuple(grid[-1] for grid in grids)
    wanted = 2 * len(grids) + 2
    random = [tuple(grid[int(generator.integers(len(grid)))] for grid in grids) for _ in range(20 * wanted)]
    fresh = dict.fromkeys(point for point in [corner, *random] if point not in seen)
    return list(fresh)[:wanted]


def _predicts(coefficients: Coefficients, point: Point, known: Callable[[Point], int]) -> bool:
    return evaluate(coefficients, point) == known(point)


def _refusal(
    operation: str, axes: Mapping[str, range], point: Point, found: int, predicted: Fraction
) -> NotPolynomialError:
    where = ", ".join(f"{name}={value}" for name, value in zip(axes, point, strict=True))
    return NotPolynomialError(
        operation,
        expected=f"a polynomial in {', '.join(axes)} (the other points predict {predicted} at {where})",
        got=f"{found} there",
        remedy="widen the ranges, or where strides round sizes off give multiples of the stride as (low, high, step) "
        "or residue classes as residues={name: modulus}",
    )
