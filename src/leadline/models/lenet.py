"""LeNet-5, the convolutional network for 28x28 digits.

LeCun, Bottou, Bengio and Haffner, Gradient-Based Learning Applied to Document Recognition (Proc. IEEE 1998), figure 2;
with full connections in the third layer and a linear output layer, as is usual today.
"""

import torch
from jaxtyping import Float
from torch import nn


class LeNet(nn.Module):
    """Two convolutions with average pooling and three fully connected layers; 61,706 parameters by default.

    Args:
        classes: outputs.
        in_channels: channels of the 28x28 images.

    >>> LeNet()(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 10])
    """

    def __init__(self, *, classes: int = 10, in_channels: int = 1) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, 6, 5, padding=2),
            nn.Tanh(),
            nn.AvgPool2d(2),
            nn.Conv2d(6, 16, 5),
            nn.Tanh(),
            nn.AvgPool2d(2),
        )
        self.flatten = nn.Flatten()
        self.classifier = nn.Sequential(
            nn.Linear(16 * 5 * 5, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, classes)
        )

    def forward(self, images: Float[torch.Tensor, "n c 28 28"]) -> Float[torch.Tensor, "n classes"]:
        """Class scores before the softmax."""
        return self.classifier(self.flatten(self.features(images)))
