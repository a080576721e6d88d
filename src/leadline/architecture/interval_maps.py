"""Interval maps: for every element of a tensor, the first and the last index of each input axis that it depends on.

A map is a tuple of integer tensors, two per input axis: the first index seen, and minus the last index seen. With that
sign the interval of a union is the minimum of both, whatever the operator. Each integer tensor has the rank of the
tensor that it describes, and size 1 along every axis on which it is constant, so that maps stay small.
"""

from collections.abc import Callable, Sequence
from math import prod

import torch
from torch import Tensor

IntervalMap = tuple[Tensor, ...]

_SMALL = 1 << 16  # elements
NOTHING = 1 << 40  # first index seen, and minus the last, where nothing is seen: it loses against every index


def identity_map(shape: Sequence[int], axes: Sequence[int]) -> IntervalMap:
    """The map of the input itself: along each followed axis every element sees its own index."""
    bounds = []
    for axis in axes:
        index = torch.arange(shape[axis]).view([-1 if place == axis else 1 for place in range(len(shape))])
        bounds += [index, -index]
    return tuple(bounds)


def empty_map(rank: int, bounds: int) -> IntervalMap:
    """The map of a tensor that sees nothing of the input."""
    return tuple(torch.full([1] * rank, NOTHING) for _ in range(bounds))


def union(maps: Sequence[IntervalMap], rank: int) -> IntervalMap:
    """The map of an elementwise function of tensors that broadcast to the given rank."""
    result = maps[0]
    for other in maps[1:]:
        result = tuple(torch.minimum(one, two) for one, two in zip(result, other, strict=True))
    return tuple(compressed(bound.view([1] * (rank - bound.ndim) + list(bound.shape))) for bound in result)


def each(interval_map: IntervalMap, function: Callable[[Tensor], Tensor]) -> IntervalMap:
    """The map with `function` applied to every bound."""
    return tuple(compressed(function(bound)) for bound in interval_map)


def compressed(bound: Tensor) -> Tensor:
    """The bound with size 1 along every axis on which it is constant."""
    for axis in range(bound.ndim):
        if bound.stride(axis) == 0 and bound.size(axis) > 1:
            bound = bound.narrow(axis, 0, 1)
    for axis in range(bound.ndim):
        if bound.size(axis) > 1:
            first = bound.narrow(axis, 0, 1)
            if bool((bound == first).all()):
                bound = first
    return bound


def spread(bound: Tensor, shape: Sequence[int], axes: Sequence[int]) -> Tensor:
    """The bound with its full size along the named axes."""
    sizes = list(bound.shape)
    for axis in axes:
        sizes[axis] = shape[axis]
    return bound.expand(sizes)


def read(bound: Tensor, axis: int, taps: Tensor) -> Tensor:
    """What an operator sees whose output index i reads the input indices `taps[i]` along `axis` (-1: none)."""
    exists = taps >= 0
    if bound.size(axis) == 1 and (bool(exists.any(1).all()) or bound.numel() * len(taps) > _SMALL):
        # Constant along the axis. Outputs that read padding only see nothing; where that would make a large map, they
        # are left with what their neighbours see, which changes no interval along the other axes.
        return bound
    axis %= bound.ndim
    index = taps.clamp(min=0) if bound.size(axis) > 1 else torch.zeros_like(taps)
    values = bound.index_select(axis, index.flatten()).unflatten(axis, taps.shape)
    exists = exists.view([1] * axis + list(taps.shape) + [1] * (bound.ndim - axis - 1))
    return torch.where(exists, values, NOTHING).amin(axis + 1)


def mix_channels(bound: Tensor, axis: int, groups: int, outputs: int) -> Tensor:
    """Every output channel of a group sees all input channels of the group."""
    if groups == 1 or bound.size(axis) == 1:
        return bound.amin(axis, keepdim=True)
    axis %= bound.ndim
    per_group = bound.unflatten(axis, (groups, -1)).amin(axis + 1)
    return per_group.repeat_interleave(outputs // groups, axis)


class MapTooLarge(Exception):  # noqa: N818 - caught where the map is made
    """A bound would have more elements than it may."""


def reshaped(bound: Tensor, before: Sequence[int], after: Sequence[int], limit: int) -> Tensor:
    """The bound of a tensor reshaped from `before` to `after`; axes grow only where they are split or merged."""
    full, result = list(bound.shape), list(after)
    start, begin = 0, 0
    for end, finish in _matching_groups(before, after):
        if all(size == 1 for size in bound.shape[start:end]):
            result[begin:finish] = [1] * (finish - begin)
        else:
            full[start:end] = before[start:end]
        start, begin = end, finish
    if prod(full) > limit:
        raise MapTooLarge(f"{prod(full)} elements")
    return bound.expand(full).reshape(result)


def _matching_groups(before: Sequence[int], after: Sequence[int]) -> list[tuple[int, int]]:
    # Ends of the shortest runs of axes that hold equally many elements before and after.
    groups, end, finish = [], 0, 0
    while end < len(before) and finish < len(after):
        left, right = before[end], after[finish]
        end, finish = end + 1, finish + 1
        while left != right:
            if left < right:
                left, end = left * before[end], end + 1
            else:
                right, finish = right * after[finish], finish + 1
        groups.append((end, finish))
    if groups:  # what is left over are axes of size 1
        groups[-1] = (len(before), len(after))
    return groups
