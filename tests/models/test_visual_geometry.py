import pytest
import torch

from leadline.core import InputError
from leadline.models import vgg

# Published: the paper's table 2 in millions (133, 133, 138, 144), here to the unit; 11, 16 and 19 as in torchvision.
PARAMETERS = {11: 132_863_336, 13: 133_047_848, 16: 138_357_544, 19: 143_667_240}


@pytest.mark.parametrize("depth", PARAMETERS)
def test_published_parameter_counts(depth):
    with torch.device("meta"):
        model = vgg(depth)
        assert model(torch.zeros(2, 3, 224, 224)).shape == (2, 1000)
    assert sum(parameter.numel() for parameter in model.parameters()) == PARAMETERS[depth]
    weighted = [module for module in model.modules() if isinstance(module, torch.nn.Conv2d | torch.nn.Linear)]
    assert len(weighted) == depth


@pytest.mark.parametrize(("width", "classes", "units"), [(1, 10, 7), (2, 3, 2)])
def test_parameters_follow_the_polynomial(width, classes, units):
    with torch.device("meta"):
        model = vgg(19, width=width, classes=classes, side=32 * units)
    expected = 64 * classes * width + classes + (512 * units**2 + 8983) * width**2 + 241 * width
    assert sum(parameter.numel() for parameter in model.parameters()) == expected


def test_batch_norm_adds_two_per_channel():
    with torch.device("meta"):
        plain, normed = vgg(11, width=2, side=32), vgg(11, width=2, side=32, batch_norm=True)
    added = sum(p.numel() for p in normed.parameters()) - sum(p.numel() for p in plain.parameters())
    assert added == 2 * (2 + 4 + 8 + 8 + 16 * 4)


def test_runs_on_images_that_are_no_multiple_of_32():
    assert vgg(11, width=1, classes=2, side=70, in_channels=1)(torch.zeros(1, 1, 70, 70)).shape == (1, 2)


def test_refuses_unknown_depths_and_tiny_images():
    with pytest.raises(InputError, match="expected a depth of 11, 13, 16 or 19, got 12"):
        vgg(12)
    with pytest.raises(InputError, match="expected a side of at least 32, got 31"):
        vgg(11, side=31)
