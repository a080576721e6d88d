"""Which input indices each output index of an operator reads along one axis: a table of integers, -1 for none.

The rules are PyTorch's own, per operator; sizes and strides count indices.
"""

from fractions import Fraction

import torch
from torch import Tensor


def window_taps(inputs: int, outputs: int, kernel: int, *, stride: int, padding: int, dilation: int) -> Tensor:
    """Convolution and pooling: index i reads i*stride - padding + dilation*t for t below the kernel's size.

    >>> window_taps(4, 2, 3, stride=2, padding=1, dilation=1)
    tensor([[-1,  0,  1],
            [ 1,  2,  3]])
    """
    taps = torch.arange(outputs)[:, None] * stride - padding + dilation * torch.arange(kernel)
    return torch.where((taps >= 0) & (taps < inputs), taps, -1)


def transposed_taps(inputs: int, outputs: int, kernel: int, *, stride: int, padding: int, dilation: int) -> Tensor:
    """Transposed convolution: index i reads every m with m*stride - padding + dilation*t = i.

    >>> transposed_taps(2, 3, 1, stride=2, padding=0, dilation=1).flatten()
    tensor([ 0, -1,  1])
    """
    place = torch.arange(outputs)[:, None] + padding - dilation * torch.arange(kernel)
    taps = place.div(stride, rounding_mode="floor")
    return torch.where((place % stride == 0) & (taps >= 0) & (taps < inputs), taps, -1)


def adaptive_taps(inputs: int, outputs: int) -> Tensor:
    """Adaptive pooling: index i reads from floor(i*n/m) to ceil((i+1)*n/m) - 1."""
    index = torch.arange(outputs)
    first, last = index * inputs // outputs, -(-(index + 1) * inputs // outputs) - 1
    taps = first[:, None] + torch.arange(int((last - first).max()) + 1)
    return torch.where(taps <= last[:, None], taps, -1)


def nearest_taps(inputs: int, outputs: int, scale: float | None, *, exact: bool) -> Tensor:
    """Nearest-neighbour upsampling, by PyTorch's own rounding in single precision."""
    upsample = torch.ops.aten._upsample_nearest_exact1d if exact else torch.ops.aten.upsample_nearest1d
    index = torch.arange(inputs, dtype=torch.float64).view(1, 1, -1)
    return upsample(index, [outputs], scale).long().view(-1, 1)


def linear_taps(inputs: int, outputs: int, scale: float | None, *, align_corners: bool) -> Tensor:
    """Linear interpolation (each axis of bilinear and trilinear): the one or two neighbours with non-zero weight.

    >>> linear_taps(2, 4, None, align_corners=False).tolist()
    [[0, -1], [0, 1], [0, 1], [1, -1]]
    """
    rows = []
    places, unit = _places(inputs, outputs, scale, align_corners)
    for place in places:
        first, rest = divmod(max(place, 0), unit)
        rows.append((min(first, inputs - 1), first + 1 if rest and first + 1 < inputs else -1))
    return torch.tensor(rows)


def cubic_taps(inputs: int, outputs: int, scale: float | None, *, align_corners: bool) -> Tensor:
    """Cubic interpolation: the four neighbours, or the one that the place falls on; the border is repeated."""
    rows = []
    places, unit = _places(inputs, outputs, scale, align_corners)
    for place in places:
        first, rest = divmod(place, unit)
        rows.append([min(max(first + step, 0), inputs - 1) for step in ((-1, 0, 1, 2) if rest else (0, 0, 0, 0))])
    return torch.tensor(rows)


def _places(inputs: int, outputs: int, scale: float | None, align_corners: bool) -> tuple[list[int], int]:
    # Where each output lies among the inputs, as exact multiples of 1/unit.
    if align_corners:
        return [index * (inputs - 1) for index in range(outputs)], max(outputs - 1, 1)
    step = 1 / Fraction(scale) if scale else Fraction(inputs, outputs)
    return [step.numerator * (2 * index + 1) - step.denominator for index in range(outputs)], 2 * step.denominator


def padding_taps(inputs: int, before: int, after: int, mode: str) -> Tensor:
    """Padding (or cropping, where negative) by a constant, by reflection, by repetition of the border, or around.

    >>> padding_taps(3, 1, 2, "reflect").flatten()
    tensor([1, 0, 1, 2, 1, 0])
    """
    index = torch.arange(-before, inputs + after)
    if mode == "circular":
        index = index % inputs
    elif mode == "replicate":
        index = index.clamp(0, inputs - 1)
    elif mode == "reflect":
        index = index.abs()
        index = torch.where(index < inputs, index, 2 * (inputs - 1) - index)
    else:
        index = torch.where((index >= 0) & (index < inputs), index, -1)
    return index.view(-1, 1)
