"""Backpropagation worked by hand: every number from the inputs to the weights after one step, with its formula."""

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import nn

from leadline.core import InputError, Result, borrow
from leadline.optimization.chain_rule import backward_pass, forward_pass
from leadline.optimization.derivation import DerivationStep, Worksheet, derivative
from leadline.optimization.example_batch import Numbers, read_examples
from leadline.optimization.feed_forward import FeedForward, read_network
from leadline.optimization.network_drawing import Connection, draw_network
from leadline.optimization.output_losses import LOSSES

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas

_PARTS = {"forward": "Forward pass", "backward": "Backward pass", "update": "One step of gradient descent"}
_SOURCE = "Rumelhart, Hinton & Williams (1986), Learning representations by back-propagating errors"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class WorkedBackpropagation(Result):
    """Every intermediate value, every derivative and every updated weight of one step on a small network.

    Args:
        steps: the derivation, line by line, in the order in which it is worked.
        values: every number by name, the given ones (inputs, targets, weights, biases, lr) included.
        parameters: names of weights and biases; entries that share a name are one parameter.
        units: names of the units, inputs first, one tuple per layer.
        connections: which unit feeds which by which parameter.
        loss: the loss's name, a key of `values`.
        examples: number of examples in the batch.
    """

    steps: tuple[DerivationStep, ...]
    values: dict[str, float]
    parameters: tuple[str, ...]
    units: tuple[tuple[str, ...], ...]
    connections: tuple[Connection, ...]
    loss: str
    examples: int

    def __getitem__(self, name: str) -> float:
        """The number of that name: `result["h1"]`, `result["dE/dw7"]`, `result["w7'"]`."""
        if name not in self.values:
            near = difflib.get_close_matches(name, self.values, n=4)
            raise InputError(
                "WorkedBackpropagation", expected="the name of a quantity", got=repr(name),
                remedy=f"take one of {', '.join(near)}" if near else "see `values`",
            )  # fmt: skip
        return self.values[name]

    @property
    def gradients(self) -> dict[str, float]:
        """The loss's derivative by each parameter."""
        return {name: self.values[derivative(self.loss, name)] for name in self.parameters}

    @property
    def updated(self) -> dict[str, float]:
        """Each parameter after the step."""
        return {name: self.values[f"{name}'"] for name in self.parameters}

    def headline(self) -> str:
        largest = max(self.gradients, key=lambda name: abs(self.gradients[name]))
        return (
            f"{self.loss} = {self.values[self.loss]:.6g}; {len(self.parameters)} parameters, "
            f"largest derivative {derivative(self.loss, largest)} = {self.gradients[largest]:.6g}; "
            f"{len(self.steps)} steps"
        )

    def text(self) -> str:
        """The derivation as plain lines: name = formula = numbers = value."""
        return "\n\n".join(
            "\n".join([title, *(f"  {step}" for step in self.steps if step.part == part)])
            for part, title in _PARTS.items()
        )

    def latex(self) -> str:
        """The derivation as one `align*` environment (amsmath)."""
        lines = [r"\begin{align*}"]
        for part, title in _PARTS.items():
            lines.append(rf"\intertext{{{title}}}")
            lines += [rf"{step.latex} \\" for step in self.steps if step.part == part]
        lines[-1] = lines[-1].removesuffix(r" \\")
        return "\n".join([*lines, r"\end{align*}"])

    def to_frame(self) -> "pandas.DataFrame":
        import pandas as pd

        columns = ("part", "name", "formula", "with_numbers", "value")
        frame = pd.DataFrame([[getattr(step, column) for column in columns] for step in self.steps], columns=columns)
        return frame.rename(columns={"name": "quantity"})

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        draw_network(ax, self.units, self.connections, self.values, self.gradients, self.loss)


