"""Layers of images in channels-last on a CPU that do without two slow kernels of torch's; the numbers are the same.

Batch norm: torch keeps a row of sums per thread, a number for each channel. Where a row is no whole number of cache
lines, two threads write to the same line all the time, and together take two to three times as long as one alone; and
what does not fill a vector register is copied out and in again. Pixels that lie next to each other in memory can pass
for one pixel with so many times the channels: the same kernels then run on whole lines and registers, and the few sums
are combined afterwards.

Transposed convolution: its bias' gradient, a sum, takes torch three times as long as both other gradients.
"""

import math
from typing import Any

import torch
from torch import nn
from torch.nn import functional

_WHOLE = 32  # numbers that fill a vector register in 16 bits, and two cache lines in 32
_AXES = 4

_aten: Any = torch.ops.aten


class QuickBatchNorm2d(nn.BatchNorm2d):
    """`nn.BatchNorm2d`, whose numbers it gives up to rounding.

    >>> images = torch.randn(8, 3, 4, 32).contiguous(memory_format=torch.channels_last)
    >>> torch.allclose(QuickBatchNorm2d(3)(images), nn.BatchNorm2d(3)(images), atol=1e-5)
    True
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - torch's name
        """Normalized over all but the channels."""
        whole = self.affine and self.weight.dtype != torch.bfloat16  # torch sums up in the type of the weights
        pixels = _pixels_at_once(input) if self.training and whole else 1
        if pixels == 1 or self.momentum is None or self.running_mean is None or self.running_var is None:
            return super().forward(input)
        mean, variance = _moments(_widened(input.detach(), pixels), pixels)
        count = input.numel() // self.num_features
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), self.momentum)
        self.running_var.lerp_((variance * (count / (count - 1))).to(self.running_var.dtype), self.momentum)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        return _Normalization.apply(input, self.weight, self.bias, mean, variance, self.eps, pixels)


class QuickConvTranspose2d(nn.ConvTranspose2d):
    """`nn.ConvTranspose2d`, whose numbers it gives.

    >>> images = torch.randn(8, 3, 4, 4).contiguous(memory_format=torch.channels_last)
    >>> QuickConvTranspose2d(3, 2, 3, stride=2)(images).shape
    torch.Size([8, 2, 9, 9])
    """

    def forward(self, input: torch.Tensor, output_size: list[int] | None = None) -> torch.Tensor:  # noqa: A002
        """Each pixel spread over a window."""
        bias, quick = self.bias, input.device.type == "cpu" and input.ndim == _AXES and torch.is_grad_enabled()
        if bias is None or not bias.requires_grad or not quick:
            return super().forward(input, output_size)
        size: Any = (self.stride, self.padding, self.kernel_size, 2, self.dilation)  # the stub wants lists
        further = self._output_padding(input, output_size, *size)
        outputs = functional.conv_transpose2d(
            input, self.weight, bias.detach(), self.stride, size[1], further, self.groups, self.dilation
        )
        return _BiasGradient.apply(outputs, bias)


_QUICK = {nn.BatchNorm2d: QuickBatchNorm2d, nn.ConvTranspose2d: QuickConvTranspose2d}


def quicken(model: nn.Module) -> None:
    """Make the layers of a model, where they are plain ones of torch's, the quick ones of this file."""
    for module in model.modules():
        module.__class__ = _QUICK.get(type(module), type(module))


