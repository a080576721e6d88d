"""Backpropagation worked by hand on a 3-2-2 sigmoid network, against the numbers printed in a course's solution."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from leadline.claims import Check, Evidence, Table, agrees, statements
from leadline.optimization import WorkedBackpropagation, worked_backprop
from leadline.studies.hand_slips import slips_that_print
from leadline.studies.pictures import INK, picture
from leadline.studies.study import Exhibits, Settings, Study

if TYPE_CHECKING:
    import matplotlib.axes

_NAMES = {
    "0.weight": [["w1", "w3", "w5"], ["w2", "w4", "w6"]], "0.bias": "b1",
    "2.weight": [["w7", "w9"], ["w8", "w10"]], "2.bias": "b2",
}  # fmt: skip
_OUTPUTS = {"linear": nn.Identity, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "ReLU": nn.ReLU}

# Claim, the quantity that it is about, an altered value.
_PRINTED = (
    ("h1", "h1", "0.987613"), ("h2", "h2", "0.995330"), ("o1", "o1", "0.889950"), ("o2", "o2", "0.800993"),
    ("mse", "E", "0.593442"), ("do1", "dE/do1", "0.89"), ("do2", "dE/do2", "0.80"),
    ("w7", "dE/dw7", "0.0755"), ("w8", "dE/dw8", "0.120"), ("w9", "dE/dw9", "0.077"), ("w10", "dE/dw10", "0.119"),
    ("do1dh1", "do1/dh1", "0.098"), ("do1dh2", "do1/dh2", "0.098"), ("do2dh1", "do2/dh1", "0.160"),
    ("do2dh2", "do2/dh2", "0.160"), ("w1", "dE/dw1", "0.0040"), ("w3", "dE/dw3", "0.0060"),
    ("w5", "dE/dw5", "0.0099"), ("w2", "dE/dw2", "0.00040"), ("w4", "dE/dw4", "0.0016"), ("w6", "dE/dw6", "0.00202"),
    ("b2", "dE/db2", "0.20"), ("b1", "dE/db1", "0.00239"),
    ("step.w1", "w1'", "0.09998"), ("step.w2", "w2'", "0.1998"), ("step.w3", "w3'", "0.2997"),
    ("step.w4", "w4'", "0.3997"), ("step.w5", "w5'", "0.4990"), ("step.w6", "w6'", "0.5995"),
    ("step.w7", "w7'", "0.6992"), ("step.w8", "w8'", "0.7880"), ("step.w9", "w9'", "0.8926"),
    ("step.w10", "w10'", "0.0881"), ("step.b1", "b1'", "0.4971"), ("step.b2", "b2'", "0.4980"),
)  # fmt: skip


@dataclass(frozen=True)
class Observation:
    """The network worked through once for each kind of output unit; `result` is the sigmoid's."""

    by_output: dict[str, WorkedBackpropagation]

    @property
    def result(self) -> WorkedBackpropagation:
        return self.by_output["sigmoid"]


def observe(settings: Settings) -> Observation:
    return Observation({name: _work(kind()) for name, kind in _OUTPUTS.items()})


def _work(output: nn.Module) -> WorkedBackpropagation:
    network = nn.Sequential(nn.Linear(3, 2), nn.Sigmoid(), nn.Linear(2, 2), output).double()
    values = ([[0.1, 0.3, 0.5], [0.2, 0.4, 0.6]], [0.5, 0.5], [[0.7, 0.9], [0.8, 0.1]], [0.5, 0.5])
    with torch.no_grad():
        for parameter, value in zip(network.parameters(), values, strict=True):
            parameter.copy_(torch.tensor(value, dtype=torch.float64))
    return worked_backprop(network, [1.0, 4.0, 5.0], [0.1, 0.05], lr=0.01, names=_NAMES)


def _check(claim: str, quantity: str, altered: str) -> Check:
    def procedure(observation: Observation, stated: Decimal) -> Evidence:
        result = observation.result
        as_stated = agrees(result[quantity], stated)
        details = () if as_stated else (_ratio(stated, result[quantity]), *slips_that_print(stated, result, quantity))
        formula = next(step.formula for step in result.steps if step.name == quantity)
        return Evidence(
            as_stated=as_stated, found=result[quantity], details=details,
            how=f"Chain rule written out in float64: {quantity} = {formula}.",
        )  # fmt: skip

    return Check(claim=f"dlhw2.2.{claim}", procedure=procedure, altered=Decimal(altered))


