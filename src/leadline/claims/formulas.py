"""The value of a formula, over symbols or over numbers.

A value is a scalar or a NumPy array with two axes; a vector is a column; a 1 x 1 array is a scalar. Arrays of SymPy
expressions have dtype object, so one evaluation serves both; what differs is left to an `Arithmetic`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from leadline.claims.notation import Node


class NoValueError(Exception):
    """A formula has no value: its shapes do not fit, or it inverts a singular matrix."""


@dataclass(frozen=True)
class Scope:
    """What the names of a formula stand for.

    Args:
        values: quantities and sizes by name.
        definitions: names that stand for formulas; a value goes before a definition.
        arithmetic: how numbers are represented.
    """

    values: Mapping[str, Any]
    definitions: Mapping[str, Node]
    arithmetic: "Arithmetic"
    known: dict[str, Any] = field(default_factory=dict)  # definitions already evaluated

    def given(self, **values: Any) -> "Scope":
        """The scope in which some names have other values."""
        return Scope({**self.values, **values}, self.definitions, self.arithmetic)


class Arithmetic(ABC):
    """The operations that differ between symbols and numbers."""

    @abstractmethod
    def number(self, text: str) -> Any:
        """A constant."""

    @abstractmethod
    def apply(self, name: str, value: Any) -> Any:
        """One of sqrt, abs, sign, exp, log at a scalar."""

    @abstractmethod
    def inverse(self, matrix: np.ndarray) -> np.ndarray:
        """The inverse of a square matrix; raises `NoValueError` where there is none."""

    @abstractmethod
    def determinant(self, matrix: np.ndarray) -> Any:
        """The determinant of a square matrix."""

    @abstractmethod
    def gradient(self, formula: Node, name: str, scope: Scope) -> Any:
        """Derivatives of a scalar formula by each entry of a name, in that name's shape."""

    @abstractmethod
    def expectation(self, formula: Node, scope: Scope) -> Any:
        """The mean of a scalar formula over the random quantities in it."""


def evaluate(formula: Node, scope: Scope) -> Any:
    """The value of a formula."""
    if formula.kind == "number":
        return scope.arithmetic.number(formula.text)
    if formula.kind == "name":
        return _named(formula.text, scope)
    if formula.kind == "call":
        return _call(formula, scope)
    values = [evaluate(operand, scope) for operand in formula.operands]
    return _OPERATIONS[formula.kind](*values, scope.arithmetic)


def names_in(formula: Node, definitions: Mapping[str, Node]) -> set[str]:
    """All names that a formula depends on, through definitions too."""
    if formula.kind == "name":
        inner = names_in(definitions[formula.text], definitions) if formula.text in definitions else set()
        return {formula.text} | inner
    return set().union(*(names_in(operand, definitions) for operand in formula.operands))


def entrywise(function: Any, value: Any) -> Any:
    """A scalar function at each entry of a value."""
    if not is_array(value):
        return function(value)
    entries = [function(entry) for entry in value.ravel()]
    return np.array(entries, dtype=value.dtype).reshape(value.shape)


def is_array(value: Any) -> bool:
    """A matrix or a vector, not a scalar?"""
    return isinstance(value, np.ndarray)


def collapsed(value: Any) -> Any:
    """A 1 x 1 array as the scalar that it is."""
    return value[0, 0] if is_array(value) and value.shape == (1, 1) else value


def _named(name: str, scope: Scope) -> Any:
    if name in scope.values:
        return scope.values[name]
    if name not in scope.known:
        scope.known[name] = evaluate(scope.definitions[name], scope)
    return scope.known[name]


