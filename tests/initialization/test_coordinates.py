"""The coordinate check tells the standard parametrization from the maximal-update one."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from torch import nn

from leadline.core import InputError, to_plain
from leadline.initialization import CoordinateCheck, coordinate_check
from leadline.models import mlp
from leadline.training import Recipe

INPUTS = torch.randn(64, 16, generator=torch.Generator().manual_seed(0))
DATA = (INPUTS, INPUTS[:, :2].sum(1, keepdim=True))
WIDTHS = (64, 128, 256, 512)


class Multiplied(nn.Linear):
    """A linear layer with a factor on its output."""

    def __init__(self, inputs: int, outputs: int, std: float, factor: float) -> None:
        super().__init__(inputs, outputs, bias=False)
        self.factor = factor
        nn.init.normal_(self.weight, std=std)

    def forward(self, input):  # noqa: A002
        return super().forward(input) * self.factor


def maximal_update(width: int) -> nn.Module:
    """The parametrization in which SGD at one rate moves every layer by an amount independent of the width."""
    root = width**0.5
    return nn.Sequential(Multiplied(16, width, 0.25 / root, root), nn.ReLU(), Multiplied(width, 1, 1 / root, 1 / root))


def test_standard_parametrization_under_adam_fails() -> None:
    recipe = Recipe(lr=1e-3, steps=3, loss="mse", optimizer="adam", batch_size=64)
    found = coordinate_check(lambda width: mlp([16, width, width, 1]), DATA, recipe, widths=WIDTHS, draws=2)
    assert not found.passes and "FAILED" in found.headline()
    slopes = [one.slope for one in found.slopes]
    assert abs(slopes[0]) < 0.1 and slopes[1] > 0.4 and slopes[2] > 0.6


def test_maximal_update_passes() -> None:
    recipe = Recipe(lr=0.1, steps=3, loss="mse", batch_size=64)
    found = coordinate_check(maximal_update, DATA, recipe, widths=WIDTHS, draws=3)
    assert found.passes and "passed" in found.headline(), found.to_frame()


def test_result() -> None:
    recipe = Recipe(lr=0.01, steps=2, loss="mse", batch_size=32)
    found = coordinate_check(lambda width: mlp([16, width, 1]), DATA, recipe, widths=(8, 16), draws=1)
    assert "\n" not in found.headline() and found.changes.shape == (2, 2)
    assert np.all(found.changes > 0)
    before = to_plain(found)
    assert found.plot().get_xlabel() and len(found.to_frame()) == 2
    assert to_plain(found) == before == to_plain(CoordinateCheck.from_dict(found.to_dict()))
    plt.close("all")


@pytest.mark.parametrize(
    ("recipe", "widths", "message"),
    [
        (Recipe(lr=0.1, epochs=1, loss="mse"), (8, 16), "a recipe of a few steps"),
        (Recipe(lr=0.1, steps=1, loss="mse"), (8, 8), "two different widths"),
        (Recipe(lr=1e30, steps=9, loss="mse"), (8, 16), "divergence at width 8"),
    ],
)
def test_refusals(recipe, widths, message) -> None:
    with pytest.raises(InputError, match=message):
        coordinate_check(lambda width: mlp([16, width, 1]), DATA, recipe, widths=widths)
