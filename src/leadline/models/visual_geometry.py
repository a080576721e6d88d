"""VGG: stacks of 3x3 convolutions between 2x2 max-pools, and three fully connected layers.

Simonyan and Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition (ICLR 2015), table 1,
columns A (11 layers), B (13), D (16) and E (19).
"""

import torch
from jaxtyping import Float
from torch import nn

from leadline.core import InputError

_CONVOLUTIONS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
_WIDTHS = (1, 2, 4, 8, 8)  # channels of each stage, in units of the first stage's
_HIDDEN = 64  # units of a hidden fully connected layer, in the same unit: 4096 for the width 64


class VGG(nn.Module):
    """A VGG network; `vgg` makes the published ones.

    Args:
        convolutions: the number of 3x3 convolutions in each of the five stages.
        width: channels of the first stage; all other widths are in proportion.
        classes: outputs.
        side: height and width of the images, at least 32.
        in_channels: channels of the images.
        batch_norm: batch normalization after every convolution (not in the paper)?
        dropout: rate after each hidden fully connected layer.
    """

    def __init__(
        self,
        convolutions: tuple[int, ...],
        *,
        width: int = 64,
        classes: int = 1000,
        side: int = 224,
        in_channels: int = 3,
        batch_norm: bool = False,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        features: list[nn.Module] = []
        channels = in_channels
        for repeats, multiple in zip(convolutions, _WIDTHS, strict=True):
            for _ in range(repeats):
                features += [nn.Conv2d(channels, multiple * width, 3, padding=1)]
                channels = multiple * width
                features += [nn.BatchNorm2d(channels)] if batch_norm else []
                features += [nn.ReLU()]
            features += [nn.MaxPool2d(2)]
        hidden = _HIDDEN * width
        self.features = nn.Sequential(*features)
        self.flatten = nn.Flatten()
        self.classifier = nn.Sequential(
            nn.Linear(channels * (side // 2 ** len(convolutions)) ** 2, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, classes),
        )

    def forward(self, images: Float[torch.Tensor, "n c h w"]) -> Float[torch.Tensor, "n classes"]:
        """Class scores before the softmax."""
        return self.classifier(self.flatten(self.features(images)))


def vgg(
    depth: int,
    *,
    width: int = 64,
    classes: int = 1000,
    side: int = 224,
    in_channels: int = 3,
    batch_norm: bool = False,
    dropout: float = 0.5,
) -> VGG:
    """The VGG network with `depth` layers that have weights: 11, 13, 16 or 19.

    The other arguments are those of `VGG`; the defaults give the published networks.

    Raises:
        InputError: another depth, or images too small for five poolings.

    >>> import torch
    >>> with torch.device("meta"):
    ...     model = vgg(19)
    >>> sum(parameter.numel() for parameter in model.parameters())
    143667240
    """
    if depth not in _CONVOLUTIONS:
        raise InputError(
            "vgg", expected="a depth of 11, 13, 16 or 19", got=str(depth), remedy="or build a VGG directly"
        )
    if side < 2 ** len(_WIDTHS):
        raise InputError(
            "vgg", expected="a side of at least 32", got=str(side), remedy="five poolings halve it five times"
        )
    return VGG(
        _CONVOLUTIONS[depth],
        width=width,
        classes=classes,
        side=side,
        in_channels=in_channels,
        batch_norm=batch_norm,
        dropout=dropout,
    )
