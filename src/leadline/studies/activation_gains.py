"""Which gains keep the signal's size, and what do other gains do to a deep stack?"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from leadline.claims import Figure, Table
from leadline.core import torch_generator
from leadline.initialization import ActivationGain, SignalPropagation, activation_gain, signal_propagation
from leadline.studies.pictures import INK, SERIES, picture
from leadline.studies.study import Exhibits, Settings, Study

NAMES = ("relu", "leaky_relu", "tanh", "sigmoid", "selu", "elu", "gelu", "silu", "mish", "hardswish", "softplus",
         "softsign")  # fmt: skip
DEPTH, WIDTH = 24, 256
# Activation, the gain tried beside its own, and whose gain that is.
STACKS = (
    ("gelu", nn.GELU, 2**0.5, "relu's"),
    ("selu", nn.SELU, 0.75, "torch's"),
    ("tanh", nn.Tanh, 5 / 3, "torch's"),
)


@dataclass(frozen=True)
class Stack:
    """One activation's deep stack, at its own gain and at another."""

    name: str
    other: float
    whose: str
    at_own: SignalPropagation
    at_other: SignalPropagation


@dataclass(frozen=True)
class Observed:
    """Gains of all activations, and the stacks."""

    gains: tuple[ActivationGain, ...]
    stacks: tuple[Stack, ...]


def stack(activation: type[nn.Module], gain: float) -> nn.Sequential:
    """Square linear layers without biases, weights normal with standard deviation gain/sqrt(width)."""
    layers: list[nn.Module] = []
    for _ in range(DEPTH):
        linear = nn.Linear(WIDTH, WIDTH, bias=False)
        nn.init.normal_(linear.weight, std=gain / WIDTH**0.5)
        layers += [linear, activation()]
    return nn.Sequential(*layers[:-1])


def observe(settings: Settings) -> Observed:
    """Every gain by quadrature; stacks measured over a few initial draws."""
    draws = 3 if settings.scale == "quick" else 12
    # Inputs of the size at which the first layer's output has second moment 1 or near it.
    inputs = torch.randn(64, WIDTH, generator=torch_generator("activation gains", "inputs"))
    stacks = []
    for name, activation, other, whose in STACKS:
        own = activation_gain(name).gain
        at_own, at_other = (
            signal_propagation(lambda gain=gain, kind=activation: stack(kind, gain), inputs / gain, draws=draws)
            for gain in (own, other)
        )
        stacks.append(Stack(name, other, whose, at_own, at_other))
    return Observed(tuple(activation_gain(name) for name in NAMES), tuple(stacks))


def exhibit(observation: Observed) -> Exhibits:
    """Tables of gains and of stacks, and pictures of both."""
    rows = tuple(
        (one.name, f"{one.second_moment:.4f}", f"{one.gain:.4f}", f"{one.backward_gain:.4f}", f"{one.map_slope:.3f}",
         "" if one.torch_gain is None else f"{one.torch_gain:.4f}",
         "no entry" if one.torch_gain is None else "agrees" if one.agrees_with_torch else "differs")
        for one in observation.gains
    )  # fmt: skip
    gains = Table(
        title="Gains by quadrature",
        columns=(
            "activation",
            "E f(z)²",
            "gain 1/√E f²",
            "backward gain 1/√E f'²",
            "slope of the map at 1",
            "torch's table",
            "which",
        ),
        rows=rows,
        caption="z standard normal. A layer with the gain maps second moment 1 to 1; with a slope below 1 deviations"
        " die out, above 1 they grow.",
    )
    stacks = tuple(
        (one.name, f"{gain:.3f} ({whose})", f"{run.forward_trend.per_layer:.3f}", run.forward_trend.name,
         f"{run.backward_trend.per_layer:.3f}", run.backward_trend.name)
        for one in observation.stacks
        for gain, whose, run in ((activation_gain(one.name).gain, "its own", one.at_own),
                                 (one.other, one.whose, one.at_other))
    )  # fmt: skip
    columns = ("activation", "gain", "signal, factor per layer", "signal", "gradient, factor per layer", "gradient")
    measured = Table(title=f"{DEPTH} layers of {WIDTH} units", columns=columns, rows=stacks,
                     caption="Factors are of mean squares, measured.")  # fmt: skip
    return Exhibits(tables=(gains, measured), figures=(_dots(observation), _depth(observation)))


def _dots(observation: Observed) -> Figure:
    gains = sorted(observation.gains, key=lambda one: one.gain)

    def draw(ax: Any) -> None:
        rows = np.arange(len(gains))
        ax.plot([one.gain for one in gains], rows, "o", color=SERIES[0], label="keeps the signal")
        ax.plot([one.backward_gain for one in gains], rows, "D", color=SERIES[2], fillstyle="none",
                label="keeps the gradient")  # fmt: skip
        theirs = [(one.torch_gain, row) for row, one in enumerate(gains) if one.torch_gain is not None]
        ax.plot(*zip(*theirs, strict=True), "x", color=SERIES[1], markersize=8, label="torch's table")
        ax.set_yticks(rows, [one.name for one in gains])
        ax.set_xlabel("gain")
        ax.legend(loc="lower right")

    return picture("Gains of twelve activations", draw, size=(6.4, 4.2))


def _depth(observation: Observed) -> Figure:
    def draw(ax: Any) -> None:
        for colour, one in zip(SERIES, observation.stacks, strict=False):
            for run, gain, style in ((one.at_own, "its own", "-"), (one.at_other, one.whose, "--")):
                moments = [layer.forward for layer in run.layers if layer.is_weighted]
                ax.plot(range(1, len(moments) + 1), moments, style, color=colour, label=f"{one.name}, {gain} gain")
        ax.axhline(1, color=INK, linewidth=0.8)
        ax.set_yscale("log")
        ax.set(xlabel="layer", ylabel="mean square before the activation")
        ax.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))

    caption = (
        "At relu's gain gelu loses the signal exponentially, at torch's selu falls to a lower level, and tanh settles"
        " next to 1. At its own gain gelu drifts, since the slope of its map at 1 is above 1."
    )
    return picture("Signal by depth", draw, caption=caption)


STUDY = Study(
    name="activation-gains",
    title="Gains of activations",
    question="Which scale of the weights keeps a signal's second moment after each activation?",
    observe=observe,
    checks=(),
    exhibit=exhibit,
)
