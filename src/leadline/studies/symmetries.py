"""Inputs multiplied by a constant, mirrored or flipped: when does training diverge, and what do networks ignore?"""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import sympy
import torch
from sklearn.datasets import load_digits
from torch import nn

from leadline.claims import Check, Evidence, Figure, Table
from leadline.claims.arithmetic import Symbols
from leadline.claims.formulas import Scope, evaluate
from leadline.claims.identities import DisagreementError
from leadline.claims.notation import parse
from leadline.core import numpy_generator
from leadline.models import mlp
from leadline.studies.pictures import INK, SERIES, picture
from leadline.studies.study import Exhibits, Settings, Study
from leadline.symmetry import (
    SymmetryTest,
    equivariance,
    flip,
    invariance,
    mirror,
    permutation,
    scaling,
    tie_weights,
)
from leadline.training import Recipe, initialized, train

RATES = tuple(map(Fraction, ("1/8", "1/2", "1", "2")))
FACTORS = tuple(map(Fraction, ("-2", "1/10", "1/2", "1", "2", "5", "10")))
# Small design matrices whose curvatures spread over four powers of ten; the last two have more features than rank.
DESIGNS: tuple[tuple[tuple[Fraction | int, ...], ...], ...] = (
    ((Fraction(1, 10),),), ((Fraction(1, 2),), (Fraction(1, 2),)), ((1,), (0,), (1,)), ((1,), (2,)), ((3,), (4,)),
    ((1, 2), (2, 1), (0, 1)), ((3, 1), (1, -2)), ((1, 1), (1, 1)), ((1, 0, 1), (0, 1, 1)),
)  # fmt: skip
DOUBLINGS = 24  # of the number of simulated steps: 2^24 of them
REACHED = 1e-6  # of the distance to the minimum at the start


@dataclass(frozen=True)
class Cell:
    """Gradient descent with rate a on half the mean squared error, inputs multiplied by c."""

    design: int
    a: Fraction
    c: Fraction
    curvature: Any  # L: largest eigenvalue of X'X/n before the inputs are multiplied, exact
    converges: bool

    def value(self, formula: str) -> Any:
        """A formula in a, c and L, exactly."""
        values = {"a": sympy.Rational(self.a), "c": sympy.Rational(self.c), "L": self.curvature}
        return evaluate(parse(formula, frozenset(values)), Scope(values, {}, Symbols({})))

    def told(self) -> dict[str, Any]:
        """The cell as plain values."""
        X = [[str(entry) for entry in row] for row in DESIGNS[self.design]]
        return {"X": X, "a": str(self.a), "c": str(self.c), "c a": str(self.c * self.a),
                "a c^2 L": str(sympy.nsimplify(self.value("a c^2 L")))}  # fmt: skip


@dataclass(frozen=True)
class Observed:
    """The grid, and what the instruments measured on digits."""

    cells: tuple[Cell, ...]
    tests: tuple[tuple[str, str, SymmetryTest], ...]  # claim, what was tested, outcome


def converges_by_algebra(hessian: sympy.Matrix, rate: Fraction) -> bool:
    """Does every factor 1 - rate * eigenvalue lie between -1 and 1, flat directions aside?"""
    factors = [1 - sympy.Rational(rate) * value for value in eigenvalues(hessian)]
    return all(bool(abs(factor) < 1) or factor == 1 for factor in factors)


@cache
def _eigenvalues(entries: tuple, size: int) -> tuple[Any, ...]:
    return tuple(sympy.Matrix(size, size, list(entries)).eigenvals(multiple=True))


def eigenvalues(matrix: sympy.Matrix) -> tuple[Any, ...]:
    """All eigenvalues, exact."""
    return _eigenvalues(tuple(matrix.flat()), matrix.rows)


def converges_by_steps(hessian: np.ndarray, rate: float) -> bool:
    """Does the distance to the minimum fall to nothing within 2^24 steps from a random start?"""
    start = hessian @ numpy_generator("diverging descent").normal(size=len(hessian))  # no flat direction in it
    step = np.eye(len(hessian)) - rate * hessian
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(DOUBLINGS):
            step = step @ step
        left = np.linalg.norm(step @ start)
    return bool(left < REACHED * np.linalg.norm(start))


