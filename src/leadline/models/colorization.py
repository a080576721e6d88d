"""Networks that colour grey images: for every pixel the scores of a fixed set of colours.

The three nets of the colorization exercise in CSC413 (University of Toronto): two layers down to a quarter of the side
and two up again, then one convolution; they differ in how they go down and up. And one net more, which takes the same
ways down and up for the surroundings alone, and looks the grey value itself up in tables. Sides must be multiples of 4.
"""

import torch
from jaxtyping import Float
from torch import nn

from leadline.core import InputError


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
        back_to_full = self.fourth(_beside(back_to_half, half))
        # Under autocast the two differ in type, and cat would take the wider one for all channels.
        return self.last(_beside(back_to_full, grey.to(back_to_full.dtype)))


class SteeredTables(nn.Module):
    """Tables from grey values to scores of colours, whose entries the surroundings of the pixel scale.

    A pixel's grey value alone says more about its colour than three convolutions make of it: they have to build the
    narrow ranges of grey in which a colour is likely out of a few rectified lines. Here the grey value is spread
    over `levels` hat functions, so that one linear map is any piecewise linear table, and a net with residual
    blocks of depthwise convolutions at a half and a quarter of the side multiplies the tables by what it sees.

    Args:
        kernel: side of the depthwise kernels, odd; all others have side 1 or 3.
        in_channels: channels of the input, with values from 0 to 1.
        filters: channels at full size; two and three times as many at a half and a quarter of the side.
        colours: scores per pixel.
        levels: grey values between which the tables are linear.
        tables: how many are scaled, before one linear map makes scores of them.

    >>> SteeredTables(5, in_channels=1, filters=16, colours=24)(torch.zeros(1, 1, 32, 32)).shape
    torch.Size([1, 24, 32, 32])
    """

    levels: torch.Tensor

    def __init__(
        self, kernel: int, *, in_channels: int, filters: int, colours: int, levels: int = 64, tables: int = 64
    ) -> None:
        super().__init__()
        if kernel % 2 == 0:
            raise InputError("SteeredTables", expected="an odd kernel", got=str(kernel), remedy="pass 3, 5 or 7")
        half, quarter, spread, self.colours = 2 * filters, 3 * filters, in_channels * levels, colours
        self.register_buffer("levels", torch.arange(float(levels)))
        self.full = _stage(_same(in_channels, filters, 3), channels=filters)
        self.down_to_half = nn.Sequential(_stage(_halving(filters, half, 3), channels=half), _Mixing(half, kernel))
        self.down_to_quarter = nn.Sequential(
            _stage(_halving(half, quarter, 3), channels=quarter), _Mixing(quarter, kernel)
        )
        self.up_to_half = _upsampled(quarter, half)
        self.at_half = _Mixing(half, kernel)
        self.up_to_full = _upsampled(half, filters)
        self.surroundings = _stage(_same(filters, filters, 3), channels=filters)
        self.steering = nn.Conv2d(filters, tables, 1)
        self.tables = nn.Conv2d(spread, tables + colours, 1)  # the last ones are scores that nothing scales
        self.scores = nn.Conv2d(tables, colours, 1)

    def forward(self, grey: Float[torch.Tensor, "n c h w"]) -> Float[torch.Tensor, "n colours h w"]:
        """Scores of each colour at each pixel."""
        full = self.full(grey)
        half = self.down_to_half(full)
        half = self.at_half(half + self.up_to_half(self.down_to_quarter(half)))
        seen = self.surroundings(full + self.up_to_full(half))
        steered, unsteered = self.tables(self.spread(grey)).split([self.steering.out_channels, self.colours], dim=1)
        return self.scores(self.steering(seen) * steered) + unsteered

    def spread(self, grey: Float[torch.Tensor, "n c h w"]) -> Float[torch.Tensor, "n spread h w"]:
        """Every value shared out between the two nearest levels: hat functions, which add up to 1."""
        # Levels last, as convolutions like their channels in memory: this is the largest tensor of the net.
        distances = grey.movedim(1, -1).unsqueeze(-1) * (len(self.levels) - 1) - self.levels  # n, h, w, c, levels
        return torch.relu(1 - distances.abs()).flatten(-2).movedim(-1, 1)


class _Mixing(nn.Module):
    """Adds to its input a depthwise convolution of it, mixed by two maps from pixel to pixel."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.change = nn.Sequential(
            nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels, bias=False),
            nn.BatchNorm2d(channels),
            _stage(nn.Conv2d(channels, channels, 1, bias=False), channels=channels),
            nn.Conv2d(channels, channels, 1),
        )

    def forward(self, x: Float[torch.Tensor, "n c h w"]) -> Float[torch.Tensor, "n c h w"]:
        return x + self.change(x)


def _beside(computed: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
    """The channels of both; the gradient of the first comes back in one piece."""
    if computed.requires_grad:
        # Else it is a view with gaps where the other channels are, and every elementwise kernel on the way back takes
        # up to ten times as long.
        computed.register_hook(torch.clone)
    return torch.cat([computed, kept], dim=1)


def _upsampled(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.Upsample(scale_factor=2)
    )


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
