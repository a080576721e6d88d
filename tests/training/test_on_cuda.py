"""Training on a CUDA device comes to what it comes to on the processor."""

import numpy as np
import pytest
import torch
from tolerances import AUTOGRAD
from torch import nn

from leadline.training import Optimizer, Recipe, initialized, train, train_ensemble

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
DEVICE = "cuda"

GENERATOR = torch.Generator().manual_seed(0)
DATA = torch.randn(60, 1, 6, 6, generator=GENERATOR, dtype=torch.float64), torch.arange(60) % 3
ROWS = DATA[0].flatten(1), DATA[1]


def perceptron():
    return nn.Sequential(nn.Linear(36, 8), nn.ReLU(), nn.Linear(8, 3)).double()


def convolutional():
    layers = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3)
    return nn.Sequential(*layers).double()


def same(one, other):
    np.testing.assert_allclose(one.history.loss, other.history.loss, rtol=AUTOGRAD)
    for mine, theirs in zip(one.states, other.states, strict=True):
        for name, value in mine.parameters.items():
            torch.testing.assert_close(value.cpu(), theirs.parameters[name].cpu(), rtol=AUTOGRAD, atol=AUTOGRAD)


@pytest.mark.parametrize("optimizer", ["nesterov", Optimizer("rmsprop", centered=True), "adamw"])
def test_one_model(optimizer):
    recipe = Recipe(lr=0.01, epochs=3, batch_size=16, optimizer=optimizer, label_noise=0.1, accumulation=2)
    model = initialized(convolutional)
    there = train(model, DATA, recipe, validation=DATA, metrics=["accuracy"], device=DEVICE)
    here = train(model, DATA, recipe, validation=DATA, metrics=["accuracy"], device="cpu")
    same(there, here)
    assert there.parameters()["0.weight"].device.type == DEVICE
    np.testing.assert_allclose(there.history.metrics, here.history.metrics, rtol=AUTOGRAD)


@pytest.mark.parametrize(("factory", "data"), [(perceptron, ROWS), (convolutional, DATA)], ids=["batched", "mapped"])
def test_an_ensemble(factory, data):
    recipes = [Recipe(lr=lr, epochs=2, batch_size=16, optimizer="momentum", seed=k) for k, lr in enumerate((0.1, 0.01))]
    how = "batched" if factory is perceptron else "mapped"
    there, here = (train_ensemble(factory, data, recipes, device=d, execution=how) for d in (DEVICE, "cpu"))
    same(there, here)


def test_bfloat16_and_channels_last():
    model = initialized(lambda: convolutional().float())
    recipe = Recipe(lr=0.1, steps=4, autocast=True, channels_last=True)
    history = train(model, (DATA[0].float(), DATA[1]), recipe, device=DEVICE).history
    assert np.isfinite(history.loss).all()