def descend() -> Iterator[Cell]:
    """Every rate, factor and design, decided exactly and by running; the two must agree."""
    for (place, design), a, c in itertools.product(enumerate(DESIGNS), RATES, FACTORS):
        X = sympy.Matrix([[sympy.Rational(entry) for entry in row] for row in design])
        hessian = X.T * X / X.rows
        largest = max(eigenvalues(hessian), key=lambda value: float(sympy.re(value.evalf())))
        exact = converges_by_algebra(hessian, a * c * c)
        run = converges_by_steps(np.array(hessian.tolist(), dtype=float), float(a * c * c))
        if exact != run:
            raise DisagreementError("descend", expected=f"one outcome for a={a}, c={c}, {design}",
                                    got=f"algebra {exact}, running {run}", remedy="compare the two ways")  # fmt: skip
        yield Cell(place, a, c, largest, exact)


def decide_divergence(observation: Observed, asserted: tuple[str, int]) -> Evidence:
    """Does gradient descent never converge once the formula exceeds the bound?"""
    formula, bound = asserted
    beyond = [cell for cell in observation.cells if bool(cell.value(formula) > bound)]
    converging = [cell for cell in beyond if cell.converges]
    steep = [cell for cell in beyond if bool(cell.value("c L") >= 2)]
    within = [cell for cell in observation.cells if not cell.converges and cell not in beyond]
    example = converging[:1] or beyond[:1]
    return Evidence(
        as_stated=bool(beyond) and not converging,
        amended=bool(steep) and not any(cell.converges for cell in steep),
        condition="c L >= 2, where L is the largest eigenvalue of X'X/n",
        found={
            "threshold": "a c^2 L = 2" if _separates(observation.cells, "a c^2 L", 2) else "not a c^2 L = 2",
            "converges beyond the bound" if converging else "diverges beyond the bound": [
                cell.told() for cell in example
            ],
        },
        how=(
            f"{len(observation.cells)} combinations of rate, factor and data for least squares (half the mean squared"
            " error): exact eigenvalues of the iteration, and 2^24 steps of it in float64."
        ),
        details=(
            f"{len(beyond)} combinations have {formula} > {bound}; {len(converging)} of them converge.",
            f"{len(within)} combinations diverge although {formula} <= {bound}.",
            "Inputs multiplied by c multiply the gradient's slope by c^2, not by c; starts without a component along"
            " the steepest direction are left out.",
            _cross_entropy(),
        ),
    )


def _separates(cells: Iterable[Cell], formula: str, bound: int) -> bool:
    return all(cell.converges == bool(cell.value(formula) < bound) for cell in cells)


def _cross_entropy() -> str:
    """A classifier's own loss, on two examples that a line separates."""
    a, c, w = 1.0, 2.0, -1.0
    losses = []
    for _ in range(1000):
        losses.append(float(np.logaddexp(0, -c * w)))  # both examples have margin c w
        w += a * c / (1 + np.exp(c * w))
    return (f"Cross-entropy on two separable examples, c a = {c * a:g}: its loss falls from {losses[0]:.2g} to"
            f" {losses[99]:.1g} after 99 and {losses[-1]:.1g} after 999 steps; no threshold in c a shows.")  # fmt: skip


CHECKS = (Check(claim="dlhw2.5.4b", procedure=decide_divergence, asserted=("c a", 1), altered=("a c^2 L", 2)),)


