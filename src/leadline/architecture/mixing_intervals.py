"""Interval rules of the operators that read whole axes: products, reductions, normalizations, attention, recurrence."""

import torch
from torch import Tensor

from leadline.architecture.interval_maps import IntervalMap, each, mix_channels, spread, union
from leadline.architecture.interval_rules import OperatorCall, rule, up_to_here, whole

UNREAD_MASK = "a mask's values are not read: where it hides inputs the interval is an upper bound"


@rule("linear")
def _linear(call: OperatorCall) -> IntervalMap | None:
    seen = call.map_of("input")
    return seen and call.with_all_of(whole(seen, [-1]), "weight", "bias")


@rule("matmul", "mm", "bmm", "mv", "dot", "vdot", "addmm", "baddbmm", "addmv")
def _product(call: OperatorCall) -> IntervalMap | None:
    left, right = _factors(call)
    rank = call.outputs[0].ndim
    parts = []
    for factor, is_left in ((left, True), (right, False)):
        seen = call.map_of(factor)
        if seen is not None:
            parts.append(each(seen, lambda bound, is_left=is_left: _summed(bound, is_left, rank, call, left, right)))
    if "self" not in (left, right) and call.map_of("self") is not None:
        parts.append(call.only("self"))
    return union(parts, rank) if parts else None


def _factors(call: OperatorCall) -> tuple[str, str]:
    names = list(call.arguments)
    first = names[0] if call.name in ("matmul", "mm", "bmm", "mv", "dot", "vdot") else names[1]
    return first, names[names.index(first) + 1]


def _summed(bound: Tensor, is_left: bool, rank: int, call: OperatorCall, left: str, right: str) -> Tensor:
    if bound.ndim == 1:
        bound = bound.amin(0)
        return bound.view([1] * rank)
    bound = bound.amin(-1 if is_left else -2, keepdim=True)
    if is_left and call.arguments[right].ndim == 1:
        return bound.squeeze(-1)
    if not is_left and call.arguments[left].ndim == 1:
        return bound.squeeze(-2)
    return bound


_REDUCTIONS = (
    "all", "any", "amax", "amin", "aminmax", "argmax", "argmin", "count_nonzero", "kthvalue", "linalg_vector_norm",
    "logsumexp", "max", "mean", "median", "min", "mode", "nanmean", "nanmedian", "nansum", "norm", "prod", "std",
    "std_mean", "sum", "var", "var_mean",
)  # fmt: skip


@rule(*_REDUCTIONS)
def _reduction(call: OperatorCall) -> IntervalMap | None:
    names = ("dim", "axis")
    axes = next((call.arguments[name] for name in names if call.arguments.get(name) is not None), None)
    seen = call.only("self", "input")
    rank = call.arguments.get("self", call.arguments.get("input")).ndim  # pyright: ignore[reportOptionalMemberAccess]
    over = sorted(axis % rank for axis in ([axes] if isinstance(axes, int) else axes or range(rank)))
    seen = seen and whole(seen, over)
    if seen is None or call.arguments.get("keepdim"):
        return seen
    kept = [axis for axis in range(rank) if axis not in over]
    return each(seen, lambda bound: bound.permute(kept + over).flatten(len(kept)).select(-1, 0) if over else bound)


@rule("softmax", "_softmax", "log_softmax", "_log_softmax", "sort", "argsort", "topk", "renorm")
def _along_one_axis(call: OperatorCall) -> IntervalMap | None:
    seen = call.only("self", "input")
    return seen and whole(seen, [call.arguments.get("dim", -1)])


@rule("cumsum", "cumprod", "logcumsumexp", "cummax", "cummin")
def _cumulative(call: OperatorCall) -> IntervalMap | None:
    seen = call.map_of("self")
    return seen and up_to_here(seen, call.arguments["self"].shape, call.arguments["dim"])


@rule("layer_norm", "rms_norm", "native_layer_norm")
def _layer_norm(call: OperatorCall) -> IntervalMap | None:
    seen = call.map_of("input")
    return seen and whole(seen, range(-len(call.arguments["normalized_shape"]), 0))


@rule("instance_norm")
def _instance_norm(call: OperatorCall) -> IntervalMap | None:
    seen = call.map_of("input")
    return whole(seen, range(2, call.arguments["input"].ndim)) if seen and call.arguments["use_input_stats"] else seen


@rule("group_norm")
def _group_norm(call: OperatorCall) -> IntervalMap | None:
    seen = call.map_of("input")
    shape = call.arguments["input"].shape
    seen = seen and whole(seen, range(2, len(shape)))
    return seen and each(seen, lambda bound: mix_channels(bound, 1, call.arguments["num_groups"], shape[1]))


@rule("scaled_dot_product_attention")
def _attention(call: OperatorCall) -> IntervalMap | None:
    parts = []
    keys = call.arguments["key"].shape
    for name in ("query", "key", "value"):
        seen = call.map_of(name)
        if seen is None:
            continue
        if name != "value":
            seen = whole(seen, [-1])
        if name != "query" and call.arguments["is_causal"]:
            seen = up_to_here(seen, keys, -2)
            seen = each(seen, lambda bound: _first_rows(bound, keys[-2], call.outputs[0].shape[-2]))
        elif name != "query":
            seen = whole(seen, [-2])
        parts.append(seen)
    if call.arguments["attn_mask"] is not None:
        call.caveats.append(UNREAD_MASK)
        mask = call.map_of("attn_mask")
        parts += [whole(mask, [-1])] if mask is not None else []
    return union(parts, call.outputs[0].ndim) if parts else None


def _first_rows(bound: Tensor, keys: int, queries: int) -> Tensor:
    # Query i sees the keys 0..i; where there are more queries than keys the last ones see all keys.
    if bound.size(-2) == 1:
        return bound
    return bound.index_select(-2, torch.arange(queries).clamp(max=keys - 1))


@rule("gru", "lstm", "rnn_tanh", "rnn_relu")
def _recurrence(call: OperatorCall) -> list[IntervalMap] | None:
    if "batch_sizes" in call.arguments:
        return None  # packed sequences mix batch and time in one axis
    seen = call.map_of("input")
    if seen is None:
        return None
    arguments = call.arguments
    seen = call.with_all_of(whole(seen, [-1]), "hx", "params")
    time = arguments["input"].ndim - 2 if arguments["batch_first"] else 0
    everything = whole(seen, [time])
    steps = up_to_here(seen, arguments["input"].shape, time)
    if arguments["bidirectional"]:
        steps = _both_directions(call, seen, steps, time) if arguments["num_layers"] == 1 else everything
    states = tuple(bound.amin().view([1] * bound.ndim) for bound in everything)
    return [steps, *[states for _ in call.outputs[1:]]]


def _both_directions(call: OperatorCall, seen: IntervalMap, steps: IntervalMap, time: int) -> IntervalMap:
    shape = list(call.arguments["input"].shape)
    backwards = each(seen, lambda bound: spread(bound, shape, [time]).flip(time).cummin(time).values.flip(time))
    half = call.outputs[0].shape[-1] // 2
    joined = []
    for one, two in zip(steps, backwards, strict=True):
        sizes = [max(a, b) for a, b in zip(one.shape[:-1], two.shape[:-1], strict=True)]
        joined.append(torch.cat([one.expand(*sizes, half), two.expand(*sizes, half)], -1))
    return tuple(joined)
