"""Two RMSProp steps on one example, exactly, against the numbers that a course's solution prints."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import sympy
import torch

from leadline.claims import Check, Evidence, Table, agrees
from leadline.studies.pictures import picture
from leadline.studies.study import Exhibits, Settings, Study

if TYPE_CHECKING:
    import matplotlib.axes

_X, _T = (2, 1), 2
_LR, _BETA, _EPS = sympy.Rational(1, 10), sympy.Rational(9, 10), sympy.Rational(1, 100)


@dataclass(frozen=True)
class Step:
    """One step: residual, gradient, running mean of squares and weights after it, exactly."""

    residual: sympy.Expr
    gradient: tuple[sympy.Expr, ...]
    squares: tuple[sympy.Expr, ...]
    weights: tuple[sympy.Expr, ...]

    @property
    def rounded(self) -> list[float]:
        return [float(weight) for weight in self.weights]


@dataclass(frozen=True)
class Observation:
    """The two exact steps, torch's, and second steps from first weights as someone might have written them down."""

    steps: tuple[Step, Step]
    by_torch: tuple[list[float], list[float]]
    from_written: dict[str, list[float]]


def observe(settings: Settings) -> Observation:
    first = exact_step((0, 0), (0, 0))
    second = exact_step(first.weights, first.squares)
    written = {"0.314, 0.311": ("0.314", "0.311"), "0.316, 0.311": ("0.316", "0.311")}
    from_written = {text: exact_step(tuple(map(sympy.Rational, pair)), first.squares).rounded
                    for text, pair in written.items()}  # fmt: skip
    by_torch = list(torch_steps(2))
    return Observation((first, second), (by_torch[0], by_torch[1]), from_written)


def exact_step(weights: tuple[Any, ...], squares: tuple[Any, ...]) -> Step:
    """v <- beta v + (1 - beta) g^2;  w <- w - lr g / (sqrt(v) + eps), for the loss 1/2 (x.w - t)^2."""
    residual = sympy.expand(sum(x * w for x, w in zip(_X, weights, strict=True)) - _T)
    gradient = tuple(residual * x for x in _X)
    squares = tuple(_BETA * v + (1 - _BETA) * g**2 for v, g in zip(squares, gradient, strict=True))
    moved = tuple(w - _LR * g / (sympy.sqrt(v) + _EPS) for w, g, v in zip(weights, gradient, squares, strict=True))
    return Step(residual, gradient, squares, moved)


def torch_steps(count: int) -> Iterator[list[float]]:
    """The same by torch's RMSprop, which also adds eps outside the root."""
    weights = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.RMSprop([weights], lr=float(_LR), alpha=float(_BETA), eps=float(_EPS))
    for _ in range(count):
        optimizer.zero_grad()
        (0.5 * (weights @ torch.tensor(_X, dtype=torch.float64) - _T) ** 2).backward()
        optimizer.step()
        yield weights.tolist()


def _check(number: int, altered: tuple[str, str]) -> Check:
    def procedure(observation: Observation, stated: list[Decimal]) -> Evidence:
        found = observation.steps[number - 1].rounded
        explanations = observation.from_written.items() if number == 2 else ()
        return Evidence(
            as_stated=agrees(found, stated),
            found=found,
            how="Exact arithmetic with square roots (SymPy), confirmed by torch's RMSprop in float64.",
            details=(
                f"torch's weights: {observation.by_torch[number - 1]}.",
                *(f"Going on from ({text}) gives ({after[0]:.6f}, {after[1]:.6f}), which "
                  f"{'agrees' if agrees(after, stated) else 'does not agree'} with the stated pair."
                  for text, after in explanations),
            ),
        )  # fmt: skip

    claim = f"csc413a.1.2.1.step{number}"
    return Check(claim=claim, procedure=procedure, altered=[Decimal(value) for value in altered])


def exhibit(observation: Observation) -> Exhibits:
    first, second = observation.steps
    rows: list[tuple[Any, ...]] = []
    for number, step in enumerate((first, second), 1):
        rows.append((number, "residual", float(step.residual), float(step.residual)))
        for name, pair in (("gradient", step.gradient), ("mean square", step.squares), ("weight", step.weights)):
            rows.append((number, name, *(float(value) for value in pair)))
    again = [(f"going on from ({text})", *after) for text, after in observation.from_written.items()]
    return Exhibits(
        tables=(
            Table(title="RMSProp, two steps", columns=("step", "quantity", "of w1", "of w2"), rows=tuple(rows),
                  caption="x = (2, 1), t = 2, learning rate 0.1, beta 0.9, eps 0.01 outside the root, start at 0."),
            Table(title="The second step", columns=("from", "w1", "w2"),
                  rows=(("exact first weights", *second.rounded), *again, ("as printed", 0.469, 0.463)),
                  caption="The solution writes 0.316 over the first weight where it puts it into the second step."),
        ),
        figures=(picture("Where RMSProp goes", lambda ax: _draw(ax, observation)),),
    )  # fmt: skip


def _draw(ax: "matplotlib.axes.Axes", observation: Observation) -> None:
    path = [[0.0, 0.0], *(step.rounded for step in observation.steps)]
    ax.plot([0.3, 1.0], [1.4, 0.0], color="C2", label="every (w1, w2) with 2 w1 + w2 = 2")
    ax.plot([0, 0.9], [0, 0.45], "--", color="C3", linewidth=1, label="span of x = (2, 1)")
    ax.plot(*zip(*path, strict=True), "o-", color="C0", label="RMSProp")
    ax.plot([0.8], [0.4], "s", color="C3", label="minimum-norm solution (0.8, 0.4)")
    for number, point in enumerate(path):
        ax.annotate(str(number), (point[0], point[1]), xytext=(-10, 4), textcoords="offset points")
    ax.set(xlabel="w1", ylabel="w2")
    ax.legend(fontsize=8)


STUDY = Study(
    name="rmsprop-by-hand",
    title="RMSProp by hand",
    question="Are the weights printed after two RMSProp steps right?",
    observe=observe,
    checks=(_check(1, ("0.316", "0.311")), _check(2, ("0.467", "0.463"))),
    exhibit=exhibit,
)
