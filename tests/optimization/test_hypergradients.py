"""Hypergradients of both modes against central differences, closed forms and each other, in float64."""

import copy
import gc
import math
import random
import sys
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch
from tolerances import ALGEBRA, AUTOGRAD, FINITE_DIFFERENCE
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from leadline.core import InputError, ModelError
from leadline.optimization import Block, LiveMemory, hypergradient
from leadline.training import Cosine, Optimizer, Recipe, train


@pytest.fixture
def perceptron():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 2)).double()


@pytest.fixture
def data():
    generator = torch.Generator().manual_seed(1)
    return tuple(torch.randn(20, width, generator=generator, dtype=torch.float64) for width in (5, 2))


RULES = {
    "sgd": ("lr", "weight_decay"),
    "momentum": ("lr", "weight_decay", "momentum"),
    "nesterov": ("lr", "momentum"),
    "rmsprop": ("lr", "weight_decay", "smoothing"),
    "adam": ("lr", "weight_decay", "beta1", "beta2"),
    "adamw": ("lr", "weight_decay"),
}


def recipe_of(rule, **given):
    eps = {"eps": 1e-3} if rule in ("rmsprop", "adam", "adamw") else {}
    slow = {"smoothing": 0.9} if rule == "rmsprop" else {"beta2": 0.95} if rule.startswith("adam") else {}
    return Recipe(lr=0.05, steps=10, batch_size=6, loss="mse", optimizer=rule, weight_decay=0.1, **eps, **slow, **given)


def difference(model, data, recipe, name):
    value = recipe.lr if name == "lr" else recipe.hyper_parameters()[name]
    step = 1e-4 * value
    losses = [hypergradient(model, data, replace(recipe, **{name: value + sign * step})).final_loss for sign in (1, -1)]
    return (losses[0] - losses[1]) / (2 * step)


@pytest.mark.parametrize("rule", RULES)
def test_both_modes_are_the_central_difference(rule, perceptron, data):
    recipe = recipe_of(rule, schedule=Cosine(0.1))
    forward = hypergradient(perceptron, data, recipe, wrt=RULES[rule])
    reverse = hypergradient(perceptron, data, recipe, wrt=RULES[rule], mode="reverse")
    assert np.allclose(forward.gradient, reverse.gradient, rtol=AUTOGRAD, atol=AUTOGRAD)
    assert forward.final_loss == pytest.approx(reverse.final_loss, rel=ALGEBRA)
    expected = [difference(perceptron, data, recipe, name) for name in RULES[rule]]
    assert forward.gradient == pytest.approx(expected, rel=10 * FINITE_DIFFERENCE, abs=FINITE_DIFFERENCE)


@pytest.mark.parametrize("steps", [1, 4, 7])
def test_every_step_has_its_derivative(steps, perceptron, data):
    """d loss_t is that of the final loss of a run which stops there, batches being all of the data."""
    whole = Recipe(lr=0.1, steps=10, batch_size=20, loss="mse", optimizer="momentum")
    found = hypergradient(perceptron, data, whole, wrt=("lr", "momentum"))
    shorter = hypergradient(perceptron, data, replace(whole, steps=steps), wrt=("lr", "momentum"))
    assert found.loss[steps] == pytest.approx(shorter.final_loss, rel=ALGEBRA)
    assert found.loss_gradient[steps] == pytest.approx(shorter.gradient, rel=AUTOGRAD)
    assert found.loss_gradient[0] == pytest.approx([0.0, 0.0])


def test_a_run_is_the_one_that_train_makes(perceptron, data):
    recipe = recipe_of("adam")
    expected = train(perceptron, data, recipe).history.loss[:, 0]
    for mode in ("forward", "reverse"):
        assert hypergradient(perceptron, data, recipe, mode=mode).loss == pytest.approx(expected, rel=ALGEBRA)


def test_one_step_in_closed_form():
    """L1 = |(I - 2 lr/n XX') a|^2 / n, so dL1/dlr = -4/n^2 a'XX'(I - 2 lr/n XX') a."""
    rng = np.random.default_rng(0)
    X, t = rng.normal(size=(7, 4)), rng.normal(size=(7, 1))
    model = nn.Linear(4, 1, bias=False, dtype=torch.float64)
    w = model.weight.detach().numpy().T
    a, gram, lr = X @ w - t, X @ X.T, 0.05
    expected = -4 / 49 * a.T @ gram @ (np.eye(7) - 2 * lr / 7 * gram) @ a
    found = hypergradient(model, (torch.tensor(X), torch.tensor(t)), Recipe(lr=lr, steps=1, batch_size=7, loss="mse"))
    assert found.gradient[0] == pytest.approx(expected.item(), rel=AUTOGRAD)


