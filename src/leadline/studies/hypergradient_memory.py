"""How does the memory of differentiating through gradient descent grow with steps and features?"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from leadline.claims import Check, Evidence, Table
from leadline.core import torch_generator
from leadline.optimization import LiveMemory, hypergradient
from leadline.studies.pictures import picture
from leadline.studies.study import Exhibits, Settings, Study
from leadline.training import Recipe, build_step, state_of

_EXAMPLES = 8
_STEPS = (32, 64, 128, 256)
_FEATURES = (256, 512, 1024, 2048)
_FEW_STEPS, _FEW_FEATURES = 32, 256
_CLEAR = 0.1  # an exponent this near to a whole number is that number

FORWARD = "forward: evaluate the loss, parameters overwritten"
GRAPH = "forward: keep the graph for back-propagation"
REVERSE = "reverse: back-propagate to the learning rate"
CHECKPOINTED = "reverse with checkpoints"
TANGENT = "forward mode: carry the tangent along"


@dataclass(frozen=True)
class Growth:
    """Peak bytes of one way of computing, over steps and over features, and the fitted exponents of both."""

    by_steps: tuple[int, ...]
    by_features: tuple[int, ...]

    @property
    def exponents(self) -> dict[str, float]:
        return {"t": slope(_STEPS, self.by_steps), "d": slope(_FEATURES, self.by_features)}


def slope(sizes: Sequence[int], peaks: Sequence[int]) -> float:
    """The exponent of a power law, by least squares in logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(peaks), 1)[0])


def problem(features: int) -> tuple[nn.Linear, tuple[torch.Tensor, torch.Tensor]]:
    """A linear regression that starts at zero."""
    generator = torch_generator("hypergradient memory", features)
    model = nn.Linear(features, 1, bias=False)
    nn.init.zeros_(model.weight)
    data = (torch.randn(_EXAMPLES, features, generator=generator), torch.randn(_EXAMPLES, 1, generator=generator))
    return model, data


def descend(steps: int, features: int, *, keep_graph: bool, back: bool) -> int:
    """Peak bytes of gradient descent by the training step, the loss at its end, and perhaps going back through it."""
    model, data = problem(features)
    step, state = build_step(model, "mse", differentiable=keep_graph), state_of(model)
    with LiveMemory() as memory:
        lr = torch.tensor(0.01 / features, requires_grad=keep_graph)
        hyper = {"lr": lr, "weight_decay": 0.0}
        if keep_graph:
            state = state.map(lambda tensor: tensor.clone().requires_grad_())
        for _ in range(steps):
            state, _ = step(state, data, hyper)
        loss, _ = step.loss(state.parameters, state.buffers, data)
        if back:
            torch.autograd.grad(loss, lr)
    return memory.peak


def by_instrument(steps: int, features: int, mode: str) -> int:
    """Peak bytes of the instrument."""
    model, data = problem(features)
    recipe = Recipe(lr=0.01 / features, steps=steps, batch_size=_EXAMPLES, loss="mse")
    with LiveMemory() as memory:
        hypergradient(model, data, recipe, mode=mode)
    return memory.peak


WAYS: dict[str, Callable[[int, int], int]] = {
    FORWARD: lambda t, d: descend(t, d, keep_graph=False, back=False),
    GRAPH: lambda t, d: descend(t, d, keep_graph=True, back=False),
    REVERSE: lambda t, d: descend(t, d, keep_graph=True, back=True),
    CHECKPOINTED: lambda t, d: by_instrument(t, d, "reverse"),
    TANGENT: lambda t, d: by_instrument(t, d, "forward"),
}


def observe(settings: Settings) -> dict[str, Growth]:
    return {
        name: Growth(
            tuple(way(steps, _FEW_FEATURES) for steps in _STEPS),
            tuple(way(_FEW_STEPS, features) for features in _FEATURES),
        )
        for name, way in WAYS.items()
    }


def orders(stated: str) -> dict[str, int]:
    """The exponents in an order of growth; without d in it, only that of t.

    >>> orders("O(t d^2)"), orders("O(1)")
    ({'t': 1, 'd': 2}, {'t': 0})
    """
    return {"t": 0} | {name: int(power or 1) for name, power in re.findall(r"([td])(?:\^(\d+))?", stated[2:-1])}


def _decide(way: str, amendment: tuple[str, str] | None) -> Callable[[dict[str, Growth], str], Evidence]:
    def procedure(observation: dict[str, Growth], stated: str) -> Evidence:
        found, expected = observation[way].exponents, orders(stated)
        other = observation[amendment[0]].exponents if amendment else found
        bound = all(found[name] <= power + _CLEAR for name, power in expected.items())
        return Evidence(
            as_stated=_are(found, expected),
            amended=_are(other, expected) if amendment else bound,
            condition=amendment[1] if amendment else "as an upper bound that is not tight",
            found={name: round(power, 3) for name, power in found.items()},
            how=f"Peak bytes of live tensors measured over {len(_STEPS)} values of t and {len(_FEATURES)} of d, "
                "exponents fitted in logarithms.",
            details=tuple(
                f"{name}: t^{growth.exponents['t']:.2f}, d^{growth.exponents['d']:.2f}."
                for name, growth in observation.items()
            ),
        )  # fmt: skip

    return procedure


def _are(found: dict[str, float], expected: dict[str, int]) -> bool:
    return all(abs(found[name] - power) < _CLEAR for name, power in expected.items())


def exhibit(observation: dict[str, Growth]) -> Exhibits:
    rows = []
    for name, growth in observation.items():
        exponents = growth.exponents
        kilobytes = [round(peak / 1000, 1) for peak in growth.by_steps]
        rows.append((name, *kilobytes, round(exponents["t"], 2), round(exponents["d"], 2)))
    columns = ("way", *(f"kB at t = {steps}" for steps in _STEPS), "exponent of t", "exponent of d")

    def draw(ax: Any) -> None:
        for name, growth in observation.items():
            ax.plot(_STEPS, [peak / 1000 for peak in growth.by_steps], "o-", label=name)
        ax.set(xscale="log", yscale="log", xlabel="gradient-descent steps t", ylabel="peak kB of live tensors")
        ax.legend(fontsize=7)

    caption = f"{_EXAMPLES} observations; over t with d = {_FEW_FEATURES}, over d with t = {_FEW_STEPS}; data excluded."
    return Exhibits(
        tables=(Table(title="Memory of t steps", columns=columns, rows=tuple(rows), caption=caption),),
        figures=(picture("Memory against the number of steps", draw, size=(6.4, 4.4)),),
    )


STUDY = Study(
    name="hypergradient-memory",
    title="Memory of a hypergradient",
    question="How does the memory of differentiating through t steps of gradient descent grow with t and with d?",
    observe=observe,
    checks=(
        Check(
            claim="csc413b.2.1.2.forward",
            procedure=_decide(FORWARD, (GRAPH, "where the graph is kept for back-propagation")),
            altered="O(1)",
        ),
        Check(claim="csc413b.2.1.2.backward", procedure=_decide(REVERSE, None), altered="O(t^2)"),
        Check(claim="csc413b.2.1.2.backward.d2", procedure=_decide(REVERSE, None), altered="O(t d)"),
    ),
    exhibit=exhibit,
)
