"""The two ways to compute a formula: over SymPy symbols, for proofs, and over float64 numbers, for confirmation."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import sympy

from leadline.claims.formulas import Arithmetic, NoValueError, Scope, collapsed, entrywise, evaluate, is_array, names_in
from leadline.claims.laws import Law, finite_law
from leadline.claims.notation import Node, parse
from leadline.core import numpy_generator

_STEP = 1e-30  # of the complex-step derivative, which has no cancellation
_SINGULAR = 1e12  # condition numbers above this count as singular; random matrices stay far below


class Symbols(Arithmetic):
    """SymPy expressions. Expectations are taken moment by moment.

    Args:
        random: symbol -> (its law, the group within which it may depend on other symbols).
    """

    def __init__(self, random: Mapping[sympy.Symbol, tuple[Law, str]]) -> None:
        self.random = dict(random)

    def number(self, text: str) -> Any:
        """A rational constant."""
        return sympy.Rational(text)

    def apply(self, name: str, value: Any) -> Any:
        """A SymPy function; signs are found after factoring."""
        if name in ("abs", "sign"):
            value = sympy.factor(sympy.together(value))
        return {"abs": sympy.Abs, "sign": sympy.sign, "sqrt": sympy.sqrt, "exp": sympy.exp, "log": sympy.log}[name](
            value
        )

    def inverse(self, matrix: np.ndarray) -> np.ndarray:
        """The adjugate over the determinant."""
        exact = sympy.Matrix(matrix)
        determinant = sympy.expand(exact.det(method="berkowitz"))
        if determinant == 0:
            raise NoValueError(f"a {exact.rows} x {exact.cols} matrix is singular whatever its entries")
        return np.array((exact.adjugate() / determinant).tolist(), dtype=object)

    def determinant(self, matrix: np.ndarray) -> Any:
        """The determinant, expanded."""
        return sympy.expand(sympy.Matrix(matrix).det(method="berkowitz"))

    def gradient(self, formula: Node, name: str, scope: Scope) -> Any:
        """Symbolic derivatives, taken at fresh symbols and then put back."""
        at = scope.values[name]
        fresh = entrywise(lambda _: sympy.Dummy(real=True), at)
        value = evaluate(formula, scope.given(**{name: fresh}))
        variables, entries = (fresh.ravel(), at.ravel()) if is_array(fresh) else ([fresh], [at])
        back = dict(zip(variables, entries, strict=True))
        derivatives = [sympy.diff(value, variable).xreplace(back) for variable in variables]
        return np.array(derivatives, dtype=object).reshape(fresh.shape) if is_array(fresh) else derivatives[0]

    def expectation(self, formula: Node, scope: Scope) -> Any:
        """Linear in the monomials of the random symbols; independent groups multiply."""
        value = sympy.expand(evaluate(formula, scope))
        symbols = sorted(value.free_symbols & set(self.random), key=str)
        if not symbols:
            return value
        terms = sympy.Poly(value, *symbols).terms()
        return sum(coefficient * self._moment(symbols, powers, scope) for powers, coefficient in terms)

    def _moment(self, symbols: list[sympy.Symbol], powers: tuple[int, ...], scope: Scope) -> Any:
        groups: dict[str, list[tuple[sympy.Symbol, int]]] = {}
        for symbol, power in zip(symbols, powers, strict=True):
            if power:
                groups.setdefault(self.random[symbol][1], []).append((symbol, power))
        return sympy.prod([self._joint_moment(members, scope) for members in groups.values()])

    def _joint_moment(self, members: list[tuple[sympy.Symbol, int]], scope: Scope) -> Any:
        if len(members) > 1:
            return sympy.Symbol("E[" + " ".join(f"{symbol}^{power}" for symbol, power in members) + "]", real=True)
        [(symbol, power)] = members
        law = self.random[symbol][0]
        if power <= len(law.moments):
            return evaluate(parse(law.moments[power - 1], frozenset(scope.values)), scope)
        return sympy.Symbol(f"E[{law.name}^{power}]", real=True)


class Floats(Arithmetic):
    """Float64 numbers. Derivatives by the complex step, expectations by summing over finite laws.

    Args:
        random: name of a random quantity -> (its law, its group).
        seed: names the random finite laws.
    """

    def __init__(self, random: Mapping[str, tuple[Law, str]], seed: str) -> None:
        self.random, self.seed = dict(random), seed

    def number(self, text: str) -> Any:
        """A float."""
        return float(text)

    def apply(self, name: str, value: Any) -> Any:
        """A NumPy function; |z| and sign go by the real part, so that the complex step passes through."""
        if name in ("abs", "sign"):
            sign = np.sign(np.real(value))
            return sign * value if name == "abs" else sign
        return {"sqrt": np.emath.sqrt, "exp": np.exp, "log": np.log}[name](value)

    def inverse(self, matrix: np.ndarray) -> np.ndarray:
        """NumPy's inverse, unless the matrix is singular to working precision."""
        if np.linalg.cond(np.real(matrix)) > _SINGULAR:
            raise NoValueError(f"a {matrix.shape[0]} x {matrix.shape[1]} matrix is singular")
        return np.linalg.inv(matrix)

    def determinant(self, matrix: np.ndarray) -> Any:
        """The determinant, exactly 0 where the matrix is singular to working precision."""
        return 0.0 if np.linalg.cond(np.real(matrix)) > _SINGULAR else np.linalg.det(matrix)

    def gradient(self, formula: Node, name: str, scope: Scope) -> Any:
        """Im f(x + i h)/h for each entry x."""
        at = scope.values[name]
        if not is_array(at):
            return np.imag(evaluate(formula, scope.given(**{name: at + 1j * _STEP}))) / _STEP
        derivatives = np.zeros(at.shape)
        for place in np.ndindex(at.shape):
            moved = at.astype(complex)
            moved[place] += 1j * _STEP
            derivatives[place] = np.imag(evaluate(formula, scope.given(**{name: moved}))) / _STEP
        return derivatives

    def expectation(self, formula: Node, scope: Scope) -> Any:
        """The sum over all outcomes of the random quantities that occur."""
        occurring = sorted(names_in(formula, scope.definitions) & set(self.random))
        return sum(
            weight * evaluate(formula, scope.given(**outcome)) for outcome, weight in self._outcomes(occurring, scope)
        )

    def law(self, name: str, scope: Scope) -> tuple[np.ndarray, np.ndarray]:
        """The finite law that stands for a random quantity: points and weights."""
        law, group = self.random[name]
        known = [float(evaluate(parse(moment, frozenset(scope.values)), scope)) for moment in law.moments]
        points, weights = finite_law(law, known, numpy_generator("finite law", law.name, self.seed))
        if group != name:  # quantities of one group take their values together, with the group's weights
            weights = finite_law(Law(group), [], numpy_generator("finite law", group, self.seed))[1]
            points = points - weights @ points + known[0] if known else points
        return points, weights

    def _outcomes(self, names: list[str], scope: Scope) -> Iterator[tuple[dict[str, Any], float]]:
        # One die per entry of an independent quantity, one per group of dependent scalars.
        laws = {name: self.law(name, scope) for name in names}
        dice = {(self.random[name][1], place): len(laws[name][0])
                for name in names for place in range(np.size(scope.values[name]))}  # fmt: skip
        for faces in itertools.product(*(range(count) for count in dice.values())):
            fallen = dict(zip(dice, faces, strict=True))
            outcome, weight, weighed = {}, 1.0, set()
            for name in names:
                points, weights = laws[name]
                group, size = self.random[name][1], np.size(scope.values[name])
                outcome[name] = collapsed(np.array([[points[fallen[group, place]]] for place in range(size)]))
                if group not in weighed:
                    weight *= float(np.prod([weights[fallen[group, place]] for place in range(size)]))
                    weighed.add(group)
            yield outcome, weight
