"""Which hyper-parameter, at which steps, for which parameters: what a hypergradient is taken with respect to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float

from leadline.core import InputError
from leadline.training import Optimizer, Recipe, State
from leadline.training.optimizers import Memory, Scalar, Tensors

Vary = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # (value, slopes) -> scalar


@dataclass(frozen=True)
class Block:
    """A hyper-parameter's share in a run: one value for some of the steps and some of the parameters.

    Attributes:
        name: "lr", or one of the optimizer's own hyper-parameters.
        first, last: the steps from `first` up to, but without, `last`; None: to the end.
        parameters: only those whose name begins like this.

    >>> Block("lr", first=100, parameters="0.").label
    'lr[100:, 0.]'
    """

    name: str
    first: int = 0
    last: int | None = None
    parameters: str = ""

    @property
    def label(self) -> str:
        """The block's name in results."""
        steps = f"{self.first}:{'' if self.last is None else self.last}" if self.first or self.last is not None else ""
        inside = ", ".join(part for part in (steps, self.parameters) if part)
        return f"{self.name}[{inside}]" if inside else self.name


@dataclass(frozen=True, eq=False)
class Directions:
    """H hyper-parameters to differentiate in, and a run's values of all of them.

    Attributes:
        blocks: the H.
        hyper: the optimizer's hyper-parameters beside the learning rate.
        lr: the learning rate of every step.
        factors: the schedule's factors in it.
        groups: sets of parameters that the same blocks apply to, with these blocks' places.
    """

    blocks: tuple[Block, ...]
    hyper: Mapping[str, float]
    lr: np.ndarray
    factors: np.ndarray
    groups: tuple[tuple[tuple[str, ...], tuple[int, ...]], ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The learning rate, and every other hyper-parameter in question."""
        return tuple(dict.fromkeys(("lr", *(block.name for block in self.blocks))))

    def values(self, step: int) -> dict[str, float]:
        """All hyper-parameters at a step."""
        return {**self.hyper, "lr": float(self.lr[step])}

    def numbers(self) -> Float[np.ndarray, "steps numbers"]:
        """What is peculiar to each step: how many came before, values of `names`, by group their slopes in the H."""
        steps = len(self.lr)
        values = [self.lr, *(np.full(steps, self.hyper[name]) for name in self.names[1:])]
        slopes = np.zeros((steps, len(self.groups), len(self.names), len(self.blocks)))
        for group, (_, places) in enumerate(self.groups):
            for place in places:
                block = self.blocks[place]
                now = slice(block.first, block.last)
                slope = self.factors[now] if block.name == "lr" else 1.0
                slopes[now, group, self.names.index(block.name), place] = slope
        return np.column_stack([np.arange(steps), *values, slopes.reshape(steps, -1)])

    def update(
        self, optimizer: Optimizer, state: State, gradients: Tensors, numbers: torch.Tensor, vary: Vary, *, first: bool
    ) -> State:
        """A step of the optimizer, group by group; `vary` makes a scalar of its value and its slopes."""
        values, *slopes = numbers[1:].split([len(self.names), *[len(self.names) * len(self.blocks)] * len(self.groups)])
        parameters: Tensors = {}
        memory: Memory = {slot: {} for slot in state.memory}
        for (names, _), own in zip(self.groups, slopes, strict=True):
            hyper: dict[str, Scalar] = dict(self.hyper)
            for name, value, slope in zip(self.names, values, own.view(len(self.names), -1), strict=True):
                hyper[name] = vary(value, slope)
            moved, kept = optimizer.update(
                {name: state.parameters[name] for name in names},
                {name: gradients[name] for name in names},
                {slot: {name: each[name] for name in names} for slot, each in state.memory.items()},
                hyper,
                count=0 if first else numbers[0],
            )
            parameters |= moved
            for slot, each in kept.items():
                memory[slot] |= each

        def ordered(tensors: Tensors) -> Tensors:
            return {name: tensors[name] for name in state.parameters}

        kept = {slot: ordered(each) for slot, each in memory.items()}
        return State(ordered(parameters), state.buffers, kept, state.taken + 1)


def directions_of(
    wrt: Sequence[str | Block], recipe: Recipe, factors: np.ndarray, parameters: Sequence[str]
) -> Directions:
    """The hyper-parameters that `wrt` names, checked against the recipe's optimizer and the model's parameters."""
    blocks = tuple(Block(one) if isinstance(one, str) else one for one in wrt)
    known = ("lr", *recipe.hyper_parameters())
    if not blocks:
        _refuse("at least one hyper-parameter", "none", "name it in wrt, e.g. wrt=('lr',)")
    for block in blocks:
        if block.name not in known:
            _refuse(f"wrt among {', '.join(known)}", repr(block.name), "name what this recipe's optimizer has")
        if not any(name.startswith(block.parameters) for name in parameters):
            names = ", ".join(parameters)
            _refuse(f"a block of the parameters {names}", repr(block.parameters), "give the beginning of their names")
        last = len(factors) if block.last is None else block.last
        if not 0 <= block.first < last <= len(factors):
            _refuse(f"a block of the {len(factors)} steps", f"{block.first}:{last}", "count steps from 0")
    groups: dict[tuple[int, ...], list[str]] = {}
    for name in parameters:
        places = tuple(place for place, block in enumerate(blocks) if name.startswith(block.parameters))
        groups.setdefault(places, []).append(name)
    grouped = tuple((tuple(names), places) for places, names in groups.items())
    return Directions(blocks, recipe.hyper_parameters(), recipe.lr * factors, factors, grouped)


def _refuse(expected: str, got: str, remedy: str) -> None:
    raise InputError("hypergradient", expected=expected, got=got, remedy=remedy)
