"""`count_formula`: a closed formula for any count of any model factory, by exact interpolation."""

import inspect
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

from torch import nn

from leadline.architecture.conventions import Convention
from leadline.architecture.polynomials import AGREEMENTS, Coefficients, evaluate, interpolate
from leadline.architecture.profiling import quantity_of
from leadline.core import InputError, Result

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas
    import sympy


@dataclass(frozen=True, kw_only=True)
class Term:
    """coefficient x product of symbols to their exponents."""

    coefficient: Fraction
    exponents: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Piece:
    """The polynomial for one residue class of each symbol."""

    residues: tuple[int, ...]
    terms: tuple[Term, ...]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class CountFormula(Result):
    """A count as an exact polynomial in integer hyper-parameters, one per residue class where strides round sizes."""

    quantity: str
    symbols: tuple[str, ...]
    ranges: tuple[tuple[int, int, int], ...]  # low, high, step of each symbol: where it was determined
    moduli: tuple[int, ...]  # 1 where one polynomial serves every value
    pieces: tuple[Piece, ...]
    points_used: int
    points_confirmed: int

    @property
    def expression(self) -> "sympy.Expr":
        """The formula as a SymPy expression; piecewise in residue classes where they differ."""
        import sympy

        symbols = [sympy.Symbol(name, integer=True, positive=True) for name in self.symbols]
        polynomials = [_as_sympy(piece, symbols) for piece in self.pieces]
        if len(set(polynomials)) == 1:
            return polynomials[0]
        cases: list[Any] = []
        for polynomial, piece in zip(polynomials, self.pieces, strict=True):
            classes: list[Any] = [
                sympy.Eq(sympy.Mod(symbol, modulus), residue)
                for symbol, modulus, residue in zip(symbols, self.moduli, piece.residues, strict=True)
                if modulus > 1
            ]
            cases.append((polynomial, sympy.And(*classes)))
        return sympy.Piecewise(*cases)

    def latex(self) -> str:
        """The formula as LaTeX."""
        import sympy

        return sympy.latex(self.expression)

    def __call__(self, **values: int) -> int:
        """The count at given values of the symbols, exactly.

        Raises:
            InputError: a symbol is missing, unknown, or not an integer.
        """
        if set(values) != set(self.symbols) or not all(isinstance(value, int) for value in values.values()):
            raise InputError("CountFormula", expected=f"an integer for each of {', '.join(self.symbols)}",
                             got=repr(values), remedy="pass them by name")  # fmt: skip
        point = tuple(values[name] for name in self.symbols)
        residues = tuple(value % modulus for value, modulus in zip(point, self.moduli, strict=True))
        piece = next(piece for piece in self.pieces if piece.residues == residues)
        count = evaluate({term.exponents: term.coefficient for term in piece.terms}, point)
        if count.denominator != 1:  # only off the declared multiples
            raise InputError("CountFormula", expected=f"values on the grid {self._grid()}", got=repr(values),
                             remedy="determine the formula on a grid that contains them")  # fmt: skip
        return int(count)

    def headline(self) -> str:
        return (
            f"{self.quantity} = {self.expression} ({self.points_used} points determine it, "
            f"{self.points_confirmed} more confirm it; {self._grid()})"
        )

    def to_frame(self) -> "pandas.DataFrame":
        """One row per term."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    **{f"{name}_mod_{modulus}": residue for name, modulus, residue in
                       zip(self.symbols, self.moduli, piece.residues, strict=True) if modulus > 1},
                    "coefficient": str(term.coefficient),
                    **{f"power_of_{name}": power for name, power in zip(self.symbols, term.exponents, strict=True)},
                }
                for piece in self.pieces
                for term in piece.terms
            ]
        )  # fmt: skip

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        middle = {name: low + (high - low) // step // 2 * step
                  for name, (low, high, step) in zip(self.symbols, self.ranges, strict=True)}  # fmt: skip
        for name, (low, high, step) in zip(self.symbols, self.ranges, strict=True):
            grid = range(low, high + 1, step)
            others = ", ".join(f"{other}={value}" for other, value in middle.items() if other != name)
            counts = [self(**{**middle, name: value}) for value in grid]
            ax.plot(list(grid), counts, marker="o", markersize=3, label=f"{name} ({others})" if others else name)
        ax.set_xlabel("value of the symbol")
        ax.set_ylabel(self.quantity)
        ax.set_yscale("log")
        ax.legend()

    def _grid(self) -> str:
        return ", ".join(
            f"{name} {low}..{high}" + (f" by {step}" if step > 1 else "")
            for name, (low, high, step) in zip(self.symbols, self.ranges, strict=True)
        )


def count_formula(
    factory: Callable[..., nn.Module],
    symbols: Mapping[str, tuple[int, int] | tuple[int, int, int]],
    *,
    quantity: str = "macs",
    input_size: Any = None,
    convention: Convention = Convention(),  # noqa: B008 - frozen
    residues: Mapping[str, int] | None = None,
) -> CountFormula:
    """A count of a model as an exact polynomial in its integer hyper-parameters.

    The model is profiled on the meta device at small integer points; the coefficients follow exactly (rational
    arithmetic), and fresh points must be predicted. Works for any factory: nothing symbolic goes through the model.

    Args:
        factory: called with one keyword argument per symbol; symbols that only `input_size` uses need not be accepted.
        symbols: name -> (low, high) or (low, high, step), inclusive; the grid on which the formula is determined.
            A step makes a declared multiple, where strides would round sizes off.
        quantity: any integer of a `Profile`: "macs", "flops", "parameters", "activations", "connections" ...
        input_size: the input's shape (or list or dictionary of shapes), or a callable of the symbols that returns it.
        convention: what is counted.
        residues: symbol -> modulus; fits one polynomial per residue class instead of one for all values.

    Returns:
        A `CountFormula`: `.expression` (SymPy), `.latex()`, callable with the symbols.

    Raises:
        NotPolynomialError: no polynomial goes through the points; the message names one that it misses.
        InputError: an unknown quantity, an empty range, a factory that does not take the symbols.

    Example:
        >>> from torch import nn
        >>> formula = count_formula(lambda K, C: nn.Conv2d(3, C, K, padding="same"), {"K": (1, 9, 2), "C": (1, 6)},
        ...                         input_size=lambda K, C: (1, 3, 8, 8))
        >>> formula.expression
        192*C*K**2
        >>> formula(K=3, C=64)
        110592

    References:
        De Boor, A Practical Guide to Splines (2001), chapter I, for interpolation on tensor grids.
    """
    axes = {name: _grid(name, bounds) for name, bounds in symbols.items()}
    moduli = {name: (residues or {}).get(name, 1) for name in axes}
    accepted = _accepted(factory, list(axes))
    used = confirmed = 0
    pieces, short = [], set()

    def value_at(point: tuple[int, ...]) -> int:
        values = dict(zip(axes, point, strict=True))
        size = input_size(**values) if callable(input_size) else input_size
        build = partial(factory, **{name: values[name] for name in accepted})
        return quantity_of(build, quantity, input_size=size, convention=convention)

    for classes in itertools.product(*(range(modulus) for modulus in moduli.values())):
        grids = {
            name: _residue_class(name, axes[name], residue, modulus)
            for (name, modulus), residue in zip(moduli.items(), classes, strict=True)
        }
        found = interpolate(value_at, grids, "count_formula")
        short |= {name for name, grid in grids.items() if len(grid) <= AGREEMENTS}
        used, confirmed = used + found.used, confirmed + found.confirmed
        pieces.append(Piece(residues=classes, terms=_terms(found.coefficients)))
    return CountFormula(
        quantity=quantity,
        symbols=tuple(axes),
        ranges=tuple((grid[0], grid[-1], grid.step) for grid in axes.values()),
        moduli=tuple(moduli.values()),
        pieces=tuple(pieces),
        points_used=used,
        points_confirmed=confirmed,
        caveats=tuple(
            f"too few values of {name} to tell its degree: the formula holds for these alone; widen its range"
            for name in axes if name in short
        ),
    )  # fmt: skip


def _grid(name: str, bounds: Any) -> range:
    step = bounds[2] if len(bounds) == 3 else 1
    grid = range(bounds[0], bounds[1] + 1, step)
    if not grid or grid[0] < 0:
        raise InputError("count_formula", expected=f"a range of non-negative integers for {name}", got=repr(bounds),
                         remedy="pass (low, high) or (low, high, step) with low <= high")  # fmt: skip
    return grid


def _residue_class(name: str, grid: range, residue: int, modulus: int) -> range:
    members = [value for value in grid if value % modulus == residue]
    if not members:
        raise InputError("count_formula", expected=f"values of {name} in every residue class modulo {modulus}",
                         got=f"none that leaves {residue}", remedy="widen its range")  # fmt: skip
    return range(members[0], members[-1] + 1, members[1] - members[0] if len(members) > 1 else 1)


def _accepted(factory: Callable, names: list[str]) -> list[str]:
    parameters = inspect.signature(factory).parameters
    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values()):
        return names
    needed = [name for name, one in parameters.items() if one.default is one.empty and name not in names]
    if needed:
        raise InputError("count_formula", expected=f"a factory of {', '.join(names)} alone",
                         got=f"one that also needs {', '.join(needed)}", remedy="wrap it in a lambda")  # fmt: skip
    return [name for name in names if name in parameters]


def _terms(coefficients: Coefficients) -> tuple[Term, ...]:
    ordered = sorted(coefficients.items(), key=lambda item: (-sum(item[0]), tuple(-power for power in item[0])))
    return tuple(Term(coefficient=coefficient, exponents=exponents) for exponents, coefficient in ordered)


def _as_sympy(piece: Piece, symbols: list) -> Any:
    import sympy

    expression = sympy.Integer(0)
    for term in piece.terms:
        product = sympy.Rational(term.coefficient.numerator, term.coefficient.denominator)
        for symbol, power in zip(symbols, term.exponents, strict=True):
            product *= symbol**power
        expression += product
    return expression
