"""Does an expression vanish identically? Decided by exact sparse polynomial arithmetic.

The expression is turned into numerator / denominator over the ring of its symbols without being expanded first, which
is many times faster than `sympy.expand`. Roots, logarithms and signs count as further symbols.
"""

from typing import Any

import sympy
from sympy.polys.domains import QQ
from sympy.polys.rings import PolyElement, PolyRing, ring


def vanishes(expression: Any) -> bool:
    """Is the expression zero wherever it is defined?

    >>> x, y = sympy.symbols("x y", positive=True)
    >>> vanishes((x**2 - y**2) / (x - y) - x - y), vanishes(x / y - y / x)
    (True, False)
    """
    expression = sympy.sympify(expression)
    atoms = sorted(_atoms(expression), key=str)
    if not atoms:
        return bool(sympy.simplify(expression) == 0)
    base, *generators = ring([f"x{place}" for place in range(len(atoms))], QQ)
    numerator, _ = _fraction(expression, base, dict(zip(atoms, generators, strict=True)), {})
    if not numerator:
        return True
    # Over independent symbols a non-zero numerator settles it; roots and signs may still cancel among themselves.
    return not all(atom.is_Symbol for atom in atoms) and bool(sympy.simplify(sympy.expand(expression)) == 0)


def _atoms(expression: sympy.Expr) -> set[sympy.Expr]:
    if expression.is_Rational:
        return set()
    if expression.is_Add or expression.is_Mul or _is_whole_power(expression):
        return set().union(*(_atoms(part) for part in expression.args))  # type: ignore[arg-type]
    return {expression}


def _is_whole_power(expression: sympy.Expr) -> bool:
    return bool(expression.is_Pow and expression.args[1].is_Integer)


def _fraction(expression: Any, base: PolyRing, generators: dict, known: dict) -> tuple[PolyElement, PolyElement]:
    if expression not in known:
        known[expression] = _new_fraction(expression, base, generators, known)
    return known[expression]


def _new_fraction(expression: Any, base: PolyRing, generators: dict, known: dict) -> tuple[PolyElement, PolyElement]:
    if expression in generators:
        return generators[expression], base.one
    if expression.is_Rational:
        return base.ground_new(QQ(expression.p, expression.q)), base.one
    if _is_whole_power(expression):
        top, bottom = _fraction(expression.args[0], base, generators, known)
        power = int(expression.args[1])
        return (top**power, bottom**power) if power >= 0 else (bottom**-power, top**-power)
    parts = [_fraction(part, base, generators, known) for part in expression.args]
    if expression.is_Mul:
        top, bottom = base.one, base.one
        for part in parts:
            top, bottom = top * part[0], bottom * part[1]
        return top, bottom
    shared: dict[PolyElement, PolyElement] = {}  # summands by denominator, so that equal ones are not multiplied up
    for top, bottom in parts:
        shared[bottom] = shared.get(bottom, base.zero) + top
    total, denominator = base.zero, base.one
    for bottom, top in shared.items():
        total, denominator = total * bottom + top * denominator, denominator * bottom
    return total, denominator
