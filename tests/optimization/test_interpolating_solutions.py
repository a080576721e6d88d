"""Implicit bias: SGD stays in the row space and ends at NumPy's pseudo-inverse solution, adaptive methods do not."""

import numpy as np
import pytest
import torch
from tolerances import AUTOGRAD
from torch import nn

from leadline.core import InputError
from leadline.optimization import implicit_bias
from leadline.training import Recipe
from leadline.training.schedules import Exponential


def at_zero(features):
    model = nn.Linear(features, 1, bias=False, dtype=torch.float64)
    nn.init.zeros_(model.weight)
    return model


@pytest.fixture
def system():
    rng = np.random.default_rng(3)
    return rng.normal(size=(3, 8)), rng.normal(size=(3, 1))


def test_gradient_descent_finds_the_pseudo_inverse_solution(system):
    X, t = system
    recipes = [Recipe(lr=0.1, steps=600, batch_size=2, loss="half_mse", optimizer=name, momentum=number)
               for name, number in (("sgd", None), ("momentum", 0.5))]  # fmt: skip
    found = implicit_bias(at_zero(8), system, recipes)
    least = np.linalg.pinv(X) @ t
    assert found.least_norm == pytest.approx(np.linalg.norm(least), rel=AUTOGRAD)
    assert (found.equations, found.parameters) == (3, 8)
    for one in found.solutions:
        assert one.off_row_space < AUTOGRAD
        assert one.residual < 1e-6
        assert one.distance < 1e-5
        assert one.norm_ratio == pytest.approx(1.0, abs=1e-5)


def test_adaptive_methods_find_another_one(system):
    recipes = [Recipe(lr=0.1, steps=500, batch_size=3, loss="half_mse", optimizer=name, schedule=Exponential(0.97))
               for name in ("rmsprop", "adam")]  # fmt: skip
    for one in implicit_bias(at_zero(8), system, recipes).solutions:
        assert one.residual < 1e-4
        assert one.distance > 0.05
        assert one.off_row_space > 0.05
        assert one.norm_ratio > 1


def test_any_linear_model_will_do(system):
    """A convolution and a frozen bias: the least norm is that of the trainable part alone."""
    model = nn.Sequential(nn.Unflatten(1, (1, 8)), nn.Conv1d(1, 2, 8), nn.Flatten(), nn.Linear(2, 1)).double()
    last = model[3]
    assert isinstance(last, nn.Linear)
    last.requires_grad_(False)
    nn.init.zeros_(next(model[1].parameters()))
    found = implicit_bias(model, system, Recipe(lr=0.05, steps=400, batch_size=3, loss="half_mse"))
    X, t = system
    a = last.weight.detach().numpy()[0]
    rows = np.concatenate([a[0] * X, a[1] * X, np.tile(a, (3, 1))], 1)
    least = np.linalg.pinv(rows) @ (t - last.bias.item())
    assert found.least_norm == pytest.approx(np.linalg.norm(least), rel=AUTOGRAD)
    assert found.solutions[0].off_row_space < AUTOGRAD


def test_a_start_off_the_row_space_is_kept_and_said(system):
    X = system[0]
    model = nn.Linear(8, 1, bias=False, dtype=torch.float64)
    start = model.weight.detach().numpy()[0]
    found = implicit_bias(model, system, Recipe(lr=0.1, steps=600, batch_size=3, loss="half_mse"))
    off = start - np.linalg.pinv(X) @ X @ start
    assert found.solutions[0].distance * found.least_norm == pytest.approx(np.linalg.norm(off), rel=1e-4)
    assert "off the row space" in found.caveats[0]


def test_bad_input_is_refused(system):
    X, t = system
    recipe = Recipe(lr=0.1, steps=5, loss="half_mse")
    deep = nn.Sequential(nn.Linear(8, 2), nn.Linear(2, 1)).double()
    with pytest.raises(InputError, match="linear in its parameters, got Sequential"):
        implicit_bias(deep, system, recipe)
    with pytest.raises(InputError, match="more parameters than the 3 equations"):
        implicit_bias(at_zero(3), (X[:, :3], t), recipe)
    with pytest.raises(InputError, match="3 targets"):
        implicit_bias(at_zero(8), (X, np.hstack([t, t])), recipe)
    with pytest.raises(InputError, match="zero parameters do not meet"):
        implicit_bias(at_zero(8), (X, 0 * t), recipe)
