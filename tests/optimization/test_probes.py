"""What range test, sweep and critical batch size take over from a recipe, and what they are given to train."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from tolerances import ALGEBRA
from torch import nn

from leadline.core import InputError, ModelError
from leadline.optimization import (
    batch_variance,
    critical_batch_size,
    equivalent_decay,
    gradient_noise,
    hypergradient,
    implicit_bias,
    lr_range_test,
    lr_sweep,
    optimal_step,
    optimize_hyperparameters,
    train_asynchronously,
)
from leadline.training import BatchGrowth, Cosine, Recipe, initialized, train

ADAM = Recipe(lr=9.0, epochs=3, batch_size=16, loss="mse", optimizer="adam", beta2=0.9, weight_decay=0.1, seed=5)


def data(examples: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(examples, 3, generator=generator, dtype=torch.float64)
    return inputs, inputs.sum(1, keepdim=True)


def line() -> nn.Module:
    return nn.Linear(3, 1, dtype=torch.float64)


def losses(recipe: Recipe) -> np.ndarray:
    return train(initialized(line, recipe.seed), data(), recipe).history.loss[:, 0]


def changed(**settings: Any) -> Recipe:
    return replace(ADAM, epochs=None, seed=2, **settings)


def test_a_range_test_trains_by_the_recipe_but_for_rates_length_and_seed() -> None:
    options: dict[str, Any] = {"lr_min": 1e-4, "lr_max": 1.0, "steps": 30, "seeds": [2]}
    found = lr_range_test(line, data(), recipe=ADAM, **options)
    ladder = changed(lr=1.0, steps=30, schedule=lambda step, total: 1e-4 ** (1 - step / 29))
    np.testing.assert_allclose(found.losses[:, 0], losses(ladder), rtol=ALGEBRA)
    other = lr_range_test(line, data(), recipe=ADAM, batch_size=32, weight_decay=0.0, **options)
    assert other.losses[0, 0] != found.losses[0, 0]


def test_a_sweep_trains_by_the_recipe_and_its_schedule() -> None:
    found = lr_sweep(line, data(), lrs=[0.1], steps=30, seeds=[2], recipe=replace(ADAM, schedule=Cosine()))
    expected = losses(changed(lr=0.1, steps=30, schedule=Cosine()))[-3:].mean()
    assert found.losses[0, 0] == pytest.approx(expected, rel=1e-9)


def test_a_critical_batch_size_is_found_by_the_recipe() -> None:
    grown = replace(ADAM, growth=BatchGrowth(factor=2.0, every=1))  # the grid's sizes are fixed
    found = critical_batch_size(line, data(), target=0.05, batch_sizes=[8, 16], lrs=[0.1], steps=60, seeds=[2],
                                recipe=grown)  # fmt: skip
    trained = train(initialized(line, 2), data(), changed(lr=0.1, steps=60), validation=data(), evaluate_every=1)
    first = int(np.flatnonzero(trained.history.metrics[:, 0, 0] <= 0.05)[0]) + 1
    assert first - 1 <= found.steps[1, 0, 0] <= first


def test_batch_norm_can_be_probed_where_one_example_would_be_left() -> None:
    def net() -> nn.Module:
        return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1)).double()

    with pytest.raises(ModelError, match="more than 1 value per channel"):
        lr_range_test(net, data(33), batch_size=32, loss="mse", steps=10, seeds=1)
    recipe = Recipe(lr=0.1, steps=1, batch_size=32, loss="mse", drop_last=True)
    assert np.isfinite(lr_range_test(net, data(33), recipe=recipe, lr_max=0.1, steps=10, seeds=2).losses).all()
    assert np.isfinite(lr_sweep(net, data(33), recipe=recipe, lrs=[0.1], steps=10).losses).all()


GIVEN_A_MODULE = {
    "gradient_noise": lambda model: gradient_noise(model, data(), loss="mse"),
    "batch_variance": lambda model: batch_variance(model, data(), batch_sizes=[2], loss="mse"),
    "optimal_step": lambda model: optimal_step(model, data()),
    "hypergradient": lambda model: hypergradient(model, data(), ADAM),
    "optimize_hyperparameters": lambda model: optimize_hyperparameters(model, data(), ADAM),
    "equivalent_decay": lambda model: equivalent_decay(model, data(), ADAM),
    "implicit_bias": lambda model: implicit_bias(model, data(), ADAM),
    "train_asynchronously": lambda model: train_asynchronously(model, data(), ADAM, delays=1),
}


@pytest.mark.usefixtures("types_unchecked")
@pytest.mark.parametrize("name", GIVEN_A_MODULE)
def test_a_factory_where_a_module_is_wanted_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="a torch module to train, got function; pass what it returns"):
        GIVEN_A_MODULE[name](line)


@pytest.mark.usefixtures("types_unchecked")
@pytest.mark.parametrize("model", [None, 3, "net"])
def test_what_is_no_model_is_refused(model) -> None:
    with pytest.raises(InputError, match="lr_range_test: expected a module or a factory of modules, got"):
        lr_range_test(model, data(), loss="mse")
    with pytest.raises(InputError, match="lr_sweep: expected a module"):
        lr_sweep(model, data(), lrs=[0.1])
    with pytest.raises(InputError, match="critical_batch_size: expected a module"):
        critical_batch_size(model, data(), target=1.0, batch_sizes=[1, 2], lrs=[0.1])
