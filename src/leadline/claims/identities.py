"""Decide an identity twice: by symbolic proof at small sizes and by float64 numbers at larger ones.

An identity is asserted for all values at which both sides are defined. A false one comes back with whole numbers at
which its sides differ; one without any value (shapes that do not fit, a matrix that is always singular) is false.
"""

import itertools
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from leadline.claims.arithmetic import Floats
from leadline.claims.formulas import NoValueError, Scope, evaluate, is_array, names_in
from leadline.claims.notation import Node, parse
from leadline.claims.premises import Premises, numeric_scope, sign_cases, symbolic_scope
from leadline.claims.vanishing import vanishes
from leadline.core import InputError, LeadlineError

NUMERIC_TOLERANCE = 1e-8  # relative; sides that differ at random numbers differ by far more
_DRAWS = 8  # random points per size, so that both signs of every scalar occur
_TRIES = 200  # random whole-number points at which a counterexample is sought


class DisagreementError(LeadlineError):
    """Proof and numbers came out differently: a fault in the engine or in the assertion's premises."""


@dataclass(frozen=True)
class Decision:
    """Whether an identity holds, how that was found, and where it breaks."""

    left: str
    right: str
    holds: bool
    how: str
    reason: str = ""  # why it has no value, where it has none
    counterexample: dict[str, Any] | None = None  # values by name, and what the sides come to


@lru_cache(maxsize=512)
def decide(equation: str, premises: Premises) -> Decision:
    """Is `left = right` true for all quantities?

    >>> from leadline.claims.premises import Quantity
    >>> square = Premises((Quantity("a"), Quantity("b")))
    >>> decide("(a + b)^2 = a^2 + 2 a b + b^2", square).holds
    True
    >>> decide("(a + b)^2 = a^2 + b^2", square).counterexample
    {'a': 1, 'b': 1, 'left side': 4, 'right side': 2}
    """
    left, equals, right = (part.strip() for part in equation.partition("="))
    if not equals:
        raise InputError("decide", expected="an equation `left = right`", got=repr(equation), remedy="write both sides")
    trees = parse(left, premises.names), parse(right, premises.names)
    try:
        proven = all(_proven(trees, premises, chosen) for chosen in premises.small)
        difference = max(_largest_difference(trees, premises, chosen) for chosen in premises.large)
    except NoValueError as error:
        return Decision(left, right, holds=False, how=f"no value ({_listed(premises.small)})", reason=str(error))
    if proven != (difference < NUMERIC_TOLERANCE):
        raise DisagreementError(
            "decide", expected=f"one outcome for {equation!r}", got=f"proof {proven}, difference {difference:.1e}",
            remedy="look for a domain or a size that the premises leave out")  # fmt: skip
    if proven:
        how = (
            f"SymPy proof ({_listed(premises.small)}); float64 ({_listed(premises.large)}), difference {difference:.0e}"
        )
        return Decision(left, right, holds=True, how=how)
    how = f"the sides differ in symbols ({_listed(premises.small)}) and in float64 ({_listed(premises.large)})"
    return Decision(left, right, holds=False, how=how, counterexample=_counterexample(trees, premises))


def _listed(choices: tuple[tuple[tuple[str, int], ...], ...]) -> str:
    texts = [", ".join(f"{letter}={size}" for letter, size in choice) for choice in choices]
    return "; ".join(texts) if any(texts) else "scalars"


def _proven(trees: tuple[Node, Node], premises: Premises, chosen: tuple[tuple[str, int], ...]) -> bool:
    for signs in sign_cases(premises):
        scope = symbolic_scope(premises, dict(chosen), signs)
        difference = _difference(evaluate(trees[0], scope), evaluate(trees[1], scope))
        if not all(vanishes(entry) for entry in difference):
            return False
    return True


def _difference(left: Any, right: Any) -> list[Any]:
    if is_array(left) and is_array(right) and left.shape != right.shape:
        raise NoValueError(f"the sides have shapes {left.shape} and {right.shape}")
    # A scalar side stands for an array of that value: "grad(J, w) = 0".
    return list(np.asarray(left - right, dtype=object).ravel())


def _largest_difference(trees: tuple[Node, Node], premises: Premises, chosen: tuple[tuple[str, int], ...]) -> float:
    """The largest relative difference of the two sides over a few random draws."""
    worst = 0.0
    for draw in range(_DRAWS):
        scope = numeric_scope(premises, dict(chosen), f"draw {draw}", whole=premises.whole)
        left, right = (evaluate(tree, scope) for tree in trees)
        entries = [abs(complex(entry)) for entry in _difference(left, right)]
        scale = max(1.0, float(np.max(np.abs(left))), float(np.max(np.abs(right))))
        worst = max(worst, max(entries) / scale)
    return worst


def _counterexample(trees: tuple[Node, Node], premises: Premises) -> dict[str, Any] | None:
    """The first small whole-number point, over growing reach, at which the sides differ."""
    for attempt, chosen in itertools.product(range(_TRIES), premises.small):
        # A scalar factor of zero makes a poor example, so the first half of the tries has none.
        scope = numeric_scope(premises, dict(chosen), f"counterexample {attempt}", whole=True,
                               reach=1 + attempt // 40, nonzero=attempt < _TRIES // 2)  # fmt: skip
        try:
            with np.errstate(all="ignore"):
                sides = [evaluate(tree, scope) for tree in trees]
                gaps = np.abs(np.asarray(_difference(*sides), dtype=complex))
        except (NoValueError, ZeroDivisionError):
            continue
        if np.all(np.isfinite(gaps)) and np.max(gaps) > NUMERIC_TOLERANCE:
            involved = set().union(*(names_in(tree, premises.parsed_definitions) for tree in trees))
            given = _reported(scope, premises, involved)
            return given | {"left side": plain(sides[0]), "right side": plain(sides[1])}
    return None


def _reported(scope: Scope, premises: Premises, involved: set[str]) -> dict[str, Any]:
    given: dict[str, Any] = {letter: int(scope.values[letter]) for letter, _ in premises.small[0]}
    for quantity in premises.quantities:
        if quantity.name not in involved:
            continue
        if quantity.law is None:
            given[quantity.name] = plain(scope.values[quantity.name])
        elif isinstance(scope.arithmetic, Floats):
            points, weights = scope.arithmetic.law(quantity.name, scope)
            given[quantity.name] = {"values": plain(points), "probabilities": plain(weights)}
    return given


def plain(value: Any) -> Any:
    """A number or array as JSON values: whole numbers as such, others to six digits, columns as lists.

    >>> plain(np.array([[0.5], [2.0]])), plain(1 / 3)
    ([0.5, 2], 0.333333)
    """
    if is_array(value):
        flat = value.ravel() if 1 in value.shape or value.ndim == 1 else value
        return [plain(entry) for entry in flat]
    number = complex(value).real
    return round(number) if abs(number - round(number)) < NUMERIC_TOLERANCE else float(f"{number:.6g}")
