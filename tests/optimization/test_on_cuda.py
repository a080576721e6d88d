"""The instruments of optimization on a CUDA device read what they read on the processor."""

import numpy as np
import pytest
import torch
from tolerances import AUTOGRAD
from torch import nn

from leadline.optimization import Block, gradient_noise, hypergradient
from leadline.training import Recipe

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
DEVICE = "cuda"

GENERATOR = torch.Generator().manual_seed(0)
DATA = torch.randn(40, 1, 6, 6, generator=GENERATOR, dtype=torch.float64), torch.arange(40) % 3


def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.Tanh(), nn.Flatten(), nn.Linear(32, 3)).double()


def test_gradient_noise():
    there, here = (gradient_noise(model(), DATA, batch_size=10, device=device) for device in (DEVICE, "cpu"))
    assert there.noise_scale == pytest.approx(here.noise_scale, rel=AUTOGRAD)
    np.testing.assert_allclose(there.example_squared_norms, here.example_squared_norms, rtol=AUTOGRAD)


@pytest.mark.parametrize(("mode", "steps"), [("forward", 10), ("forward", 120), ("reverse", 10)])
def test_hypergradient(mode, steps):
    recipe = Recipe(lr=0.05, steps=steps, batch_size=16, optimizer="adam", weight_decay=0.1, eps=1e-3)
    wrt = ("lr", "weight_decay", Block("lr", parameters="3."))
    there, here = (
        hypergradient(model().to(device), tuple(array.to(device) for array in DATA), recipe, wrt=wrt, mode=mode)
        for device in (DEVICE, "cpu")
    )
    np.testing.assert_allclose(there.loss, here.loss, rtol=1e3 * AUTOGRAD)
    np.testing.assert_allclose(there.gradient, here.gradient, rtol=1e3 * AUTOGRAD)


def test_dropout_is_the_same_in_both_modes():
    there = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(36, 3)).double().to(DEVICE)
    recipe = Recipe(lr=0.1, steps=9, batch_size=16)
    forward, reverse = (hypergradient(there, DATA, recipe, mode=mode) for mode in ("forward", "reverse"))
    np.testing.assert_allclose(forward.gradient, reverse.gradient, rtol=AUTOGRAD)