def test_blocks_add_up(perceptron, data):
    recipe = recipe_of("nesterov")
    wrt = ["lr", Block("lr", 0, 4), Block("lr", 4), Block("lr", parameters="0."), Block("lr", parameters="2.")]
    for mode in ("forward", "reverse"):
        whole, early, late, first, second = hypergradient(perceptron, data, recipe, wrt=wrt, mode=mode).gradient
        assert early + late == pytest.approx(whole, rel=AUTOGRAD)
        assert first + second == pytest.approx(whole, rel=AUTOGRAD)


def test_validation_data_give_the_final_loss(perceptron, data):
    held_out = (data[0][:4] + 1, data[1][:4])
    recipe = recipe_of("sgd")
    found = hypergradient(perceptron, data, recipe, validation=held_out)
    trained = copy.deepcopy(perceptron)
    train(perceptron, data, recipe).load_into(trained)
    assert found.final_loss == pytest.approx(nn.functional.mse_loss(trained(held_out[0]), held_out[1]).item())


DEAD = {
    "rmsprop": ("rmsprop", {}, "lr"),
    "rmsprop, inside": ("rmsprop", {"eps_inside_root": True}, "lr"),
    "rmsprop, centered": ("rmsprop", {"centered": True}, "lr"),
    "rmsprop without memory": ("rmsprop", {}, "smoothing"),
    "adam": ("adam", {}, "lr"),
    "adam, eps": ("adam", {}, "eps"),
    "adam, beta2": ("adam", {}, "beta2"),
    "adam, inside": ("adam", {"eps_inside_root": True}, "lr"),
    "adam, amsgrad": ("adam", {"amsgrad": True}, "lr"),
    "adamw": ("adamw", {}, "lr"),
}


@pytest.mark.parametrize("case", DEAD)
def test_a_unit_that_never_gets_a_gradient_does_no_harm(case, data):
    """Its mean square is exactly 0, where the root has no slope."""
    rule, options, name = DEAD[case]
    torch.manual_seed(0)
    first = nn.Linear(5, 3)
    nn.init.constant_(first.bias[:2], -100.0)  # of three units only one is alive
    model = nn.Sequential(first, nn.ReLU(), nn.Linear(3, 2)).double()
    recipe = Recipe(lr=0.05, steps=5, loss="mse", optimizer=Optimizer(rule, **options), eps=1e-3)
    if rule == "rmsprop":
        recipe = replace(recipe, smoothing=0.0 if name == "smoothing" else 0.9)
    if name == "smoothing":  # no room below 0 for a difference
        expected = hypergradient(model, data, replace(recipe, smoothing=1e-9), wrt=[name]).gradient[0]
    else:
        expected = difference(model, data, recipe, name)
    for mode in ("forward", "reverse"):
        found = hypergradient(model, data, recipe, wrt=[name], mode=mode).gradient[0]
        assert found == pytest.approx(expected, rel=10 * FINITE_DIFFERENCE, abs=FINITE_DIFFERENCE)


@pytest.fixture
def both(monkeypatch):
    """A hypergradient with recordings, and one without."""

    def run(*args, **options):
        found = []
        for long in (1, 10**9):
            monkeypatch.setattr("leadline.optimization.forward_tangents._LONG", long)
            random.seed(0)
            found.append(hypergradient(*args, **options))
        return found

    return run


@pytest.mark.parametrize("rule", RULES)
def test_a_long_run_repeats_a_recording_and_comes_to_the_same(rule, perceptron, data, both):
    """Batches of two sizes, a schedule, a block of steps and one of parameters."""
    recipe = replace(recipe_of(rule, schedule=Cosine(0.1)), steps=25)
    wrt = [*RULES[rule], Block("lr", 7, 20), Block("weight_decay", parameters="2.")]
    repeated, true = both(perceptron, data, recipe, wrt=wrt)
    assert repeated.loss == pytest.approx(true.loss, rel=ALGEBRA)
    assert np.allclose(repeated.loss_gradient, true.loss_gradient, rtol=AUTOGRAD, atol=AUTOGRAD)
    assert np.allclose(repeated.gradient, true.gradient, rtol=AUTOGRAD, atol=AUTOGRAD)


def test_random_numbers_and_buffers_are_the_same_in_a_recording(data, both):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.3), nn.Linear(6, 2)).double()
    repeated, true = both(model, data, Recipe(lr=0.01, steps=25, batch_size=8, loss="mse", optimizer="momentum"))
    assert repeated.loss == pytest.approx(true.loss, rel=ALGEBRA)


class Ageing(nn.Module):
    """Does something else after so many calls, or draws from a generator that torch does not know."""

    def __init__(self, *, calls=math.inf, jitter=0.0):
        super().__init__()
        self.layer, self.calls, self.jitter = nn.Linear(5, 2), calls, jitter

    def forward(self, x):
        self.calls -= 1
        return self.layer(x) * (1 if self.calls > 0 else 0.5) * (1 + self.jitter * random.random())


@pytest.mark.parametrize("settings", [{"calls": 20}, {"jitter": 0.1}], ids=["counts", "draws"])
def test_a_model_that_changes_from_call_to_call_is_run_in_earnest(settings, data, both):
    found, true = both(Ageing(**settings).double(), data, Recipe(lr=0.05, steps=40, loss="mse"))
    assert found.loss == pytest.approx(true.loss, rel=ALGEBRA)
    assert found.gradient == pytest.approx(true.gradient, rel=AUTOGRAD)