class _BiasGradient(torch.autograd.Function):
    """Outputs to which a bias was added without autograd's knowledge."""

    @staticmethod
    def forward(ctx: Any, outputs: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        ctx.mark_dirty(outputs)
        return outputs

    @staticmethod
    def backward(ctx: Any, *errors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return errors[0], errors[0].sum((0, 2, 3))


class _Normalization(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        images: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor,
        mean: torch.Tensor,
        variance: torch.Tensor,
        eps: float,
        pixels: int,
    ) -> torch.Tensor:
        ctx.save_for_backward(images, weight, bias, mean, variance)
        ctx.eps, ctx.pixels = eps, pixels
        normalized = torch.empty_like(images)  # no view of another tensor, so that what follows may overwrite it
        _scale(_widened(images, pixels), weight, bias, mean, variance, eps, out=_widened(normalized, pixels))
        return normalized

    @staticmethod
    def backward(ctx: Any, *errors: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        images, weight, bias, mean, variance = ctx.saved_tensors
        pixels, eps = ctx.pixels, ctx.eps
        if torch.is_grad_enabled():  # the gradients are to be differentiated again
            outputs = functional.batch_norm(images, None, None, weight, bias, training=True, eps=eps)
            wanted = [one for one, needed in zip((images, weight, bias), ctx.needs_input_grad, strict=False) if needed]
            found = iter(torch.autograd.grad(outputs, wanted, errors, create_graph=True))
            return *(next(found) if needed else None for needed in ctx.needs_input_grad[:3]), None, None, None, None
        error = errors[0].contiguous(memory_format=torch.channels_last)
        wide = _widened(images, pixels)
        repeated = [one.repeat(pixels) for one in (weight, mean, variance)]
        # With fixed moments; then what comes through the moments: a line in the images, channel by channel.
        direct, by_weight, by_bias = _aten.native_batch_norm_backward(
            _widened(error, pixels), wide, *repeated, None, None, False, eps, [True, True, True]
        )
        by_weight, by_bias = by_weight.view(pixels, -1).sum(0), by_bias.view(pixels, -1).sum(0)
        factor = -weight * (variance + eps).rsqrt() * (len(mean) / images.numel())
        indirect = torch.empty_like(direct)
        _scale(wide, factor * by_weight, factor * by_bias, mean, variance, eps, out=indirect)
        direct += indirect
        return direct.as_strided(images.shape, images.stride()), by_weight, by_bias, None, None, None, None


def _pixels_at_once(images: torch.Tensor) -> int:
    # As many as fill registers and cache lines; 1 where the images do not lie in memory as they should.
    if images.device.type != "cpu" or images.ndim != _AXES:
        return 1
    _, channels, height, width = images.shape
    pixels = _WHOLE // math.gcd(channels, _WHOLE)
    lie = images.stride() == (channels * height * width, 1, width * channels, channels)
    return pixels if lie and width % pixels == 0 else 1


def _widened(images: torch.Tensor, pixels: int) -> torch.Tensor:
    count, channels, height, width = images.shape
    return images.as_strided(
        (count, pixels * channels, height, width // pixels),
        (channels * height * width, 1, width * channels, pixels * channels),
    )


def _moments(wide: torch.Tensor, pixels: int) -> tuple[torch.Tensor, torch.Tensor]:
    # Mean and variance of every channel, from those of its places among the pixels.
    kind, channels = torch.promote_types(wide.dtype, torch.float32), wide.shape[1]
    mean, unbiased = wide.new_zeros(channels, dtype=kind), wide.new_zeros(channels, dtype=kind)
    torch.batch_norm_update_stats(wide, mean, unbiased, 1.0)
    each, count = mean.view(pixels, -1), wide.numel() // channels
    mean = each.mean(0)
    variance = unbiased.view(pixels, -1).mean(0) * ((count - 1) / count) + (each - mean).square().mean(0)
    return mean, variance


def _scale(
    wide: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor,
    mean: torch.Tensor,
    variance: torch.Tensor,
    eps: float,
    *,
    out: torch.Tensor,
) -> None:
    repeated = [one.repeat(wide.shape[1] // len(one)) for one in (weight, bias, mean, variance)]
    room = [mean.new_empty(0), mean.new_empty(0)]
    _aten.native_batch_norm.out(wide, *repeated, False, 0.0, eps, out=out, save_mean=room[0], save_invstd=room[1])
