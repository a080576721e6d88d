"""Interval rules of the operators that move elements about: reshapes, concatenation, indexing, repetition, shuffles."""

from collections.abc import Sequence

import torch
from torch import Tensor

from leadline.architecture.interval_maps import (
    IntervalMap,
    compressed,
    each,
    empty_map,
    reshaped,
    spread,
    union,
)
from leadline.architecture.interval_rules import OperatorCall, listed, rule, whole

_ELEMENTWISE = (
    "_to_copy", "alias_copy", "alpha_dropout", "batch_norm", "clone", "contiguous", "detach", "dropout",
    "feature_alpha_dropout", "feature_dropout", "hardswish", "log_sigmoid", "masked_fill", "native_dropout",
    "prelu", "rsub", "to", "type_as", "tril", "triu", "bernoulli",
)  # fmt: skip
_NEW = (
    "zeros_like", "ones_like", "empty_like", "full_like", "rand_like", "randn_like", "new_zeros", "new_ones",
    "new_empty", "new_full", "fill", "zero",
)  # fmt: skip


@rule(*_ELEMENTWISE)
def elementwise(call: OperatorCall) -> IntervalMap | None:
    """Each element sees what the elements at its place in all arguments see."""
    parts = [seen for _, seen in call.mapped()]
    return union(parts, call.outputs[0].ndim) if parts else None


@rule(*_NEW)
def _nothing(call: OperatorCall) -> IntervalMap | None:
    filled = call.map_of("value")  # a fill by a tensor of one element
    return call.with_all_of(empty_map(call.outputs[0].ndim, len(filled)), "value") if filled else _empty_like(call)


def _empty_like(call: OperatorCall) -> IntervalMap | None:
    seen = call.mapped()
    return empty_map(call.outputs[0].ndim, len(seen[0][1])) if seen else None


@rule("copy")
def _copy(call: OperatorCall) -> IntervalMap | None:
    seen = call.map_of("src")
    return union([seen], call.outputs[0].ndim) if seen is not None else _empty_like(call)


@rule("view", "_unsafe_view", "reshape", "flatten", "unflatten", "view_as", "reshape_as", "ravel", "_reshape_alias")
def _reshape(call: OperatorCall) -> IntervalMap | None:
    seen, before, after = call.map_of("self"), call.arguments["self"].shape, call.outputs[0].shape
    return seen and each(seen, lambda bound: reshaped(bound, before, after, call.limit))


@rule("cat", "concat", "concatenate")
def _concatenate(call: OperatorCall) -> IntervalMap | None:
    tensors = [tensor for tensor in call.arguments["tensors"] if tensor.numel() or tensor.ndim > 1]
    return _joined(call, tensors, call.arguments["dim"] % call.outputs[0].ndim, new_axis=False)


@rule("stack")
def _stack(call: OperatorCall) -> IntervalMap | None:
    return _joined(call, call.arguments["tensors"], call.arguments["dim"] % call.outputs[0].ndim, new_axis=True)


def _joined(call: OperatorCall, tensors: Sequence[Tensor], axis: int, *, new_axis: bool) -> IntervalMap | None:
    known = [call.maps.get(id(tensor)) for tensor in tensors]
    count = next((len(seen) for seen in known if seen is not None), 0)
    if not count:
        return None
    maps = [
        empty_map(tensor.ndim, count) if seen is None else seen for seen, tensor in zip(known, tensors, strict=True)
    ]
    lengths = [1 if new_axis else tensor.shape[axis] for tensor in tensors]
    result = []
    for place in range(count):
        bounds = [seen[place].unsqueeze(axis) if new_axis else seen[place] for seen in maps]
        sizes = [max(along) for along in zip(*[bound.shape for bound in bounds], strict=True)]
        parts = [
            bound.expand([*sizes[:axis], length, *sizes[axis + 1 :]])
            for bound, length in zip(bounds, lengths, strict=True)
        ]
        result.append(compressed(torch.cat(parts, axis)))
    return tuple(result)


@rule("index_select")
def _select(call: OperatorCall) -> IntervalMap | None:
    index = [None] * (call.arguments["dim"] % call.arguments["self"].ndim) + [call.arguments["index"]]
    return _indexed(call, index)