def _ratio(stated: Decimal, found: float) -> str:
    return f"The printed value is {float(stated) / found:.4g} times the right one."


def _output_units(observation: Observation, asserted: str) -> Evidence:
    """Which output unit gives the printed o1, o2 and loss? `asserted` is a key of `_OUTPUTS`."""
    printed = {
        name: statements()[f"dlhw2.2.{claim}"].stated for claim, name in (("o1", "o1"), ("o2", "o2"), ("mse", "E"))
    }
    found = {kind: {name: result[name] for name in printed} for kind, result in observation.by_output.items()}
    fitting = [kind for kind, values in found.items() if agrees(values, printed)]
    return Evidence(
        as_stated=asserted in fitting,
        found={"output_units": fitting, "o1": {kind: values["o1"] for kind, values in found.items()}},
        how="The forward pass with each kind of output unit, compared with the printed o1, o2 and loss.",
        details=(
            f"Printed o1 = {printed['o1']}; with {asserted} outputs o1 = {found[asserted]['o1']:.6f}.",
            *(f"o1 = {kind}(w7 h1 + w9 h2 + b2) gives all three printed values." for kind in fitting),
        ),
    )


def exhibit(observation: Observation) -> Exhibits:
    rows = [_row(observation.result, claim, quantity) for claim, quantity, _ in _PRINTED]
    steps = observation.result.steps
    return Exhibits(
        tables=(
            Table(
                title="Printed and found",
                columns=("quantity", "printed", "found", "printed / found", "agrees", "what would print that"),
                rows=tuple(rows),
                caption="A slip is listed where the calculation with it, rounded or cut, gives the printed digits.",
            ),
            Table(
                title="The derivation, line by line",
                columns=("part", "quantity", "formula", "with numbers", "value"),
                rows=tuple((s.part, s.name, s.formula, s.with_numbers, s.value) for s in steps),
                caption="b1 is one number shared by both hidden units, b2 one shared by both outputs.",
            ),
        ),
        figures=(
            picture("The network with its derivatives", observation.result.draw, size=(9.0, 5.0)),
            picture("Printed / found", lambda ax: _draw_ratios(ax, rows), size=(6.4, 6.2),
                    caption="1 is right; written where the two differ by more than a unit of the last digit."),
        ),
    )  # fmt: skip


def _row(result: WorkedBackpropagation, claim: str, quantity: str) -> tuple[Any, ...]:
    stated, found = statements()[f"dlhw2.2.{claim}"].stated, result[quantity]
    right = agrees(found, stated)
    slips = "" if right else " ".join(slips_that_print(stated, result, quantity))
    return quantity, str(stated), found, float(stated) / found, right, slips


def _draw_ratios(ax: "matplotlib.axes.Axes", rows: list[tuple[Any, ...]]) -> None:
    for place, (_, _, _, ratio, right, _) in enumerate(rows):
        ax.plot([1, ratio], [place, place], color=f"C{0 if right else 1}", linewidth=1.2)
        ax.plot(ratio, place, "o", color=f"C{0 if right else 1}", markersize=4.5)
        if not right:
            side = 1 if ratio > 1 else -1
            text = f"{ratio:.3g}" if abs(ratio - 1) > 0.05 else f"{ratio:.4f}"
            ax.annotate(text, (ratio, place), xytext=(7 * side, 0), textcoords="offset points", va="center",
                        ha="left" if side > 0 else "right", fontsize=8)  # fmt: skip
    ax.axvline(1, color=INK, linewidth=0.8)
    ax.set_yticks(range(len(rows)), [row[0] for row in rows], fontsize=7.5)
    ax.set_xscale("log")
    ax.set_xticks([0.5, 1, 2, 5, 10], ["0.5", "1", "2", "5", "10"])
    ax.set_xlim(0.4, 16)
    ax.minorticks_off()
    ax.invert_yaxis()
    ax.set_xlabel("printed value / right value (log scale)")


STUDY = Study(
    name="worked-backpropagation",
    title="Backpropagation by hand",
    question="Which numbers of a hand-worked backward pass are right, and what explains the others?",
    observe=observe,
    checks=(
        *(_check(*printed) for printed in _PRINTED),
        Check(claim="dlhw2.2.o1.formula", procedure=_output_units, asserted="linear", altered="sigmoid"),
    ),
    exhibit=exhibit,
)