def _call(formula: Node, scope: Scope) -> Any:
    name, arithmetic = formula.text, scope.arithmetic
    if name == "grad":
        return arithmetic.gradient(formula.operands[0], formula.operands[1].text, scope)
    if name == "at":  # at(formula, name, value): the formula where the name has another value
        inner, replaced, value = formula.operands
        return evaluate(inner, scope.given(**{replaced.text: evaluate(value, scope)}))
    if name == "E":
        return arithmetic.expectation(formula.operands[0], scope)
    if name == "Var":
        square = Node("power", (formula.operands[0], Node("number", text="2")))
        return arithmetic.expectation(square, scope) - arithmetic.expectation(formula.operands[0], scope) ** 2
    values = [evaluate(operand, scope) for operand in formula.operands]
    return _FUNCTIONS[name](*values, arithmetic) if name in _FUNCTIONS else entrywise(
        lambda entry: arithmetic.apply(name, entry), values[0])  # fmt: skip


def _shape(value: Any) -> str:
    return " x ".join(map(str, value.shape)) if is_array(value) else "scalar"


def _add(left: Any, right: Any, _: Arithmetic) -> Any:
    for one, other in ((left, right), (right, left)):
        if is_array(one) and not is_array(other) and 1 not in one.shape:
            raise NoValueError(f"a {_shape(one)} matrix and a scalar have no sum")
    if is_array(left) and is_array(right) and left.shape != right.shape:
        raise NoValueError(f"{_shape(left)} and {_shape(right)} have no sum")
    return left + right


def _subtract(left: Any, right: Any, arithmetic: Arithmetic) -> Any:
    return _add(left, -right, arithmetic)


def _multiply(left: Any, right: Any, _: Arithmetic) -> Any:
    if not (is_array(left) and is_array(right)):
        return left * right
    if left.shape[1] != right.shape[0]:
        raise NoValueError(f"{_shape(left)} and {_shape(right)} have no product")
    return collapsed(left @ right)


def _divide(left: Any, right: Any, _: Arithmetic) -> Any:
    if is_array(right):
        raise NoValueError(f"nothing is divided by a {_shape(right)} array")
    return left / right


def _power(base: Any, exponent: Any, arithmetic: Arithmetic) -> Any:
    if not is_array(base):
        return base**exponent
    if 1 in base.shape:  # a vector's power is taken entry by entry
        return base**exponent
    if base.shape[0] != base.shape[1]:
        raise NoValueError(f"a {_shape(base)} matrix has no powers")
    repeated = arithmetic.inverse(base) if exponent == -1 else base
    for _ in range(int(abs(exponent)) - 1):
        repeated = repeated @ base
    return repeated


def _norm(value: Any, arithmetic: Arithmetic) -> Any:
    if not is_array(value):
        return arithmetic.apply("abs", value)
    if 1 not in value.shape:
        raise NoValueError(f"| | is the norm of a vector, not of a {_shape(value)} matrix")
    return arithmetic.apply("sqrt", (value * value).sum())


def _positive(value: Any, arithmetic: Arithmetic) -> Any:
    def one_if_positive(entry: Any) -> Any:
        sign = arithmetic.apply("sign", entry)
        return (sign**2 + sign) / 2

    return entrywise(one_if_positive, value)


_OPERATIONS: dict[str, Any] = {
    "sum": _add,
    "difference": _subtract,
    "product": _multiply,
    "quotient": _divide,
    "power": _power,
    "transpose": lambda value, _: value.T if is_array(value) else value,
    "norm": _norm,
}
_FUNCTIONS: dict[str, Any] = {
    "sum": lambda value, _: value.sum() if is_array(value) else value,
    "mean": lambda value, _: value.sum() / value.size if is_array(value) else value,
    "max": lambda one, other, arithmetic: (one + other + arithmetic.apply("abs", one - other)) / 2,
    "positive": _positive,
    "det": lambda value, arithmetic: arithmetic.determinant(value) if is_array(value) else value,
    "eye": lambda size, arithmetic: collapsed(arithmetic.number("1") * np.eye(int(size), dtype=int)),
    "ones": lambda size, arithmetic: collapsed(arithmetic.number("1") * np.ones((int(size), 1), dtype=int)),
}