@rule("index")
def _index(call: OperatorCall) -> IntervalMap | None:
    return _indexed(call, list(call.arguments["indices"]))


def _indexed(call: OperatorCall, indices: list[Tensor | None]) -> IntervalMap | None:
    seen, shape = call.map_of("self"), call.arguments["self"].shape
    given = [index for index in indices if index is not None]
    if seen is None or any(index.dtype == torch.bool for index in given):
        return None
    axes = [axis for axis, index in enumerate(indices) if index is not None]
    if any(index.is_meta for index in given):
        call.caveats.append(
            f"{call.name}: the indices are not known without running: upper bound along the indexed axes"
        )
        seen = whole(seen, axes)
        indices = [index if index is None else torch.zeros(index.shape, dtype=torch.long) for index in indices]
    else:
        seen = tuple(spread(bound, shape, axes) for bound in seen)
    lookup = tuple(slice(None) if index is None else index for index in indices)
    return call.with_all_of(each(seen, lambda bound: bound[lookup]), "indices", "index")


@rule("embedding")
def _embedding(call: OperatorCall) -> IntervalMap | None:
    seen = call.map_of("indices")
    return seen and call.with_all_of(each(seen, lambda bound: bound.unsqueeze(-1)), "weight")


@rule("repeat")
def _repeat(call: OperatorCall) -> IntervalMap | None:
    seen, times = call.map_of("self"), call.arguments["repeats"]

    def one_bound(bound: Tensor) -> Tensor:
        bound = bound.view([1] * (len(times) - bound.ndim) + list(bound.shape))
        return bound.repeat([time if size > 1 else 1 for time, size in zip(times, bound.shape, strict=True)])

    return seen and each(seen, one_bound)


@rule("flip")
def _flip(call: OperatorCall) -> IntervalMap | None:
    seen = call.map_of("self")
    return seen and each(seen, lambda bound: bound.flip(call.arguments["dims"]))


@rule("roll")
def _roll(call: OperatorCall) -> IntervalMap | None:
    seen, axes = call.map_of("self"), call.arguments["dims"]
    if not axes:
        return None  # rolls the flattened tensor
    return seen and each(seen, lambda bound: bound.roll(listed(call.arguments["shifts"], len(axes)), axes))


@rule("glu")
def _gated(call: OperatorCall) -> IntervalMap | None:
    seen, axis = call.map_of("self"), call.arguments["dim"]

    def one_bound(bound: Tensor) -> Tensor:
        return bound if bound.size(axis) == 1 else torch.minimum(*bound.chunk(2, axis))

    return seen and each(seen, one_bound)


@rule("pixel_shuffle")
def _pixel_shuffle(call: OperatorCall) -> IntervalMap | None:
    *lead, channels, height, width = call.arguments["self"].shape
    factor = call.arguments["upscale_factor"]
    split = [*lead, channels // factor**2, factor, factor, height, width]
    return _shuffled(call, split, (0, 3, 1, 4, 2))


@rule("pixel_unshuffle")
def _pixel_unshuffle(call: OperatorCall) -> IntervalMap | None:
    *lead, channels, height, width = call.arguments["self"].shape
    factor = call.arguments["downscale_factor"]
    return _shuffled(call, [*lead, channels, height // factor, factor, width // factor, factor], (0, 2, 4, 1, 3))


def _shuffled(call: OperatorCall, split: list[int], order: tuple[int, ...]) -> IntervalMap | None:
    before, after = call.arguments["self"].shape, call.outputs[0].shape
    lead = len(split) - len(order)
    places = [*range(lead), *[lead + place for place in order]]

    def one_bound(bound: Tensor) -> Tensor:
        apart = reshaped(bound, before, split, call.limit).permute(places)
        return reshaped(apart, [split[place] for place in places], after, call.limit)

    seen = call.map_of("self")
    return seen and each(seen, one_bound)


@rule("channel_shuffle", "native_channel_shuffle")
def _channel_shuffle(call: OperatorCall) -> IntervalMap | None:
    channels, groups = call.arguments["self"].shape[1], call.arguments["groups"]
    order = torch.arange(channels).view(groups, -1).T.flatten()
    seen = call.map_of("self")
    return seen and each(seen, lambda bound: bound if bound.size(1) == 1 else bound.index_select(1, order))
