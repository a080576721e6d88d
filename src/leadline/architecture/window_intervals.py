"""Interval rules of the operators that read windows along spatial axes: convolution, pooling, resizing, padding."""

from typing import Any

from torch import Tensor

from leadline.architecture.interval_maps import IntervalMap, each, mix_channels, read
from leadline.architecture.interval_rules import OperatorCall, listed, rule
from leadline.architecture.operator_taps import (
    adaptive_taps,
    cubic_taps,
    linear_taps,
    nearest_taps,
    padding_taps,
    transposed_taps,
    window_taps,
)

_POOLS = [f"{kind}_pool{rank}d" for kind in ("max", "avg") for rank in (1, 2, 3)]
_POOLS += [f"max_pool{rank}d_with_indices" for rank in (1, 2, 3)]


@rule(
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "convolution",
    "_convolution",
)
def _convolution(call: OperatorCall) -> IntervalMap | None:
    signal, weight, outputs = call.arguments["input"], call.arguments["weight"], call.outputs[0]
    rank = weight.ndim - 2
    transposed = bool(call.arguments.get("transposed", call.name.startswith("conv_transpose")))
    stride, dilation = (listed(call.arguments[name], rank) for name in ("stride", "dilation"))
    padding = call.arguments["padding"]
    if isinstance(padding, str):
        total = [size * (kernel - 1) for size, kernel in zip(dilation, weight.shape[2:], strict=True)]
        padding = [one // 2 if padding == "same" else 0 for one in total]  # an odd one out goes after
    padding = listed(padding, rank)
    tapping = transposed_taps if transposed else window_taps

    seen = call.map_of("input")
    if seen is None:
        return None  # only the weights depend on the input: not separable, so the general rule applies
    channels = outputs.shape[-rank - 1]
    seen = each(seen, lambda bound: mix_channels(bound, -rank - 1, call.arguments["groups"], channels))
    for place, axis in enumerate(range(-rank, 0)):
        sizes = signal.shape[axis], outputs.shape[axis], weight.shape[2 + place]
        taps = tapping(*sizes, stride=stride[place], padding=padding[place], dilation=dilation[place])
        seen = _read_all(seen, axis, taps)
    return call.with_all_of(seen, "weight", "bias")


def _read_all(seen: IntervalMap, axis: int, taps: Tensor) -> IntervalMap:
    return each(seen, lambda bound: read(bound, axis, taps))


@rule(*_POOLS)
def _pool(call: OperatorCall) -> IntervalMap | None:
    rank = int(call.name.split("pool")[1][0])
    kernel = listed(call.arguments["kernel_size"], rank)
    stride = listed(call.arguments["stride"] or kernel, rank)
    padding = listed(call.arguments["padding"], rank)
    dilation = listed(call.arguments.get("dilation", 1), rank)

    seen = call.map_of("self")
    for place, axis in enumerate(range(-rank, 0)):
        sizes = call.arguments["self"].shape[axis], call.outputs[0].shape[axis], kernel[place]
        taps = window_taps(*sizes, stride=stride[place], padding=padding[place], dilation=dilation[place])
        seen = seen and _read_all(seen, axis, taps)
    return seen


@rule(*[f"{fore}adaptive_{kind}_pool{rank}d" for fore in ("", "_") for kind in ("max", "avg") for rank in (1, 2, 3)])
def _adaptive_pool(call: OperatorCall) -> IntervalMap | None:
    rank = int(call.name.split("pool")[1][0])
    seen = call.map_of("self")
    for axis in range(-rank, 0):
        taps = adaptive_taps(call.arguments["self"].shape[axis], call.outputs[0].shape[axis])
        seen = seen and _read_all(seen, axis, taps)
    return seen


_RANKS = {"linear1d": 1, "bilinear2d": 2, "trilinear3d": 3, "bicubic2d": 2}
_RANKS |= {f"{kind}{rank}d": rank for kind in ("nearest", "nearest_exact") for rank in (1, 2, 3)}


@rule(*[f"_upsample_{name}" if "exact" in name else f"upsample_{name}" for name in _RANKS])
def _resize(call: OperatorCall) -> IntervalMap | None:
    kind = call.name.split("upsample_")[1]
    rank = _RANKS[kind]
    signal = call.arguments.get("input", call.arguments.get("self"))
    scales = _scales(call.arguments, rank)

    seen = call.only("input", "self")
    for place, axis in enumerate(range(-rank, 0)):
        sizes = signal.shape[axis], call.outputs[0].shape[axis]  # pyright: ignore[reportOptionalMemberAccess]
        if kind.startswith("nearest"):
            taps = nearest_taps(*sizes, scales[place], exact="exact" in kind)
        else:
            tapping = cubic_taps if "cubic" in kind else linear_taps
            taps = tapping(*sizes, scales[place], align_corners=call.arguments["align_corners"])
        seen = seen and _read_all(seen, axis, taps)
    return seen


def _scales(arguments: dict[str, Any], rank: int) -> list[float | None]:
    if arguments.get("scale_factors"):
        return list(arguments["scale_factors"])
    names = ["scales"] if rank == 1 else ["scales_d", "scales_h", "scales_w"][-rank:]
    return [arguments.get(name) for name in names]


@rule("pad", "constant_pad_nd", *[f"{kind}_pad{rank}d" for kind in ("reflection", "replication") for rank in (1, 2, 3)])
def _pad(call: OperatorCall) -> IntervalMap | None:
    amounts = call.arguments["pad" if "pad" in call.arguments else "padding"]
    names = {"reflection": "reflect", "replication": "replicate", "constant": "constant", "pad": "constant"}
    mode = call.arguments.get("mode", names[call.name.split("_")[0]])
    shape = call.arguments["self"].shape

    seen = call.map_of("self")
    for place in range(len(amounts) // 2):  # from the last axis backwards
        before, after = amounts[2 * place : 2 * place + 2]
        if before or after:
            seen = seen and _read_all(seen, -1 - place, padding_taps(shape[-1 - place], before, after, mode))
    return seen