def test_dropout_and_batch_norm_agree_between_the_modes(data):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.3), nn.Linear(6, 2)).double()
    recipe = Recipe(lr=0.05, steps=9, batch_size=10, loss="mse", optimizer=Optimizer("momentum"))
    forward = hypergradient(model, data, recipe)
    reverse = hypergradient(model, data, recipe, mode="reverse")
    assert forward.loss == pytest.approx(reverse.loss, rel=ALGEBRA)
    assert forward.gradient == pytest.approx(reverse.gradient, rel=AUTOGRAD)
    assert "statistics" in forward.caveats[0]


def test_attention_has_second_derivatives():
    torch.manual_seed(0)
    model = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True).double()
    x = torch.randn(4, 3, 8, dtype=torch.float64)
    recipe = Recipe(lr=0.1, steps=3, batch_size=4, loss="mse")
    found = hypergradient(model, (x, x.roll(1, 0)), recipe).gradient[0]
    assert found == pytest.approx(difference(model, (x, x.roll(1, 0)), recipe, "lr"), rel=10 * FINITE_DIFFERENCE)


def test_forward_memory_is_flat_and_reverse_memory_grows_with_the_root():
    generator = torch.Generator().manual_seed(0)
    X, t = torch.randn(20, 1000, generator=generator), torch.randn(20, 1, generator=generator)
    peaks = {}
    for mode, steps in (("forward", 10), ("forward", 110), ("forward", 220), ("reverse", 16), ("reverse", 144)):
        model = nn.Linear(1000, 1, bias=False)
        with LiveMemory() as memory:
            hypergradient(model, (X, t), Recipe(lr=1e-3, steps=steps, batch_size=20, loss="mse"), mode=mode)
        peaks[mode, steps] = memory.peak
    assert peaks["forward", 220] == peaks["forward", 110] < 1.5 * peaks["forward", 10]  # long runs check a recording
    assert peaks["reverse", 144] < 4 * peaks["reverse", 16]  # 9 times the steps


def test_forward_memory_grows_by_a_few_numbers_a_step():
    """Of those are the plan, the losses and their derivatives: at 10,000 steps less than a megabyte more than at 10."""
    generator = torch.Generator().manual_seed(0)
    X, t = torch.randn(8, 5, generator=generator), torch.randn(8, 1, generator=generator)
    peaks = {}
    for steps in (10, 120, 620) * 2:  # the first time, things are imported and remembered for later
        model = nn.Linear(5, 1, bias=False)
        gc.collect()
        tracemalloc.start()
        hypergradient(model, (X, t), Recipe(lr=1e-3, steps=steps, batch_size=8, loss="mse"))
        peaks[steps] = min(tracemalloc.get_traced_memory()[1], peaks.get(steps, sys.maxsize))
        tracemalloc.stop()
    growth = (peaks[620] - peaks[120]) / 500
    assert growth < 75
    assert peaks[120] - peaks[10] + 9_880 * growth < 2**20


def test_a_diverged_run_says_so(data):
    model = nn.Linear(5, 2).double()
    for mode in ("forward", "reverse"):
        found = hypergradient(model, data, Recipe(lr=1e9, steps=60, batch_size=20, loss="mse"), mode=mode)
        assert found.diverged_at > 0
        assert np.isnan(found.gradient).all()
        assert "diverged" in found.headline()


def test_a_loader_serves_forward_mode_only(perceptron, data):
    loader = DataLoader(TensorDataset(*data), batch_size=5)
    assert np.isfinite(hypergradient(perceptron, loader, Recipe(lr=0.1, epochs=2, loss="mse")).gradient).all()
    with pytest.raises(InputError, match="read again in reverse mode"):
        hypergradient(perceptron, loader, Recipe(lr=0.1, epochs=2, loss="mse"), mode="reverse")


def test_bad_input_is_refused(perceptron, data):
    recipe = Recipe(lr=0.1, steps=2, loss="mse")
    with pytest.raises(InputError, match="mode forward or reverse"):
        hypergradient(perceptron, data, recipe, mode="sideways")
    with pytest.raises(InputError, match="wrt among"):
        hypergradient(perceptron, data, recipe, wrt=("momentum",))
    with pytest.raises(InputError, match="scalar tensor"):
        hypergradient(perceptron, data, replace(recipe, loss=lambda y, t: (y - t) ** 2))
    with pytest.raises(InputError, match="NaN"):
        hypergradient(perceptron, (data[0] * float("nan"), data[1]), recipe)
    with pytest.raises(InputError, match="trainable"):
        hypergradient(perceptron.requires_grad_(False), data, recipe)
    with pytest.raises(ModelError, match="hypergradient"):
        hypergradient(nn.Linear(3, 2).double(), data, recipe)
