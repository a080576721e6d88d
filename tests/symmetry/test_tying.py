"""Tied layers: invariant before, during and after training."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from tolerances import ALGEBRA
from torch import nn
from torch.nn.utils import parametrizations, parametrize

from leadline.core import InputError, to_plain
from leadline.models import mlp
from leadline.symmetry import (
    Outcome,
    TiedWeights,
    equivariance,
    flip,
    generated_by,
    invariance,
    mirror,
    permutation,
    quarter_turn,
    scaling,
    tie_weights,
    untie_weights,
)
from leadline.training import Recipe, initialized, train, train_ensemble

GENERATOR = torch.Generator().manual_seed(0)
IMAGES = torch.randn(20, 4, 4, generator=GENERATOR, dtype=torch.float64)


def network() -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), mlp([16, 12, 3])).double()


def first(model: nn.Sequential) -> nn.Linear:
    layer = model.get_submodule("1.0")
    assert isinstance(layer, nn.Linear)
    return layer


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW])
def test_a_tied_network_is_invariant_and_stays_so_in_training(optimizer) -> None:
    model, group = network(), generated_by(mirror(), quarter_turn())
    assert invariance(model, group, IMAGES).outcome is Outcome.VIOLATED_ON_DATA
    found = tie_weights(first(model), group, input_shape=(4, 4))
    assert (found.weights, found.free_weights) == (12 * 16, 12 * 3)
    steps = optimizer(model.parameters(), lr=0.05)
    before = first(model).weight.detach().clone()
    for _ in range(5):
        steps.zero_grad()
        model(IMAGES).square().sum().backward()
        gradient = first(model).parametrizations.weight.original.grad.reshape(12, 4, 4)  # pyright: ignore
        assert torch.equal(gradient, gradient.flip(-1)) and torch.equal(gradient, gradient.rot90(1, (-2, -1)))
        steps.step()
    assert not torch.equal(before, first(model).weight)
    assert invariance(model, group, IMAGES).outcome is Outcome.NOT_VIOLATED
    untie_weights(first(model))
    assert not parametrize.is_parametrized(first(model))
    assert invariance(model, group, IMAGES).outcome is Outcome.NOT_VIOLATED
    assert set(dict(model.named_parameters())) == {"1.0.weight", "1.0.bias", "1.2.weight", "1.2.bias"}


def tied_network() -> nn.Sequential:
    model = network()
    tie_weights(first(model), generated_by(mirror(), quarter_turn()), input_shape=(4, 4))
    return model


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
def test_leadlines_own_training_keeps_layers_tied(optimizer) -> None:
    group, classes = generated_by(mirror(), quarter_turn()), torch.arange(20) % 3
    recipes = [Recipe(lr=lr, steps=5, batch_size=8, optimizer=optimizer, seed=3) for lr in (0.01, 0.05)]
    start = initialized(tied_network, 3)
    assert isinstance(start, nn.Sequential)
    one = train(start, (IMAGES, classes), recipes[1])
    together = train_ensemble(tied_network, (IMAGES, classes), recipes)
    for trained, member in ((one, 0), (together, 0), (together, 1)):
        model = tied_network()
        trained.load_into(model, member)
        assert not torch.equal(first(model).weight, first(start).weight)
        kernel = first(model).weight.detach().reshape(12, 4, 4)
        assert torch.equal(kernel, kernel.flip(-1)) and torch.equal(kernel, kernel.rot90(1, (-2, -1)))
        assert invariance(model, group, IMAGES).outcome is Outcome.NOT_VIOLATED
    for name, value in one.parameters(0).items():
        torch.testing.assert_close(value, together.parameters(1)[name], rtol=0, atol=ALGEBRA)


def test_the_projection_is_the_mean_over_the_orbit_and_idempotent() -> None:
    layer = nn.Linear(4, 3)
    weight = layer.weight.detach().clone()
    found = tie_weights(layer, mirror())
    torch.testing.assert_close(layer.weight.detach(), (weight + weight.flip(-1)) / 2)
    once = layer.weight.detach().clone()
    again = tie_weights(layer, mirror())
    assert torch.equal(layer.weight, once) and again.moved == 0 < found.moved
    assert found.moved == pytest.approx(float((weight - once).norm() / weight.norm()), rel=1e-5)


def test_tying_again_ties_to_both_groups() -> None:
    layer, both = nn.Linear(16, 2).double(), nn.Linear(16, 2).double()
    both.load_state_dict(layer.state_dict())
    tie_weights(layer, mirror(), input_shape=(4, 4))
    tie_weights(layer, permutation([1, 2, 3, 0], axis=-2), input_shape=(4, 4))
    found = tie_weights(both, [mirror(), permutation([1, 2, 3, 0], axis=-2)], input_shape=(4, 4))
    assert found.free_weights == 2 * 2
    torch.testing.assert_close(layer.weight, both.weight, rtol=0, atol=ALGEBRA)
    assert parametrize.is_parametrized(layer, "weight")
    untie_weights(layer)
    assert not parametrize.is_parametrized(layer)


@pytest.mark.parametrize(
    ("layer", "shape", "rank"),
    [(nn.Conv1d(2, 3, 5, padding=2), (2, 9), 1), (nn.Conv2d(2, 4, 3, padding=1, groups=2), (2, 6, 6), 2),
     (nn.Conv3d(1, 2, 3, padding=1), (1, 4, 4, 4), 3)],
)  # fmt: skip
def test_convolutions_with_tied_kernels_are_equivariant(layer, shape, rank) -> None:
    layer = layer.double()
    inputs = torch.randn(5, *shape, generator=GENERATOR, dtype=torch.float64)
    flips = [flip(-1 - axis) for axis in range(rank)]
    assert equivariance(layer, flips, flips, inputs).outcome is Outcome.VIOLATED_ON_DATA
    tie_weights(layer, flips)
    assert equivariance(layer, generated_by(*flips), generated_by(*flips), inputs).outcome is Outcome.NOT_VIOLATED


def test_outputs_that_turn_with_the_inputs() -> None:
    # Four channels, each the kernel of the one before turned by 90 degrees: a lifting convolution.
    layer = nn.Conv2d(1, 4, 3, padding=1).double()
    cycle = permutation([1, 2, 3, 0])
    found = tie_weights(layer, quarter_turn(), output_group=cycle)
    assert (found.free_weights, found.free_biases) == (9, 1)
    turned = permutation([1, 2, 3, 0], axis=1).then(quarter_turn())
    inputs = torch.randn(5, 1, 6, 6, generator=GENERATOR, dtype=torch.float64)
    assert equivariance(layer, quarter_turn(), turned, inputs).outcome is Outcome.NOT_VIOLATED
    assert len(set(layer.weight.detach().flatten().tolist())) == 9
    assert len(set(layer.bias.detach().tolist())) == 1  # pyright: ignore[reportOptionalMemberAccess]


def test_a_linear_layer_that_commutes_with_all_permutations() -> None:
    layer = nn.Linear(4, 4).double()
    moves = [permutation([1, 2, 3, 0]), permutation([1, 0, 2, 3])]
    found = tie_weights(layer, moves, output_group=moves)
    assert (found.free_weights, found.free_biases) == (2, 1)  # lambda I + gamma 11', Zaheer et al. 2017
    data = torch.randn(9, 4, generator=GENERATOR, dtype=torch.float64)
    group = generated_by(*moves)
    assert equivariance(layer, group, group, data, search_steps=3).outcome is Outcome.NOT_VIOLATED
    assert invariance(layer, group, data, search_steps=3).outcome is Outcome.VIOLATED_ON_DATA


def test_state_dict_moves_to_another_tied_layer() -> None:
    one, other = nn.Linear(4, 2), nn.Linear(4, 2)
    tie_weights(one, mirror())
    tie_weights(other, mirror())
    other.load_state_dict(one.state_dict())
    assert torch.equal(one.weight, other.weight)


def test_result() -> None:
    found = tie_weights(nn.Linear(6, 2), mirror(), input_shape=(2, 3))
    np.testing.assert_array_equal(found.pattern, [[0, 1, 0], [2, 3, 2]])
    assert "\n" not in found.headline() and found.to_frame()["free_entries"].tolist() == [8, 2]
    before = to_plain(found)
    assert found.plot().get_xlabel()
    assert to_plain(found) == before == to_plain(TiedWeights.from_dict(found.to_dict()))
    plt.close("all")


def with_nan(name: str) -> nn.Linear:
    layer = nn.Linear(4, 4)
    with torch.no_grad():
        layer.get_parameter(name)[1] = torch.nan
    return layer


@pytest.mark.parametrize(
    ("layer", "group", "options", "message"),
    [
        (nn.ReLU(), mirror(), {}, "a convolution, got ReLU"),
        (nn.ConvTranspose2d(1, 1, 3), mirror(), {}, "a convolution, got ConvTranspose2d"),
        (nn.LazyLinear(3), mirror(), {}, "initialized weights"),
        (parametrizations.weight_norm(nn.Linear(4, 4)), mirror(), {}, "a weight without other parametrizations"),
        (nn.Linear(6, 4), mirror(), {"input_shape": (2, 2)}, "an input_shape of 6 places"),
        (nn.Linear(6, 4), mirror(), {"input_shape": (-2, -3)}, r"an input_shape of 6 places, got \(-2, -3\)"),
        (
            nn.Linear(4, 8),
            mirror(),
            {"output_group": mirror(), "output_shape": (5,)},
            r"output_shape of 8 .* got \(5,\)",
        ),
        (nn.Conv2d(1, 1, 3), mirror(), {"input_shape": (5, 5)}, "an input_shape of 9 places"),
        (with_nan("weight"), mirror(), {}, "finite weights, got nan or inf"),
        (with_nan("bias"), mirror(), {}, "finite weights, got nan or inf"),
        (nn.Linear(4, 4), scaling(2), {}, "times 2, which is none"),
        (nn.Linear(4, 4), [mirror(), mirror()], {"output_group": mirror()}, "2 output permutations"),
    ],
)
def test_refusals_leave_the_layer_as_it_is(layer, group, options, message) -> None:
    state = dict(layer.named_parameters())
    with pytest.raises(InputError, match=message):
        tie_weights(layer, group, **options)
    assert all(value is state[name] for name, value in layer.named_parameters())


def test_untying_what_is_not_tied_is_refused() -> None:
    with pytest.raises(InputError, match="a layer that tie_weights has tied, got Linear"):
        untie_weights(nn.Linear(2, 2))
