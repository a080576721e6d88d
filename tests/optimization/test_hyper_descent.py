"""Following hypergradients: closed-form optima, a grid to beat, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch import nn

from leadline.core import InputError
from leadline.optimization import hypergradient, optimal_step, optimize_hyperparameters
from leadline.training import Recipe


@pytest.fixture
def regression():
    """Features of unequal scales, so that the rate matters."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 8)) * np.geomspace(0.3, 2, 8)
    t = X @ rng.normal(size=(8, 1)) + 0.1 * rng.normal(size=(60, 1))
    model = nn.Linear(8, 1, bias=False, dtype=torch.float64)
    nn.init.zeros_(model.weight)
    return model, (torch.tensor(X), torch.tensor(t))


def test_the_learned_rate_of_a_regularized_regression_beats_a_grid(regression):
    model, data = regression
    recipe = Recipe(lr=0.01, steps=30, batch_size=60, loss="mse", weight_decay=0.02)  # penalty 0.01 |w|^2
    learned = optimize_hyperparameters(model, data, recipe, rounds=10)
    grid = [hypergradient(model, data, replace(recipe, lr=float(lr))).final_loss for lr in np.geomspace(1e-3, 1, 10)]
    finite = [loss for loss in grid if np.isfinite(loss)]
    assert learned.final_loss.min() < min(finite)


def test_the_rate_of_a_single_step_is_the_optimal_one(regression):
    model, data = regression
    learned = optimize_hyperparameters(model, data, Recipe(lr=0.01, steps=1, batch_size=60, loss="mse"), rounds=15)
    assert learned.values["lr"] == pytest.approx(optimal_step(model, data).lr, rel=1e-5)


def test_two_hyper_parameters_at_once(regression):
    model, data = regression
    recipe = Recipe(lr=0.02, steps=20, batch_size=60, loss="mse", optimizer="momentum", momentum=0.5)
    found = optimize_hyperparameters(model, data, recipe, wrt=("lr", "momentum"), rounds=14)
    slopes = np.abs(found.gradient * found.tried)
    assert found.final_loss[found.best] < 0.1 * found.final_loss[0]
    assert slopes[found.best].max() < 1e-2 * slopes[0].max()  # a local minimum in both
    assert 0 < found.values["momentum"] < 1


def test_a_round_that_diverges_is_taken_back(regression):
    """The first move goes farther than the loss can follow; the next starts where that one did, and goes less far."""
    model, data = regression
    recipe = Recipe(lr=0.15, steps=1000, batch_size=60, loss="mse", weight_decay=1e-6)
    found = optimize_hyperparameters(model, data, recipe, rounds=4)
    assert np.isinf(found.final_loss[1])
    assert np.isnan(found.gradient[1]).all()
    moves = np.log(found.tried[1:, 0] / 0.15)
    assert 0 < moves[1] < 0.5 * moves[0]
    assert found.best != 1
    assert np.isfinite(found.final_loss[found.best])
    ax = Figure().subplots()
    found.plot(ax)
    assert "diverged" in ax.get_legend_handles_labels()[1]


def test_bad_input_is_refused(regression):
    model, data = regression
    recipe = Recipe(lr=0.01, steps=5, batch_size=60, loss="mse")
    with pytest.raises(InputError, match="first weight_decay above 0"):
        optimize_hyperparameters(model, data, recipe, wrt=("weight_decay",))
    with pytest.raises(InputError, match="wrt among"):
        optimize_hyperparameters(model, data, recipe, wrt=("beta1",))
    with pytest.raises(InputError, match="at least one round"):
        optimize_hyperparameters(model, data, recipe, rounds=0)
    with pytest.raises(InputError, match="first run that converges"):
        optimize_hyperparameters(model, data, replace(recipe, lr=1e9, steps=60))
