"""Transforms of a batch of inputs, and the groups that they generate. Axes count as in torch; axis 0 is the batch."""

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, SupportsIndex, cast

import torch
from torch import Tensor

from leadline.core import InputError, refuse, torch_generator

_SAME = 1e-9  # relative difference below which two transforms of a random batch are one
_MOST_ELEMENTS = 1000
_SHOWN = 8  # places of an order that are written out

Change = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Transform:
    """A named function of a batch; it must leave the batch that it is given as it is."""

    name: str
    function: Change

    def __call__(self, batch: Tensor) -> Tensor:
        """The transformed batch."""
        return self.function(batch)

    def then(self, following: "Transform") -> "Transform":
        """This transform and then another one."""
        return Transform(f"{self.name}, {following.name}", lambda batch: following(self(batch)))


def scaling(factor: float | int) -> Transform:
    """All values times a factor."""
    return Transform(f"times {factor:g}", lambda batch: batch * factor)


def flip(axis: int) -> Transform:
    """One axis reversed; -2 turns images upside down.

    >>> flip(-2)(torch.tensor([[[1], [2]]])).tolist()
    [[[2], [1]]]
    """
    _check_axis("flip", axis)
    return Transform(f"axis {axis} reversed", lambda batch: batch.flip(axis))


def mirror() -> Transform:
    """The last axis reversed: left and right change places."""
    return Transform("mirrored", lambda batch: batch.flip(-1))


def permutation(order: Iterable[SupportsIndex], *, axis: int = -1) -> Transform:
    """Place i of an axis takes what was at order[i]: columns with axis -1, rows with axis -2.

    >>> permutation([2, 0, 1])(torch.tensor([[10, 11, 12]])).tolist()
    [[12, 10, 11]]
    """
    _check_axis("permutation", axis)
    places = whole_numbers(order)
    if places is None or sorted(places) != list(range(len(places))):
        refuse("permutation", "each of 0, 1, ... once", repr(order), "pass e.g. [1, 0, 2]")

    def permuted(batch: Tensor) -> Tensor:
        if batch.shape[axis] != len(places):
            refuse("permutation", f"{len(places)} places along axis {axis}", f"shape {tuple(batch.shape)}",
                    "pass an order as long as the axis")  # fmt: skip
        return batch.index_select(axis, torch.tensor(places, device=batch.device))

    shown = " ".join(map(str, places)) if len(places) <= _SHOWN else f"{places[0]} {places[1]} ... {places[-1]}"
    return Transform(f"axis {axis} in the order {shown}", permuted)


def translation(shift: int, *, axis: int = -1, fill: float | int | None = None) -> Transform:
    """An axis moved by so many places; what leaves comes in again at the other end, or `fill` does.

    >>> translation(1)(torch.tensor([[1, 2, 3]])).tolist(), translation(1, fill=0)(torch.tensor([[1, 2, 3]])).tolist()
    ([[3, 1, 2]], [[0, 1, 2]])
    """

    _check_axis("translation", axis)

    def moved(batch: Tensor) -> Tensor:
        rolled = batch.roll(shift, axis)
        if fill is not None and shift:
            size = min(abs(shift), batch.shape[axis])
            rolled.narrow(axis, 0 if shift > 0 else batch.shape[axis] - size, size).fill_(fill)
        return rolled

    return Transform(f"axis {axis} moved by {shift}", moved)


def quarter_turn() -> Transform:
    """The last two axes turned by 90 degrees."""
    return Transform("turned by 90 degrees", lambda batch: batch.rot90(1, (-2, -1)))


@dataclass(frozen=True, eq=False)
class Generated:
    """The group that some transforms generate; its elements are found on inputs of a given shape."""

    generators: tuple[Transform, ...]


def generated_by(*generators: Change) -> Generated:
    """All compositions of some transforms: pass it wherever a transform or a list of them is taken.

    >>> group = generated_by(mirror(), flip(-2))
    >>> sorted(one.name for one, _ in elements(group, shape=(3, 3)))
    ['axis -2 reversed', 'mirrored', 'mirrored, axis -2 reversed']
    """
    if not generators:
        refuse("generated_by", "at least one transform", "none", "pass e.g. mirror()")
    return Generated(tuple(map(named, generators)))


def named(change: Any) -> Transform:
    """Any callable as a transform."""
    if isinstance(change, Transform):
        return change
    if not callable(change):
        refuse("transform", "a callable on batches", type(change).__name__, "pass e.g. mirror() or a function")
    name = getattr(change, "__name__", type(change).__name__)
    return Transform("transform" if name == "<lambda>" else name, cast(Change, change))


