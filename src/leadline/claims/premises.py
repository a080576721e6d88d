"""What an identity is about: its quantities with shape, domain and law, and their values for proofs and for numbers."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy

from leadline.claims.arithmetic import Floats, Symbols
from leadline.claims.formulas import Scope, collapsed
from leadline.claims.laws import Law
from leadline.claims.notation import Node, parse
from leadline.core import InputError, numpy_generator

_DOMAINS = ("real", "nonnegative", "positive", "fraction", "whole")


@dataclass(frozen=True)
class Quantity:
    """A name in a formula.

    Args:
        name: as formulas write it.
        shape: sizes by letter: () for a scalar, ("d",) for a column vector, ("n", "d") for a matrix.
        domain: real, nonnegative, positive, fraction (between 0 and 1) or whole (0, 1, 2, ...).
        law: of each entry, for a random quantity; entries are independent of one another.
        group: random scalars of one named group may depend on each other; "" is independent of everything else.
    """

    name: str
    shape: tuple[str, ...] = ()
    domain: str = "real"
    law: Law | None = None
    group: str = ""

    def __post_init__(self) -> None:
        if self.domain not in _DOMAINS:
            raise InputError("Quantity", expected="one of " + ", ".join(_DOMAINS), got=self.domain, remedy="name one")


@dataclass(frozen=True)
class Premises:
    """What an assertion is about.

    Args:
        quantities: the free names, over which the assertion is universal.
        definitions: "name = formula" for names that stand for formulas.
        small: sizes for the proof, e.g. (("n", 2), ("d", 3)).
        large: sizes for the numbers.
        by_sign: scalars whose sign the proof takes case by case.
        whole: draw whole numbers, so that ties and zeros happen.
    """

    quantities: tuple[Quantity, ...]
    definitions: tuple[str, ...] = ()
    small: tuple[tuple[tuple[str, int], ...], ...] = ((),)
    large: tuple[tuple[tuple[str, int], ...], ...] = ((),)
    by_sign: tuple[str, ...] = ()
    whole: bool = False

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name that a formula may use."""
        defined = {text.partition("=")[0].strip() for text in self.definitions}
        return frozenset(
            {quantity.name for quantity in self.quantities} | defined | {name for name, _ in self.small[0]}
        )

    @cached_property
    def parsed_definitions(self) -> dict[str, Node]:
        """The trees of the definitions."""
        parts = [text.partition("=") for text in self.definitions]
        return {name.strip(): parse(formula, self.names) for name, _, formula in parts}


def sizes(**sides: int) -> tuple[tuple[str, int], ...]:
    """Sizes by letter, as `Premises` takes them.

    >>> sizes(n=2, d=3)
    (('n', 2), ('d', 3))
    """
    return tuple(sides.items())


def sign_cases(premises: Premises) -> Iterator[dict[str, int]]:
    """Every combination of signs of the scalars that a proof takes case by case."""
    domains = {quantity.name: quantity.domain for quantity in premises.quantities}
    options = {"real": (-1, 0, 1), "nonnegative": (0, 1), "positive": (1,)}
    for case in itertools.product(*(options[domains[name]] for name in premises.by_sign)):
        yield dict(zip(premises.by_sign, case, strict=True))


def symbolic_scope(premises: Premises, chosen: dict[str, int], signs: dict[str, int]) -> Scope:
    """Every quantity as symbols, at the given sizes and signs."""
    random: dict[Any, tuple[Law, str]] = {}
    values: dict[str, Any] = {letter: sympy.Integer(size) for letter, size in chosen.items()}
    for quantity in premises.quantities:
        symbols = _symbols(quantity, chosen, signs.get(quantity.name))
        if quantity.law is not None:
            for symbol in np.asarray(symbols, dtype=object).ravel():
                random[symbol] = (quantity.law, quantity.group or str(symbol))
        values[quantity.name] = symbols
    return Scope(values, premises.parsed_definitions, Symbols(random))


def _symbols(quantity: Quantity, chosen: dict[str, int], sign: int | None) -> Any:
    if sign is not None:
        return sign * sympy.Symbol(quantity.name, positive=True)
    if quantity.domain == "fraction":
        return 1 / (1 + sympy.Symbol(f"q_{quantity.name}", positive=True))
    assumptions = {} if quantity.domain == "real" else {"nonnegative": True}
    assumptions = {"positive": True} if quantity.domain == "positive" else assumptions | {"real": True}
    rows, columns = _extent(quantity, chosen)
    names = [
        [f"{quantity.name}_{i}{j}" if quantity.shape else quantity.name for j in range(columns)] for i in range(rows)
    ]
    return collapsed(np.array([[sympy.Symbol(name, **assumptions) for name in row] for row in names], dtype=object))


def _extent(quantity: Quantity, chosen: dict[str, int]) -> tuple[int, int]:
    rows, columns = ([chosen[letter] for letter in quantity.shape] + [1, 1])[:2]
    return rows, columns


def numeric_scope(
    premises: Premises, chosen: dict[str, int], seed: str, *, whole: bool, reach: int = 3, nonzero: bool = False
) -> Scope:
    """Every quantity as random numbers: normal ones, or whole ones up to `reach`; `nonzero` concerns scalars."""
    generator = numpy_generator("identity", seed, *itertools.chain(*chosen.items()))
    values: dict[str, Any] = {letter: float(size) for letter, size in chosen.items()}
    for quantity in premises.quantities:
        extent = _extent(quantity, chosen)
        drawn = generator.integers(-reach, reach + 1, extent).astype(float) if whole else generator.normal(size=extent)
        if quantity.domain == "fraction":
            drawn = generator.choice([0.25, 0.5, 0.75], extent) if whole else generator.uniform(0.05, 0.95, extent)
        elif quantity.domain != "real":
            drawn = np.abs(drawn)
        if quantity.domain == "whole":
            drawn = generator.integers(0, 10 * reach, extent).astype(float)
        if (
            quantity.domain == "positive"
            or (quantity.domain == "whole" and not whole)
            or (nonzero and not quantity.shape)
        ):
            drawn = drawn + 1.0 * (drawn == 0)
        values[quantity.name] = collapsed(drawn)
    random = {q.name: (q.law, q.group or q.name) for q in premises.quantities if q.law is not None}
    return Scope(values, premises.parsed_definitions, Floats(random, seed))
