"""Which hyper-parameter, at which steps, for which parameters: what a hypergradient is taken with respect to."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Float

from leadline.core import refuse
from leadline.training import Optimizer, Recipe, State
from leadline.training.optimizers import Memory, Scalar, Tensors

_refuse = partial(refuse, "hypergradient")

_ROWS = 100
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
        names: the learning rate, and every other hyper-parameter in question.
        hyper: the optimizer's hyper-parameters beside the learning rate.
        rate: the learning rate before its schedule.
        factors: the schedule's factor in it at every step.
        groups: sets of parameters that the same blocks apply to, with these blocks' places.
    """

    blocks: tuple[Block, ...]
    names: tuple[str, ...]
    hyper: Mapping[str, float]
    rate: float
    factors: np.ndarray
    groups: tuple[tuple[tuple[str, ...], tuple[int, ...]], ...]

    @property
    def steps(self) -> int:
        """Of the run."""
        return len(self.factors)

    def values(self, step: int) -> dict[str, float]:
        """All hyper-parameters at a step."""
        return {**self.hyper, "lr": float(self.rate * self.factors[step])}

    def numbers(self, first: int, last: int) -> Float[np.ndarray, "steps numbers"]:
        """What is peculiar to each of some steps: how many came before, values of `names`, by group their slopes in
        the H."""
        steps = np.arange(first, last)
        values = [self.rate * self.factors[steps], *(np.full(len(steps), self.hyper[name]) for name in self.names[1:])]
        slopes = np.zeros((len(steps), len(self.groups), len(self.names), len(self.blocks)))
        for group, (_, places) in enumerate(self.groups):
            for place in places:
                block = self.blocks[place]
                now = (steps >= block.first) & (steps < (self.steps if block.last is None else block.last))
                slope = self.factors[steps] if block.name == "lr" else 1.0
                slopes[:, group, self.names.index(block.name), place] = now * slope
        return np.column_stack([steps, *values, slopes.reshape(len(steps), -1)])

    def rows(self, first: int, device: torch.device) -> Iterator[torch.Tensor]:
        """`numbers` of every step from one on, made a few at a time: a long run holds no table of them."""
        for step in range(first, self.steps, _ROWS):
            yield from torch.from_numpy(self.numbers(step, min(step + _ROWS, self.steps))).to(device)

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
    names = tuple(dict.fromkeys(("lr", *(block.name for block in blocks))))
    return Directions(blocks, names, recipe.hyper_parameters(), recipe.lr, factors, grouped)
