"""How much work one call of an operator is, from the shapes of its arguments and results.

Two integers per call: `macs`, the multiply-accumulates of products (a position in the zero padding counts like any
other, as in every published count), and `taps`, the input elements that pooling and upsampling read.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from leadline.architecture.conventions import Kind
from leadline.architecture.recurrent_costs import RECURRENT_MACS

Cost = Callable[[tuple, dict, Tensor], int]  # (arguments, keyword arguments, first output) -> macs or taps


def macs_of(name: str) -> Cost | None:
    """The rule for the multiply-accumulates of an operator of this name; None where it makes none."""
    return _MACS.get(name)


def taps_of(name: str, kind: Kind) -> Cost | None:
    """The rule for the elements that a pooling or upsampling operator reads; None for other kinds."""
    if kind == "pooling":
        return _adaptive_taps if "adaptive" in name else _window_taps
    if kind == "upsampling":
        return _upsampling_taps(name)
    return None


def has_bias(name: str, arguments: tuple) -> bool:
    """Does this call of a convolution or linear map add a bias to each output element?"""
    return name.startswith(("conv", "linear", "_conv")) and len(arguments) > 2 and isinstance(arguments[2], Tensor)


def _convolution(arguments: tuple, keywords: dict, output: Tensor) -> int:
    transposed = len(arguments) > 6 and arguments[6] is True
    return (_transposed if transposed else _forward_convolution)(arguments, keywords, output)


def _forward_convolution(arguments: tuple, keywords: dict, output: Tensor) -> int:
    weight = arguments[1]  # (out, in / groups, *kernel): each output element reads one filter
    return output.numel() * math.prod(weight.shape[1:])


def _transposed(arguments: tuple, keywords: dict, output: Tensor) -> int:
    weight = arguments[1]  # (in, out / groups, *kernel): each input element writes one filter
    return arguments[0].numel() * math.prod(weight.shape[1:])


def _linear(arguments: tuple, keywords: dict, output: Tensor) -> int:
    return output.numel() * arguments[0].shape[-1]


def _matmul(arguments: tuple, keywords: dict, output: Tensor) -> int:
    return output.numel() * arguments[0].shape[-1]


def _added_matmul(arguments: tuple, keywords: dict, output: Tensor) -> int:
    return output.numel() * arguments[1].shape[-1]


def _batch_summed_matmul(arguments: tuple, keywords: dict, output: Tensor) -> int:
    return arguments[1].numel() * arguments[2].shape[-1]


def _outer(arguments: tuple, keywords: dict, output: Tensor) -> int:
    return output.numel()


def _bilinear(arguments: tuple, keywords: dict, output: Tensor) -> int:
    weight = arguments[2]  # (out, in1, in2): first x1 W, then the dot product with x2
    return output.numel() * (weight.shape[1] * weight.shape[2] + weight.shape[2])


def _distances(arguments: tuple, keywords: dict, output: Tensor) -> int:
    return output.numel() * arguments[0].shape[-1]


def _fourier(arguments: tuple, keywords: dict, output: Tensor) -> int:
    # The customary 5 n log2 n floating-point operations, at two to a multiply-accumulate, rounded down once.
    size = max(arguments[0].numel(), output.numel())
    return int(2.5 * size * math.log2(max(size, 2)))


def _attention(arguments: tuple, keywords: dict, output: Tensor) -> int:
    query, key, value = arguments[:3]  # (..., heads, T, E), (..., S, E), (..., S, V): Q K^T, then weights V
    scores = math.prod(query.shape[:-1]) * key.shape[-2]
    return scores * (query.shape[-1] + value.shape[-1])


_MACS: dict[str, Cost] = {
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "mkldnn_convolution", "cudnn_convolution"), _forward_convolution),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), _transposed),
    "cudnn_convolution_transpose": _transposed,
    **dict.fromkeys(("convolution", "_convolution", "convolution_overrideable"), _convolution),
    "conv_tbc": lambda arguments, _, output: output.numel() * arguments[1].shape[0] * arguments[1].shape[1],
    **dict.fromkeys(("linear", "mkldnn_linear"), _linear),
    **dict.fromkeys(("matmul", "mm", "bmm", "mv", "dot", "vdot", "inner", "_scaled_mm"), _matmul),
    **dict.fromkeys(("addmm", "baddbmm", "addmv"), _added_matmul),
    "addbmm": _batch_summed_matmul,
    **dict.fromkeys(("ger", "outer", "addr"), _outer),
    **dict.fromkeys(("bilinear", "_trilinear"), _bilinear),
    **dict.fromkeys(("cdist", "_cdist_forward", "_euclidean_dist"), _distances),
    **dict.fromkeys(
        [f"fft_{side}{which}fft{axes}" for side in ("", "i") for which in ("", "r", "h") for axes in ("", "2", "n")]
        + ["_fft_r2c", "_fft_c2r", "_fft_c2c"],
        _fourier,
    ),
    **dict.fromkeys(
        [
            "scaled_dot_product_attention",
            *(f"_scaled_dot_product_{which}_attention" for which in ("flash", "efficient", "cudnn")),
            "_scaled_dot_product_flash_attention_for_cpu",
            "_scaled_dot_product_fused_attention_overrideable",
        ],
        _attention,
    ),
    **RECURRENT_MACS,
}  # fmt: skip


def _window_taps(arguments: tuple, keywords: dict, output: Tensor) -> int:
    window = arguments[1] if len(arguments) > 1 else keywords.get("kernel_size", 1)
    sizes = [window] if isinstance(window, int) else list(window)
    axes = output.dim() - 2 if output.dim() > 2 else output.dim() - 1
    return output.numel() * (sizes[0] ** axes if len(sizes) == 1 else math.prod(sizes))


def _adaptive_taps(arguments: tuple, keywords: dict, output: Tensor) -> int:
    image, name_axes = arguments[0], len(_as_list(arguments[1]))
    taps = math.prod(output.shape[:-name_axes])
    for size_in, size_out in zip(image.shape[-name_axes:], output.shape[-name_axes:], strict=True):
        # output i averages inputs floor(i in / out) .. ceil((i + 1) in / out) - 1
        taps *= sum(-(-(i + 1) * size_in // size_out) - i * size_in // size_out for i in range(size_out))
    return taps


def _as_list(size: Any) -> list:
    return list(size) if isinstance(size, list | tuple | torch.Size) else [size]


def _upsampling_taps(name: str) -> Cost:
    read = {"nearest": 1, "bilinear": 4, "linear1d": 2, "bicubic": 16, "trilinear": 8, "sampler_2d": 4, "sampler_3d": 8}
    per_output = next((taps for part, taps in read.items() if part in name), 4)
    return lambda arguments, keywords, output: output.numel() * per_output