def worked_backprop(
    model: nn.Module,
    inputs: Numbers,
    targets: Numbers,
    lr: float,
    *,
    loss: str = "half_squared_error",
    names: Mapping[str, Any] | None = None,
) -> WorkedBackpropagation:
    """Work one step of gradient descent on a small feed-forward network, every number with its formula.

    The derivatives come from the chain rule written out, in float64, not from autograd. Every weight and bias is
    taken as learned. All numbers are without unit.

    Args:
        model: a Linear layer or a Sequential of Linear layers and elementwise activations.
        inputs: one example, or a batch (examples, features).
        targets: as the outputs are shaped; for "cross_entropy" also class numbers, one per example.
        lr: learning rate.
        loss: "half_squared_error" (half the sum over outputs and examples), "mean_squared_error" (mean over both)
            or "cross_entropy" (of the outputs' softmax, mean over examples).
        names: names for "inputs", "targets", "loss", for the values that a module puts out ("0", "1", ...) and for
            parameters ("0.weight" as torch lays it out, "0.bias"). Entries of the same name are one shared parameter
            whose derivative is the sum; a single name for a whole parameter ties all its entries.

    Returns:
        Values, derivatives, updated parameters; as text, table, LaTeX and picture. Derivatives are named "dE/dw1",
        updated parameters "w1'"; in a batch the values of example 2 are "h1[2]".

    Raises:
        InputError: another kind of module, shapes or names that do not fit, tied entries of unequal value.

    >>> neuron = nn.Sequential(nn.Linear(1, 1), nn.Sigmoid())
    >>> _ = neuron[0].weight.data.fill_(2.0), neuron[0].bias.data.fill_(-1.0)
    >>> result = worked_backprop(neuron, [0.5], [1.0], lr=0.1)
    >>> print(result.text())
    Forward pass
      net_o1 = w1 · x1 + b1 = 2 · 0.5 + (-1) = 0
      o1 = sigmoid(net_o1) = sigmoid(0) = 0.5
      E = 1/2 · (o1 - t1)^2 = 1/2 · (0.5 - 1)^2 = 0.125
    <BLANKLINE>
    Backward pass
      dE/do1 = o1 - t1 = 0.5 - 1 = -0.5
      do1/dnet_o1 = o1 · (1 - o1) = 0.5 · (1 - 0.5) = 0.25
      dE/dnet_o1 = dE/do1 · do1/dnet_o1 = (-0.5) · 0.25 = -0.125
      dE/dw1 = dE/dnet_o1 · x1 = (-0.125) · 0.5 = -0.0625
      dE/db1 = dE/dnet_o1 = -0.125
    <BLANKLINE>
    One step of gradient descent
      w1' = w1 - lr · dE/dw1 = 2 - 0.1 · (-0.0625) = 2.00625
      b1' = b1 - lr · dE/db1 = (-1) - 0.1 · (-0.125) = -0.9875
    """
    if loss not in LOSSES:
        raise InputError("worked_backprop", expected=f"a loss among {', '.join(LOSSES)}", got=repr(loss),
                         remedy="name one of these")  # fmt: skip
    if not math.isfinite(lr):
        raise InputError("worked_backprop", expected="a finite learning rate", got=repr(lr), remedy="pass e.g. 0.01")
    with borrow(model):
        network = read_network(model, names)
    rows, wanted = read_examples(inputs, targets, len(network.inputs), len(network.targets), loss == "cross_entropy")
    tags = [""] if len(rows) == 1 else [f"[{example}]" for example in range(1, len(rows) + 1)]
    sheet = Worksheet()
    sheet.give("lr", float(lr))
    for name, value in network.parameters.items():
        sheet.give(name, value)
    for tag, row, goal in zip(tags, rows, wanted, strict=True):
        for name, value in zip((*network.inputs, *network.targets), (*row, *goal), strict=True):
            sheet.give(name + tag, value)
        forward_pass(sheet, network, tag)
    LOSSES[loss](sheet, network.loss, _tagged(network.layers[-1].units, tags), _tagged(network.targets, tags))
    backward_pass(sheet, network, tags)
    for name in network.parameters:
        slope = derivative(network.loss, name)
        value = sheet.values[name] - sheet.values["lr"] * sheet.values[slope]
        sheet.work("update", f"{name}'", value, f"⟨{name}⟩ - ⟨lr⟩ · ⟨{slope}⟩")
    return WorkedBackpropagation(
        steps=tuple(sheet.steps),
        values=sheet.values,
        parameters=tuple(network.parameters),
        units=(network.inputs, *(layer.units for layer in network.layers)),
        connections=_connections(network),
        loss=network.loss,
        examples=len(rows),
        sources=(_SOURCE,),
    )


def _connections(network: FeedForward) -> tuple[Connection, ...]:
    found, sources = [], network.inputs
    for layer in network.layers:
        for place, unit in enumerate(layer.units):
            if layer.weights is None:
                found.append(Connection(source=sources[place], target=unit, parameter=""))
                continue
            found += [Connection(source=source, target=unit, parameter=str(weight))
                      for source, weight in zip(sources, layer.weights[place], strict=True)]  # fmt: skip
            if layer.biases:
                found.append(Connection(source="", target=unit, parameter=layer.biases[place]))
        sources = layer.units
    return tuple(found)


def _tagged(names: tuple[str, ...], tags: list[str]) -> list[tuple[str, ...]]:
    return [tuple(name + tag for name in names) for tag in tags]
