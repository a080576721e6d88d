"""The optimal step against its closed form, a line search, and what is refused."""

import math
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from tolerances import AUTOGRAD
from torch import nn
from torch.utils.data import DataLoader, Dataset

from leadline.core import InputError
from leadline.optimization import hypergradient, implicit_bias, optimal_step
from leadline.training import Recipe


@pytest.mark.parametrize("seed", range(3))
def test_a_quadratic_in_closed_form(seed):
    """n/2 |X'a|^2 / |XX'a|^2 with a = X w - t, for the loss |a|^2 / n."""
    rng = np.random.default_rng(seed)
    X, t = rng.normal(size=(9, 5)), rng.normal(size=(9, 1))
    model = nn.Linear(5, 1, bias=False, dtype=torch.float64)
    a = X @ model.weight.detach().numpy().T - t
    expected = 9 / 2 * np.sum((X.T @ a) ** 2) / np.sum((X @ X.T @ a) ** 2)
    found = optimal_step(model, (X, t))
    assert found.lr == pytest.approx(expected, rel=AUTOGRAD)
    assert found.measured == pytest.approx(found.predicted, rel=AUTOGRAD)
    best: Any = minimize_scalar(lambda lr: np.sum((a - lr * 2 / 9 * X @ X.T @ a) ** 2) / 9)
    assert found.lr == pytest.approx(best.x, rel=1e-6)
    assert found.measured.min() == pytest.approx(best.fun, rel=AUTOGRAD)


def test_a_network_against_the_explicit_hessian():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    x, t = torch.randn(6, 3, dtype=torch.float64), torch.randn(6, 1, dtype=torch.float64)
    flat = torch.cat([p.detach().flatten() for p in model.parameters()])

    def loss(vector):
        parts, at = {}, 0
        for name, p in model.named_parameters():
            parts[name] = vector[at : at + p.numel()].view_as(p)
            at += p.numel()
        return nn.functional.mse_loss(torch.func.functional_call(model, parts, (x,)), t)

    g, H = torch.func.grad(loss)(flat), torch.func.hessian(loss)(flat)
    found = optimal_step(model, (x, t))
    assert found.curvature == pytest.approx(float(g @ H @ g / (g @ g)), rel=AUTOGRAD)
    assert found.squared_gradient == pytest.approx(float(g @ g), rel=AUTOGRAD)


def test_where_the_loss_does_not_curve_upwards_there_is_no_step():
    model = nn.Linear(2, 1, dtype=torch.float64)
    found = optimal_step(model, (torch.eye(2), torch.zeros(2, 1)), loss=lambda outputs, targets: outputs.mean())
    assert math.isinf(found.lr)
    assert "no optimal step" in found.headline()
    assert "longer is better" in found.caveats[0]


def test_what_is_not_finite_is_not_called_flat():
    model = nn.Linear(1, 1, dtype=torch.float64)
    found = optimal_step(model, ([[1e200]], [[1.0]]))
    assert math.isnan(found.lr)
    assert "not finite" in found.caveats[0]
    found.plot()


def test_at_a_stationary_point_no_step_is_advised():
    model = nn.Linear(1, 1, bias=False, dtype=torch.float64)
    nn.init.ones_(model.weight)
    found = optimal_step(model, ([[2.0]], [[2.0]]))
    assert math.isinf(found.lr)
    assert "the gradient is zero" in found.caveats[0]


class Pairs(Dataset):
    """Examples that only the loader's own collation makes a batch of."""

    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, place):
        return {"x": self.rows[place], "t": self.rows[place].sum(0, keepdim=True)}


def test_all_of_a_loader_s_data_are_one_batch_by_its_own_collation_and_checked():
    torch.manual_seed(0)
    model, rows = nn.Linear(3, 1, dtype=torch.float64), torch.randn(7, 3, dtype=torch.float64)

    def collate(pairs):
        return torch.stack([pair["x"] for pair in pairs]), torch.stack([pair["t"] for pair in pairs])

    found = optimal_step(model, DataLoader(Pairs(rows), batch_size=2, collate_fn=collate))
    assert found.lr == pytest.approx(optimal_step(model, (rows, rows.sum(1, keepdim=True))).lr, rel=AUTOGRAD)
    bad = rows.clone()
    bad[5, 1] = math.nan
    loader = DataLoader(Pairs(bad), batch_size=2, collate_fn=collate)
    recipe = Recipe(lr=0.01, steps=2, loss="mse")
    for call in (optimal_step, partial(hypergradient, recipe=recipe), partial(implicit_bias, recipes=recipe)):
        with pytest.raises(InputError, match="NaN or infinite values in the inputs"):
            call(model, loader)


def test_bad_input_is_refused():
    model = nn.Linear(2, 1)
    with pytest.raises(InputError, match="scalar tensor"):
        optimal_step(model, ([[1.0, 2.0]], [[1.0]]), loss=lambda outputs, targets: outputs)
    with pytest.raises(InputError, match="NaN"):
        optimal_step(model, ([[1.0, float("nan")]], [[1.0]]))
    with pytest.raises(InputError, match="trainable"):
        optimal_step(nn.ReLU(), ([[1.0]], [[1.0]]))
