import torch

from leadline.models import LeNet


def test_shapes_and_parameters():
    assert LeNet(classes=4, in_channels=3)(torch.zeros(2, 3, 28, 28)).shape == (2, 4)
    assert sum(parameter.numel() for parameter in LeNet().parameters()) == 61_706