def listed(transforms: Any) -> list[Transform]:
    """One transform, a list of them or the generators of a group."""
    if isinstance(transforms, Generated):
        return list(transforms.generators)
    found = [named(one) for one in (transforms if isinstance(transforms, list | tuple) else [transforms])]
    if not found:
        refuse("transform", "at least one transform", "an empty list", "pass e.g. mirror()")
    return found


def whole_numbers(values: Any) -> list[int] | None:
    """Integers of Python, NumPy or torch, from anything that holds them; None where it holds something else.

    >>> whole_numbers(torch.tensor([1, 0])), whole_numbers([1.0, 0.0]), whole_numbers(torch.relu)
    ([1, 0], None, None)
    """
    try:
        return [operator.index(one) for one in values]
    except TypeError:
        return None


def elements(
    group: Generated, *, shape: Sequence[int], images: Sequence[Transform] | None = None
) -> list[tuple[Transform, Transform | None]]:
    """The elements of a group but the identity, shortest compositions first, each with its image.

    `images` are what acts on the outputs when the generators act on the inputs; they are composed alongside.

    Raises:
        InputError: a transform changes the shape or has no inverse, or there are more than 1000 elements.
    """
    generator = torch_generator("symmetry", "probe of a group")
    probe = torch.randn(2, *shape, dtype=torch.float64, generator=generator)
    partners: Sequence[Transform | None] = images if images is not None else [None] * len(group.generators)
    steps = list(zip(group.generators, partners, strict=True))
    known, found = _Known(probe), list[tuple[Transform, Transform | None]]()
    frontier: list[tuple[Tensor, Transform | None, Transform | None]] = [(probe, None, None)]
    while frontier:
        reached = list(_next(frontier, steps, known))
        found += [(one, image) for _, one, image in reached]
        frontier = [*reached]
        if known.count > _MOST_ELEMENTS:
            refuse("generated_by", f"a group of at most {_MOST_ELEMENTS} elements", "more",
                    "pass a list of the transforms to try")  # fmt: skip
    for one in group.generators:
        _check_inverse(one, probe, known.count)
    return found


def _check_inverse(step: Transform, probe: Tensor, elements_found: int) -> None:
    """Among finitely many compositions one's inverse is a power of it, so some power must be the identity."""
    after = probe
    for _ in range(elements_found):
        after = step(after.clone())
        if _distances(probe.reshape(1, -1), after.reshape(-1)) <= _SAME:
            return
    refuse("generated_by", "transforms with inverses", f"{step.name}, which has none",
            "pass a list of the transforms to try")  # fmt: skip


class _Known:
    """What the elements found so far make of the probe."""

    def __init__(self, probe: Tensor) -> None:
        self.values = probe.new_empty(_MOST_ELEMENTS + 1, probe.numel())
        self.count = 0
        self.add(probe)

    def add(self, after: Tensor) -> bool:
        """Is it new? Once there are too many nothing is."""
        flat = after.reshape(-1)
        if self.count > _MOST_ELEMENTS or (_distances(self.values[: self.count], flat) <= _SAME).any():
            return False
        self.values[self.count] = flat
        self.count += 1
        return True


def _distances(known: Tensor, flat: Tensor) -> Tensor:
    return (known - flat).abs().amax(1) / max(float(flat.abs().max()), 1.0)


def _next(frontier: list, steps: list, known: _Known) -> Iterator[tuple[Tensor, Transform, Transform | None]]:
    for (before, path, image), (step, partner) in product(frontier, steps):
        shape = tuple(before.shape)
        try:
            after = step(before.clone())
        except Exception as error:  # the caller's transform may raise anything
            raise InputError("generated_by", expected=f"transforms of inputs of shape {shape[1:]}",
                             got=f"{step.name}: {type(error).__name__}: {error}",
                             remedy="call it by hand and mend it") from error  # fmt: skip
        if not isinstance(after, Tensor) or after.shape != before.shape:
            what = tuple(after.shape) if isinstance(after, Tensor) else type(after).__name__
            refuse("generated_by", f"transforms that keep the shape {shape}", f"{step.name}: {what}",
                    "generate from permutations of inputs of one shape")  # fmt: skip
        if known.add(after):
            yield after, path.then(step) if path else step, image.then(partner) if image and partner else partner


def _check_axis(operation: str, axis: int) -> None:
    if axis == 0:
        refuse(operation, "an axis of each example", "axis 0, along which the examples lie", "count from 1, or from -1")
