"""Which hyper-parameter, at which steps, for which parameters: what a hypergradient is taken with respect to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from leadline.core import InputError
from leadline.training import Recipe


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

    def covers(self, step: int) -> bool:
        """Is the step in the block?"""
        return self.first <= step and (self.last is None or step < self.last)


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

    def slopes(self, step: int, places: Sequence[int]) -> dict[str, np.ndarray]:
        """By name of a hyper-parameter in question: how its value at a step changes with each of the H."""
        found = {block.name: np.zeros(len(self.blocks)) for block in self.blocks}
        for place in places:
            block = self.blocks[place]
            if block.covers(step):
                found[block.name][place] = self.factors[step] if block.name == "lr" else 1.0
        return found

    def values(self, step: int) -> dict[str, float]:
        """All hyper-parameters at a step."""
        return {**self.hyper, "lr": float(self.lr[step])}


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