def measure() -> tuple[tuple[str, str, SymmetryTest], ...]:
    """The instruments on digits, for claims about symmetry that are decided by algebra elsewhere."""
    digits: Any = load_digits()
    images = torch.tensor(digits.images / 16, dtype=torch.float64)
    classes = torch.tensor(digits.target)
    leaky = nn.LeakyReLU(0.1)
    found = [
        ("dlhw2.5.1", f"leaky ReLU, times {c:g} against the output times {c:g}",
         equivariance(leaky, scaling(c), scaling(c), images - 0.5))
        for c in (3.0, -2.0)
    ]  # fmt: skip
    for text, order in (("d - 1 - col", [7, 6, 5, 4, 3, 2, 1, 0]), ("d - col", [0, 7, 6, 5, 4, 3, 2, 1])):
        network = _tied(permutation(order), (8, 8))
        found.append(("dlhw2.5.2", f"columns tied to {text} (from 0); mirrored", invariance(network, mirror(), images)))
    for text, order in (("1-4, 2-3", [3, 2, 1, 0]), ("1-2, 3-4", [1, 0, 3, 2])):
        network = _tied(permutation(order, axis=-2), (4, 8))
        found.append(("dlhw2.5.3", f"rows tied {text}; top and bottom exchanged",
                      invariance(network, flip(-2), images[:, 2:6])))  # fmt: skip
    for has_bias, c in ((False, 0.01), (True, 0.01), (True, 0.999), (False, -1.0)):
        classifier = _classifier(images, classes, has_bias)
        text = f"decisions of a trained classifier {'with' if has_bias else 'without'} bias, inputs times {c:g}"
        found.append(("dlhw2.5.4a", text, invariance(classifier, scaling(c), images, compare="decisions")))
    return tuple(found)


def _tied(ties: Any, shape: tuple[int, int]) -> nn.Module:
    inner = initialized(lambda: mlp([shape[0] * shape[1], 32, 10]).double(), seed=0)
    assert isinstance(inner, nn.Sequential)
    tie_weights(inner[0], ties, input_shape=shape)
    return nn.Sequential(nn.Flatten(), inner)


def _classifier(images: torch.Tensor, classes: torch.Tensor, has_bias: bool) -> nn.Module:
    model = initialized(lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 10, bias=has_bias)).double(), seed=0)
    train(model, (images, classes), Recipe(lr=0.5, epochs=5)).load_into(model)
    return model


def observe(settings: Settings) -> Observed:
    """The grid and the measurements."""
    return Observed(tuple(descend()), measure())


def exhibit(observation: Observed) -> Exhibits:
    """The grid as a picture, the measurements as a table."""
    rows = []
    for claim, text, test in observation.tests:
        one = test.worst
        by_search = f"{one.by_search.violation:.3g}" if one.by_search else "not searched"
        rows.append((claim, text, f"{one.on_data.violation:.3g}", f"{one.share_violating:.1%}", by_search,
                     str(test.outcome)))  # fmt: skip
    columns = ("claim", "tested on digits", "largest violation on the data", "examples violating",
               "largest found by search", "outcome")  # fmt: skip
    caption = "Violations in the unit of the outputs; for decisions the lead of the other class."
    measured = Table(title="Measured symmetries", columns=columns, rows=tuple(rows), caption=caption)
    return Exhibits(tables=(measured,), figures=(_plane(observation.cells),))


def _plane(cells: tuple[Cell, ...]) -> Figure:
    positive = [cell for cell in cells if cell.c > 0]

    def draw(ax: Any) -> None:
        for converges, colour, marker, label in (
            (True, SERIES[0], "o", "converges"),
            (False, SERIES[1], "x", "diverges"),
        ):
            chosen = [cell for cell in positive if cell.converges == converges]
            points = [(float(cell.a * cell.c), float(cell.value("a c^2 L"))) for cell in chosen]
            ax.plot(*zip(*points, strict=True), marker, color=colour, markersize=4, linestyle="none", label=label)
        ax.set(xscale="log", yscale="log", xlabel="c a", ylabel="a c² L")
        ax.axvline(1, color=INK, linestyle=":", linewidth=1)
        ax.axhline(2, color=INK, linestyle="--", linewidth=1)
        ax.annotate("c a = 1", (1, ax.get_ylim()[0]), xytext=(4, 4), textcoords="offset points")
        ax.annotate("a c² L = 2", (ax.get_xlim()[0], 2), xytext=(4, 4), textcoords="offset points")
        ax.legend(loc="lower right")

    caption = "Each point is one rate a > 0, factor c > 0 and data set with largest curvature L."
    return picture("What decides whether descent converges", draw, caption=caption)


STUDY = Study(
    name="symmetries",
    title="Scaled, mirrored and flipped inputs",
    question="At which factor on the inputs does gradient descent diverge, and which changes do networks not see?",
    observe=observe,
    checks=CHECKS,
    exhibit=exhibit,
)
