"""Inception blocks: parallel convolutions of several sizes, concatenated along the channels.

Szegedy et al., Going Deeper with Convolutions (CVPR 2015), figure 2: (a) naive, (b) with dimension reductions.
"""

import torch
from jaxtyping import Float
from torch import nn


class NaiveInception(nn.Module):
    """Branches 1x1, 3x3 and 5x5 and a 3x3 max-pool of stride 1, side by side.

    Args:
        in_channels: channels of the input; the pool passes them all on.
        ones, threes, fives: output channels of the 1x1, 3x3 and 5x5 branch.

    >>> NaiveInception(256, ones=128, threes=192, fives=96)(torch.zeros(1, 256, 32, 32)).shape
    torch.Size([1, 672, 32, 32])
    """

    def __init__(self, in_channels: int, *, ones: int, threes: int, fives: int) -> None:
        super().__init__()
        self.ones = nn.Conv2d(in_channels, ones, 1)
        self.threes = nn.Conv2d(in_channels, threes, 3, padding=1)
        self.fives = nn.Conv2d(in_channels, fives, 5, padding=2)
        self.pool = nn.MaxPool2d(3, stride=1, padding=1)

    def forward(self, images: Float[torch.Tensor, "n c h w"]) -> Float[torch.Tensor, "n out h w"]:
        """The branches' outputs, 1x1, 3x3, 5x5, pool, along the channels."""
        return torch.cat([branch(images) for branch in self.children()], dim=1)


class ReducedInception(nn.Module):
    """The block whose 3x3 and 5x5 branches first reduce the channels by 1x1 convolutions, and whose pool is projected.

    A rectified linear unit follows each reduction and each convolution.

    Args:
        in_channels: channels of the input.
        ones, threes, fives: output channels of the 1x1, 3x3 and 5x5 branch.
        reduced_threes, reduced_fives: channels to which 1x1 convolutions reduce before the 3x3 and the 5x5.
        projection: channels to which a 1x1 convolution projects the pool's output.

    >>> block = ReducedInception(
    ...     256, ones=128, threes=192, fives=96, reduced_threes=128, reduced_fives=32, projection=64
    ... )
    >>> block(torch.zeros(1, 256, 32, 32)).shape
    torch.Size([1, 480, 32, 32])
    """

    def __init__(
        self,
        in_channels: int,
        *,
        ones: int,
        threes: int,
        fives: int,
        reduced_threes: int,
        reduced_fives: int,
        projection: int,
    ) -> None:
        super().__init__()
        self.ones = nn.Sequential(nn.Conv2d(in_channels, ones, 1), nn.ReLU())
        self.threes = nn.Sequential(
            nn.Conv2d(in_channels, reduced_threes, 1),
            nn.ReLU(),
            nn.Conv2d(reduced_threes, threes, 3, padding=1),
            nn.ReLU(),
        )
        self.fives = nn.Sequential(
            nn.Conv2d(in_channels, reduced_fives, 1),
            nn.ReLU(),
            nn.Conv2d(reduced_fives, fives, 5, padding=2),
            nn.ReLU(),
        )
        self.pool = nn.Sequential(
            nn.MaxPool2d(3, stride=1, padding=1), nn.Conv2d(in_channels, projection, 1), nn.ReLU()
        )

    def forward(self, images: Float[torch.Tensor, "n c h w"]) -> Float[torch.Tensor, "n out h w"]:
        """The branches' outputs, 1x1, 3x3, 5x5, pool, along the channels."""
        return torch.cat([branch(images) for branch in self.children()], dim=1)
