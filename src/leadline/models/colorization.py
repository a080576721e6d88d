"""Networks that colour grey images: for every pixel the scores of a fixed set of colours.

The three nets of the colorization exercise in CSC413 (University of Toronto): two layers down to a quarter of the side
and two up again, then one convolution; they differ in how they go down and up. Sides must be multiples of 4.
"""

import torch
from jaxtyping import Float
from torch import nn


class PoolUpsampleNet(nn.Module):
    """Down by max-pools, up by nearest-neighbour upsampling.

    Args:
        kernel: side of every convolution's kernel, odd or even.
        in_channels: channels of the input, 1 for grey images.
        filters: channels after the first layer; the second has twice as many.
        colours: scores per pixel.

    >>> PoolUpsampleNet(3, in_channels=1, filters=32, colours=24)(torch.zeros(1, 1, 32, 32)).shape
    torch.Size([1, 24, 32, 32])
    """

    def __init__(self, kernel: int, *, in_channels: int, filters: int, colours: int) -> None:
        super().__init__()
        self.first = _stage(_same(in_channels, filters, kernel), nn.MaxPool2d(2), channels=filters)
        self.second = _stage(_same(filters, 2 * filters, kernel), nn.MaxPool2d(2), channels=2 * filters)
        self.third = _stage(_same(2 * filters, filters, kernel), nn.Upsample(scale_factor=2), channels=filters)
        self.fourth = _stage(_same(filters, colours, kernel), nn.Upsample(scale_factor=2), channels=colours)
        self.last = _same(colours, colours, kernel)

    def forward(self, grey: Float[torch.Tensor, "n c h w"]) -> Float[torch.Tensor, "n colours h w"]:
        """Scores of each colour at each pixel."""
        return self.last(self.fourth(self.third(self.second(self.first(grey)))))


class StridedTransposedNet(nn.Module):
    """Down by convolutions of stride 2, up by transposed ones; arguments as for `PoolUpsampleNet`.

    >>> StridedTransposedNet(4, in_channels=1, filters=32, colours=24)(torch.zeros(1, 1, 32, 32)).shape
    torch.Size([1, 24, 32, 32])
    """

    def __init__(self, kernel: int, *, in_channels: int, filters: int, colours: int) -> None:
        super().__init__()
        self.first = _stage(_halving(in_channels, filters, kernel), channels=filters)
        self.second = _stage(_halving(filters, 2 * filters, kernel), channels=2 * filters)
        self.third = _stage(_doubling(2 * filters, filters, kernel), channels=filters)
        self.fourth = _stage(_doubling(filters, colours, kernel), channels=colours)
        self.last = _same(colours, colours, kernel)

    def forward(self, grey: Float[torch.Tensor, "n c h w"]) -> Float[torch.Tensor, "n colours h w"]:
        """Scores of each colour at each pixel."""
        return self.last(self.fourth(self.third(self.second(self.first(grey)))))


class UNet(nn.Module):
    """The strided and transposed net with two skip connections; arguments as for `PoolUpsampleNet`.

    The fourth layer also sees the first layer's output, the last convolution also sees the grey input
    (Ronneberger, Fischer and Brox, U-Net, MICCAI 2015, in small).

    >>> UNet(5, in_channels=1, filters=32, colours=24)(torch.zeros(1, 1, 32, 32)).shape
    torch.Size([1, 24, 32, 32])
    """

    def __init__(self, kernel: int, *, in_channels: int, filters: int, colours: int) -> None:
        super().__init__()
        self.first = _stage(_halving(in_channels, filters, kernel), channels=filters)
        self.second = _stage(_halving(filters, 2 * filters, kernel), channels=2 * filters)
        self.third = _stage(_doubling(2 * filters, filters, kernel), channels=filters)
        self.fourth = _stage(_doubling(2 * filters, colours, kernel), channels=colours)
        self.last = _same(colours + in_channels, colours, kernel)

    def forward(self, grey: Float[torch.Tensor, "n c h w"]) -> Float[torch.Tensor, "n colours h w"]:
        """Scores of each colour at each pixel."""
        half = self.first(grey)
        back_to_half = self.third(self.second(half))
        back_to_full = self.fourth(torch.cat([back_to_half, half], dim=1))
        return self.last(torch.cat([back_to_full, grey], dim=1))


def _stage(*layers: nn.Module, channels: int) -> nn.Sequential:
    return nn.Sequential(*layers, nn.BatchNorm2d(channels), nn.ReLU())


def _same(inputs: int, outputs: int, kernel: int) -> nn.Module:
    if kernel % 2:
        return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
    # An even kernel keeps the size only with one more zero on one side.
    before, after = (kernel - 1) // 2, kernel // 2
    return nn.Sequential(nn.ZeroPad2d((before, after, before, after)), nn.Conv2d(inputs, outputs, kernel))


def _halving(inputs: int, outputs: int, kernel: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride=2, padding=(kernel - 1) // 2)


def _doubling(inputs: int, outputs: int, kernel: int) -> nn.ConvTranspose2d:
    # 2 i = 2 (i - 1) - 2 padding + kernel + output_padding
    return nn.ConvTranspose2d(inputs, outputs, kernel, stride=2, padding=(kernel - 1) // 2, output_padding=kernel % 2)
